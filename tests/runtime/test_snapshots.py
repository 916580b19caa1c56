"""printa and clear while events pour in: every event is printed exactly once.

The sink does what the text printer does with such records.  A probe fires two clauses, each
with a record of its own: clause 5 prints the totals, clause 6 clears them.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from bpf_objects import MAGIC, PERCPU_ARRAY, PERCPU_HASH, MapDef, build, emit, helper, on_magic
from runtime_support import RememberingSink, magic_calls, program
from test_aggregation import ALLOCAS, COUNT_BOTH, aggregation

from dscript.program import Attachment
from dscript.runtime.session import Rates, Session
from dscript.runtime.target import Target

MAPS = (
    MapDef("a0_0", PERCPU_ARRAY, 4, 8, 1),
    MapDef("a0_1", PERCPU_ARRAY, 4, 8, 1),
    MapDef("a1_0", PERCPU_HASH, 8, 8, 1024),
    MapDef("a1_1", PERCPU_HASH, 8, 8, 1024),
)
HIT = Attachment("hit", "raw_tp", (7,), ("sys_enter",))

# Fires clause 5 and, a few hundred microseconds later, clause 6: time for the consumer to
# wake up and read a batch that ends between the two.
FIRE = MAGIC + 1
TWO_CLAUSES = on_magic(
    "fire",
    f"""
  br label %first
first:
{emit("a", 5, 9, "0", then="pause")}
pause:
  %i = phi i64 [ 0, %dropa ], [ 0, %counta ], [ 0, %filla ], [ %next, %pause ]
  %t = call i64 {helper(5)}()
  %next = add i64 %i, 1
  %more = icmp ult i64 %next, 6000
  br i1 %more, label %pause, label %second
second:
{emit("b", 6, 9, "0", then="out")}
""",
    head="  %dropkey = alloca i32, align 4",
    number=FIRE,
)
FIRED = Attachment("fire", "raw_tp", (9,), ("sys_enter",))


class Held(Target):
    """A forked process that works once tracing is on."""

    def __init__(self, index: int, work: Callable[[int], None]) -> None:
        gate, self._gate = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(self._gate)
            if os.read(gate, 1):
                work(index)
            os._exit(0)
        os.close(gate)
        super().__init__(pid)

    def release(self) -> None:
        os.write(self._gate, b"x")

    def close(self) -> None:
        os.close(self._gate)
        os.waitpid(self.pid, 0)
        super().close()


class PrintingSink(RememberingSink):
    """Adds up what printa printed, and forgets it on clear."""

    def __init__(self, started: Callable[[], object]) -> None:
        super().__init__(2, on_record=PrintingSink.act)
        self._started = started
        self.printed = [0, 0]
        self.shown = [0, 0]

    def act(self, clause: int, value: int) -> None:
        if len(self.records) == 1:
            self._started()
        self.snapshot()
        if clause == 5:
            for index, totals in enumerate(self.aggregations):
                now = sum(words[0] for words in totals.sums.values())
                self.printed[index] += now - self.shown[index]
                self.shown[index] = now
        else:
            for index, totals in enumerate(self.aggregations):
                totals.sums.clear()
                self.shown[index] = 0

    def finish(self) -> None:
        self.act(5, 0)
        super().finish()


def test_printed_sums_of_concurrent_writers_add_up() -> None:
    data = build(on_magic("hit", COUNT_BOTH, head=ALLOCAS) + TWO_CLAUSES, MAPS)
    compiled = program(data, HIT, FIRED, aggregations=(aggregation(0), aggregation(1, key_size=8)))
    calls, writers, firings = 250_000, 4, 60
    gate, opener = os.pipe()
    sink = PrintingSink(lambda: os.write(opener, b"x" * writers))

    def work(index: int) -> None:
        if index == writers:
            for _ in range(firings):
                magic_calls(1, FIRE)
                time.sleep(0.01)
        else:
            os.read(gate, 1)
            magic_calls(calls)

    held = [Held(index, work) for index in range(writers + 1)]
    # Drains of the runtime's own accord, as often as it will do them.
    Session(compiled, sink, held, Rates(aggregate=0.001)).run()
    os.close(gate)
    os.close(opener)
    assert sink.printed == [calls * writers] * 2
    assert [clause for clause, _, _ in sink.records] == [5, 6] * firings
