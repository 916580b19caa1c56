"""The ring reader under load: order, exactness, wrap-around, discarded records."""

from __future__ import annotations

import os
import select
import struct

import pytest
from bpf_objects import build, emit, helper, on_magic
from runtime_support import children, magic_calls

from dscript.program import Attachment, RecordHeader
from dscript.runtime.counters import DropCounters
from dscript.runtime.libbpf import BpfObject
from dscript.runtime.links import Links
from dscript.runtime.ring import Ring

HIT = Attachment("hit", "raw_tp", (7,), ("sys_enter",))
ALLOCA = "  %dropkey = alloca i32, align 4"
PID = f"  %pt = call i64 {helper(14)}()\n  %tgid = lshr i64 %pt, 32\n"


class Tracing:
    """An attached test program with its ring and drop counters."""

    def __init__(self, data: bytes) -> None:
        self.object = BpfObject(data)
        self.object.prepare((HIT,))
        self.object.load()
        records = self.object.map("records")
        self.ring = Ring(records.fd, records.max_entries)
        cpus = os.sysconf("SC_NPROCESSORS_CONF")
        self.drops = DropCounters(self.object.map("drops"), cpus)
        memoryview(self.object.bss()).cast("Q")[0] = 1
        self.links = Links()
        self.links.attach(HIT, self.object.program_fd("hit"))
        self.counts: dict[int, int] = {}

    def record(self, clause, probe, cpu, tid, spec, flags, data, offset) -> None:
        (pid,) = struct.unpack_from("<Q", data, offset + RecordHeader.SIZE)
        assert (clause, probe, spec, flags) == (5, 7, 0, 0)
        self.counts[pid] = self.counts.get(pid, 0) + 1

    def error(self, *words: int) -> None:
        raise AssertionError(words)

    def consume(self) -> int:
        return self.ring.consume(self.record, self.error)

    def close(self) -> None:
        self.links.close()
        self.ring.close()
        self.object.close()


@pytest.mark.parametrize("ring_size", [4096, 1 << 20])
def test_every_record_is_read_or_counted_as_dropped(ring_size: int) -> None:
    tracing = Tracing(
        build(
            on_magic("hit", PID + emit("a", 5, 7, "%tgid", then="out"), head=ALLOCA),
            ring_size=ring_size,
        )
    )
    calls, writers = 20_000, 3
    poller = select.poll()
    poller.register(tracing.ring, select.POLLIN)
    with children(writers, lambda index: magic_calls(calls)) as pids:
        running = set(pids)
        while running:
            poller.poll(10)
            tracing.consume()
            running = {p for p in running if _alive(p)}
    while tracing.ring.pending:
        tracing.consume()
    dropped = sum(count for _, count, _ in tracing.drops.poll())
    assert set(tracing.counts) <= set(pids)
    assert sum(tracing.counts.values()) + dropped == calls * writers
    assert list(tracing.drops.poll()) == []
    tracing.close()


def _alive(pid: int) -> bool:
    with open(f"/proc/{pid}/stat") as file:
        return file.read().rpartition(")")[2].split()[0] != "Z"


def test_discarded_records_are_skipped() -> None:
    """Each hit reserves and discards 40 bytes, then submits a record."""
    hit = f"""
  %x = call ptr {helper(131)}(ptr @records, i64 40, i64 0)
  %gotx = icmp ne ptr %x, null
  br i1 %gotx, label %undo, label %out
undo:
  call i64 {helper(133)}(ptr %x, i64 0)
{PID}
{emit("a", 5, 7, "%tgid", then="out")}
"""
    tracing = Tracing(build(on_magic("hit", hit, head=ALLOCA)))
    magic_calls(500)
    assert tracing.consume() == 500
    assert tracing.counts == {os.getpid(): 500}
    assert not tracing.ring.pending
    tracing.close()


def test_a_raising_handler_loses_only_its_own_record() -> None:
    tracing = Tracing(
        build(on_magic("hit", PID + emit("a", 5, 7, "%tgid", then="out"), head=ALLOCA))
    )
    magic_calls(10)

    def fail(*arguments: object) -> None:
        raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        tracing.ring.consume(fail, tracing.error)
    assert tracing.consume() == 9
    tracing.close()


def test_space_is_given_back_while_a_batch_is_read() -> None:
    """A ring much smaller than what passes through it during one slow batch."""
    tracing = Tracing(
        build(
            on_magic("hit", PID + emit("a", 5, 7, "%tgid", then="out"), head=ALLOCA), ring_size=4096
        )
    )
    magic_calls(100)

    def publish_and_call(*words: object) -> None:
        tracing.ring.publish()
        magic_calls(1)

    assert tracing.ring.consume(publish_and_call, tracing.error) == 100
    # 4096 / 40 = 102 records fit: the hundred new ones only because space came back.
    assert tracing.consume() >= 99
    tracing.close()
