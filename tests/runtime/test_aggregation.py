"""Generation swaps: exact under load; combining over CPUs; speed of a large drain."""

from __future__ import annotations

import ctypes
import os
import struct
import time
from collections.abc import Sequence

import pytest
from bpf_objects import (
    CALLBACK,
    HASH,
    LOCATION,
    MAGIC,
    PERCPU_ARRAY,
    PERCPU_HASH,
    PROGRAM,
    MapDef,
    build,
    helper,
    on_magic,
)
from runtime_support import RememberingSink, Totals, children, magic_calls, program

from dscript.program import Aggregation, Attachment, Field
from dscript.runtime import aggregation as drains
from dscript.runtime import bpf
from dscript.runtime.aggregation import AggregationDrain, Gate
from dscript.runtime.kernel_side import KernelSide
from dscript.runtime.libbpf import Map

HIT = Attachment("hit", "raw_tp", (7,), ("sys_enter",))
CPUS = bpf.possible_cpus()


def aggregation(
    number: int, function: str = "count", words: int = 1, key_size: int = 0
) -> Aggregation:
    keys = (Field("int", 0, key_size),) if key_size else ()
    names = (f"a{number}_0", f"a{number}_1")
    return Aggregation(number, f"a{number}", function, keys, key_size, words, (), names)


# Count in a0 (keyless) and in a1 by process, both in the generation of the moment.
COUNT_BOTH = f"""
  %gen = load volatile i64, ptr getelementptr (i8, ptr @state, i64 8)
  %second = icmp ne i64 %gen, 0
  store i32 0, ptr %zero
  br i1 %second, label %g1, label %g0
g0:
  %v0 = call ptr {helper(1)}(ptr @a0_0, ptr %zero)
  br label %keyless
g1:
  %v1 = call ptr {helper(1)}(ptr @a0_1, ptr %zero)
  br label %keyless
keyless:
  %v = phi ptr [ %v0, %g0 ], [ %v1, %g1 ]
  %gotv = icmp ne ptr %v, null
  br i1 %gotv, label %addv, label %keyed
addv:
  %av = atomicrmw add ptr %v, i64 1 monotonic
  br label %keyed
keyed:
  %pt = call i64 {helper(14)}()
  %tgid = lshr i64 %pt, 32
  store i64 %tgid, ptr %key
  br i1 %second, label %h1, label %h0
h0:
  %w0 = call ptr {helper(1)}(ptr @a1_0, ptr %key)
  %gotw0 = icmp ne ptr %w0, null
  br i1 %gotw0, label %add0, label %new0
add0:
  %aw0 = atomicrmw add ptr %w0, i64 1 monotonic
  br label %out
new0:
  store i64 1, ptr %one
  call i64 {helper(2)}(ptr @a1_0, ptr %key, ptr %one, i64 0)
  br label %pressure
h1:
  %w1 = call ptr {helper(1)}(ptr @a1_1, ptr %key)
  %gotw1 = icmp ne ptr %w1, null
  br i1 %gotw1, label %add1, label %new1
add1:
  %aw1 = atomicrmw add ptr %w1, i64 1 monotonic
  br label %out
new1:
  store i64 1, ptr %one
  call i64 {helper(2)}(ptr @a1_1, ptr %key, ptr %one, i64 0)
  br label %pressure
pressure:
  %more = atomicrmw add ptr getelementptr (i8, ptr @state, i64 24), i64 1 monotonic
  br label %out
"""
ALLOCAS = """  %zero = alloca i32, align 4
  %key = alloca i64, align 8
  %one = alloca i64, align 8"""
MAPS = (
    MapDef("a0_0", PERCPU_ARRAY, 4, 8, 1),
    MapDef("a0_1", PERCPU_ARRAY, 4, 8, 1),
    MapDef("a1_0", PERCPU_HASH, 8, 8, 1024),
    MapDef("a1_1", PERCPU_HASH, 8, 8, 1024),
)


def test_frequent_swaps_count_every_event_once() -> None:
    sink = RememberingSink(2)
    compiled = program(
        build(on_magic("hit", COUNT_BOTH, head=ALLOCAS), MAPS),
        HIT,
        aggregations=(aggregation(0), aggregation(1, key_size=8)),
    )
    kernel = KernelSide(compiled, sink.aggregations)
    kernel.attach()
    assert kernel.start()
    calls, writers, swaps = 250_000, 4, 0
    with children(writers, lambda index: magic_calls(calls)) as pids:
        # Swap as fast as the grace periods allow until all writers have stopped.
        while any(_running(pid) for pid in pids):
            kernel.drain.swap()
            swaps += 1
    kernel.stop()
    kernel.drain.collect_all()
    keyless, keyed = (totals.sums for totals in sink.aggregations)
    assert keyless == {b"": [calls * writers]}
    assert keyed == {struct.pack("<Q", pid): [calls] for pid in pids}
    assert swaps > 5
    kernel.close()


def _running(pid: int) -> bool:
    with open(f"/proc/{pid}/stat") as file:
        return file.read().rpartition(")")[2].split()[0] != "Z"


def test_pressure_of_new_keys_is_seen_and_reset() -> None:
    sink = RememberingSink(2)
    maps = [MapDef(m.name, m.kind, m.key_size, m.value_size, min(m.max_entries, 8)) for m in MAPS]
    compiled = program(
        build(on_magic("hit", COUNT_BOTH, head=ALLOCAS), maps),
        HIT,
        aggregations=(aggregation(0), aggregation(1, key_size=8)),
    )
    kernel = KernelSide(compiled, sink.aggregations)
    kernel.attach()
    kernel.start()
    assert kernel.drain.pressure_limit == 2
    assert not kernel.drain.pressed
    with children(3, lambda index: magic_calls(1)):
        pass
    assert kernel.drain.pressed
    kernel.drain.swap()
    assert not kernel.drain.pressed
    kernel.close()
    assert len(sink.aggregations[1].sums) == 3


class _Loose:
    """A drain over maps made by hand, `state` in plain memory."""

    def __init__(self, spec: Aggregation, kind: int, entries: int) -> None:
        key_size = spec.key_size or 4
        self.maps = {
            name: Map(name, bpf.map_create(kind, key_size, 8 * spec.value_words, entries))
            for name in spec.maps
        }
        self.totals = Totals()
        self.gate = Gate()
        self.state = memoryview(bytearray(64)).cast("Q")
        self.drain = AggregationDrain(
            (spec,), self.maps.__getitem__, self.state, [self.totals], self.gate.wait, CPUS
        )

    def put(self, key: bytes, words_by_cpu: Sequence[Sequence[int]]) -> None:
        fd = next(iter(self.maps.values())).fd
        flat = [word & (1 << 64) - 1 for words in words_by_cpu for word in words]
        bpf.map_update(fd, key, struct.pack(f"<{len(flat)}Q", *flat))

    def close(self) -> None:
        self.gate.close()
        for one in self.maps.values():
            os.close(one.fd)


def _spread(first: Sequence[int], second: Sequence[int]) -> list[list[int]]:
    """Values of two CPUs; the others, if there are more, saw nothing."""
    rows = [list(first), list(second)]
    return rows[:CPUS] + [[0] * len(first)] * (CPUS - 2)


@pytest.mark.skipif(CPUS < 2, reason="combines two CPUs")
@pytest.mark.parametrize("keyed", [False, True])
@pytest.mark.parametrize(
    ("function", "first", "second", "combined"),
    [
        ("sum", [-5], [3], [-2]),
        ("avg", [2, -10], [3, 7], [5, -3]),
        ("min", [0, 0], [4, 9], [4, 9]),
        ("min", [1, -2], [4, 9], [5, -2]),
        ("max", [1, -2], [0, 0], [1, -2]),
        ("max", [1, -2], [2, -1], [3, -1]),
        ("stddev", [1, 5, 2**64 - 1, 1], [2, -7, 1, 2], [3, -2, 0, 4]),
        ("quantize", [1] * 127, list(range(127)), [x + 1 for x in range(127)]),
    ],
)
def test_words_of_all_cpus_are_combined(function, first, second, combined, keyed) -> None:
    spec = aggregation(0, function, len(first), 8 if keyed else 0)
    loose = _Loose(spec, PERCPU_HASH if keyed else PERCPU_ARRAY, 16 if keyed else 1)
    key = b"\1\0\0\0\2\0\0\0" if keyed else b"\0\0\0\0"
    loose.put(key, _spread(first, second))
    loose.drain.swap()
    assert loose.totals.sums == {key if keyed else b"": combined}
    assert loose.state[1] == 1  # the generation
    loose.totals.sums.clear()
    loose.drain.collect_all()
    assert loose.totals.sums == {}  # emptied
    loose.close()


@pytest.mark.skipif(CPUS < 2, reason="combines two CPUs")
@pytest.mark.parametrize(("function", "extreme"), [("min", 5), ("max", -1)])
def test_extremes_of_unsigned_values(function: str, extreme: int) -> None:
    """-1 is the greatest unsigned value."""
    spec = aggregation(0, function, 2)._replace(signed=False)
    loose = _Loose(spec, PERCPU_ARRAY, 1)
    loose.put(b"\0\0\0\0", _spread([1, -1], [2, 5]))
    loose.drain.swap()
    assert loose.totals.sums == {b"": [3, extreme]}
    loose.close()


def test_untouched_keyless_aggregation_does_not_exist() -> None:
    loose = _Loose(aggregation(0), PERCPU_ARRAY, 1)
    loose.drain.swap()
    assert loose.totals.sums == {}
    loose.close()


def _fill(loose: _Loose, count: int) -> None:
    for key in range(count):
        loose.put(struct.pack("<QQ", key, ~key & (1 << 64) - 1), [[key]] * CPUS)


@pytest.mark.bench
def test_ten_thousand_keys_in_twenty_milliseconds() -> None:
    """The budget of swapping, reading and merging, the wait for programs left out."""
    started = time.perf_counter()
    sum(range(1_000_000))
    if time.perf_counter() - started > 0.1:
        pytest.skip("an emulated machine")  # ten times slower than a slow one
    loose = _Loose(aggregation(0, "sum", 1, 16), PERCPU_HASH, 16_384)
    best = 1.0
    for _ in range(12):
        loose.totals.sums.clear()
        _fill(loose, 10_000)
        started = time.perf_counter()
        loose.drain.collect_all()
        best = min(best, time.perf_counter() - started)
        assert len(loose.totals.sums) == 10_000
    assert sum(words[0] for words in loose.totals.sums.values()) == CPUS * sum(range(10_000))
    assert best < 0.020
    loose.close()


def test_without_batch_calls_entries_are_taken_singly(monkeypatch: pytest.MonkeyPatch) -> None:
    """A map type without batch operations answers EINVAL or ENOTSUPP."""
    loose = _Loose(aggregation(0, "sum", 1, 16), PERCPU_HASH, 64)
    _fill(loose, 50)
    monkeypatch.setattr(drains.bpf, "MAP_LOOKUP_AND_DELETE_BATCH", 9999)  # EINVAL
    loose.drain.collect_all()
    assert len(loose.totals.sums) == 50
    monkeypatch.undo()
    again = bpf.map_next_key(next(iter(loose.maps.values())).fd, None, 16)
    assert again is None
    loose.close()


def test_batches_smaller_than_the_map(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drains, "_BATCH_BYTES", 8)
    monkeypatch.setattr(drains, "_MIN_BATCH", 4)
    loose = _Loose(aggregation(0, "sum", 1, 16), PERCPU_HASH, 4096)
    _fill(loose, 3000)
    loose.drain.collect_all()
    assert sorted(words[0] for words in loose.totals.sums.values()) == [
        CPUS * key for key in range(3000)
    ]
    loose.close()


@pytest.mark.skipif(CPUS < 2, reason="watches a program from another CPU")
def test_gate_waits_for_a_running_program() -> None:
    """A program that loops for some 100 ms holds the gate shut until it is through."""
    loops = 4_000_000
    body = f"""
define internal i64 @step(i64 %i, ptr %c) !dbg {CALLBACK} {{
  ret i64 0
}}
""" + on_magic(
        "hit",
        debug=f"!dbg {PROGRAM}",
        hit=f"""
  store volatile i64 1, ptr getelementptr (i8, ptr @state, i64 64)
  call i64 {helper(181)}(i64 {loops}, ptr @step, ptr null, i64 0), !dbg {LOCATION}
  call i64 {helper(181)}(i64 {loops}, ptr @step, ptr null, i64 0), !dbg {LOCATION}
  call i64 {helper(181)}(i64 {loops}, ptr @step, ptr null, i64 0), !dbg {LOCATION}
  call i64 {helper(181)}(i64 {loops}, ptr @step, ptr null, i64 0), !dbg {LOCATION}
  store volatile i64 2, ptr getelementptr (i8, ptr @state, i64 64)
  br label %out
""",
    )
    kernel = KernelSide(program(build(body), HIT), [])
    kernel.attach()
    kernel.start()
    state = kernel._state
    with children(1, lambda index: magic_calls(1)):
        while state[8] == 0:
            pass
        during = state[8]
        kernel.wait_for_programs()
        after = state[8]
    assert (during, after) == (1, 2)
    kernel.close()


def test_sweep_removes_elements_of_dead_threads() -> None:
    from dscript.runtime.cleaning import ThreadCleaner
    from dscript.runtime.loadwords import in_initial_pid_namespace

    if not in_initial_pid_namespace():
        pytest.skip("thread numbers differ in this PID namespace")
    one = Map("m", bpf.map_create(HASH, 16, 8, 64))
    with children(1, lambda index: None) as pids:
        pass
    gone, here = pids[0], os.getpid()
    for tid in (gone, here):
        bpf.map_update(one.fd, struct.pack("<IIQ", tid, 1, 5), bytes(8))
    cleaner = ThreadCleaner([one])
    assert cleaner.sweep() == 1
    assert bpf.map_next_key(one.fd, None, 16) == struct.pack("<IIQ", here, 1, 5)
    assert cleaner.sweep() == 0
    os.close(one.fd)


def test_magic_number_is_no_system_call() -> None:
    assert ctypes.CDLL(None).syscall(MAGIC) == -1
