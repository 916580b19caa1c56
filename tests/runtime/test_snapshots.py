"""printa and clear while events pour in: every event is printed exactly once.

The sink does what the text printer does with such records.  A 5 ms tick fires two clauses,
each with a record of its own: clause 5 prints the totals, clause 6 clears them.
"""

from __future__ import annotations

import time

import pytest
from bpf_objects import PERCPU_ARRAY, PERCPU_HASH, MapDef, build, emit, helper, on_magic
from support import RememberingSink, children, magic_calls, program
from test_aggregation import ALLOCAS, COUNT_BOTH, aggregation

from dscript.program import Attachment
from dscript.runtime.session import Rates, Session
from dscript.runtime.target import take_process

MAPS = (
    MapDef("a0_0", PERCPU_ARRAY, 4, 8, 1),
    MapDef("a0_1", PERCPU_ARRAY, 4, 8, 1),
    MapDef("a1_0", PERCPU_HASH, 8, 8, 1024),
    MapDef("a1_1", PERCPU_HASH, 8, 8, 1024),
)
HIT = Attachment("hit", "raw_tp", (7,), ("sys_enter",))
PAUSE = f"  call i64 {helper(5)}()\n" * 200  # makes splitting a firing likelier

TWO_CLAUSES = f"""
define dso_local i32 @tick(ptr %ctx) section "perf_event" {{
entry:
  %dropkey = alloca i32, align 4
  %active = load volatile i64, ptr @state
  %live = icmp eq i64 %active, 1
  br i1 %live, label %first, label %out
first:
{emit("a", 5, 9, "0", then="next")}
next:
{PAUSE}
{emit("b", 6, 9, "0", then="out")}
out:
  ret i32 0
}}
"""


class PrintingSink(RememberingSink):
    """Adds up what printa printed, and forgets it on clear."""

    def __init__(self) -> None:
        super().__init__(2, on_record=PrintingSink.act)
        self.printed = [0, 0]
        self.shown = [0, 0]

    def act(self, clause: int, value: int) -> None:
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


@pytest.mark.parametrize("attachment", ["tick", "profile"])
def test_printed_sums_of_concurrent_writers_add_up(attachment: str) -> None:
    data = build(on_magic("hit", COUNT_BOTH, head=ALLOCAS) + TWO_CLAUSES, MAPS)
    clock = Attachment("tick", attachment, (9,), period_ns=5_000_000)
    compiled = program(data, HIT, clock, aggregations=(aggregation(0), aggregation(1, key_size=8)))
    sink = PrintingSink()
    calls, writers = 250_000, 4

    def write(index: int) -> None:
        time.sleep(0.5)  # until tracing is on
        magic_calls(calls)

    with children(writers, write) as pids:
        targets = [take_process(pid) for pid in pids]
        # Drains of the runtime's own accord, as often as it will do them.
        Session(compiled, sink, targets, Rates(aggregate=0.001)).run()
    assert sink.printed == [calls * writers] * 2
    assert sum(1 for clause, _, _ in sink.records if clause == 6) > 5
