"""cpc: perf's software events against counts of the kernel; hardware ones where there are any."""

from __future__ import annotations

from pathlib import Path

import pytest

from dscript.providers import Pattern, match, perfevents
from tests.providers.derived_support import refused, traced


def test_page_faults_and_switches(tmp_path: Path) -> None:
    """Every one, in its mode; arg1 is where the process was, arg0 where the kernel was."""
    seen, told = traced(
        tmp_path,
        "int inside; syscall::kill:entry /pid == $target && arg1 == 0/ { inside = !inside; } "
        "cpc:::page-faults-user-1 /inside && pid == $target/ "
        "{ @user = count(); @there = sum(arg1 != 0 && arg0 == 0); } "
        "cpc:::page_faults-all-1, cpc:::cs-all-1 /inside && pid == $target/ "
        "{ @all[probename] = count(); } "
        'END { printa("user %@d %@d\\n", @user, @there); printa("%s %@d\\n", @all); }',
        "import mmap, resource\n"
        "area = mmap.mmap(-1, 300 * 4096, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)\n"
        "area.madvise(mmap.MADV_NOHUGEPAGE)\n"
        "def look():\n    use = resource.getrusage(resource.RUSAGE_SELF)\n"
        "    return use.ru_minflt + use.ru_majflt, use.ru_nvcsw + use.ru_nivcsw\n"
        "os.kill(os.getpid(), 0)\nbefore = look()\n"
        "for n in range(300): area[n * 4096] = 1\n"
        "for _ in range(30): time.sleep(0.001)\n"
        "after = look()\nos.kill(os.getpid(), 0)\n"
        "say(after[0] - before[0], after[1] - before[1])\n",
    )
    found = {words[0]: [int(word) for word in words[1:]] for words in seen}
    faults, switches = map(int, told[0])
    assert 300 <= found["user"][0] == found["user"][1] <= found["page_faults-all-1"][0]
    # Between a mark and a look there may be one more.
    assert 0 <= found["page_faults-all-1"][0] - faults <= 10
    assert 0 <= found["cs-all-1"][0] - switches <= 6


def test_every_so_manieth(tmp_path: Path) -> None:
    """A clock of 2 ms over 0.4 s of work in the process's own code."""
    seen, told = traced(
        tmp_path,
        "cpc:::cpu_clock-all-2000000, cpc:::cpu-clock-user-2000000 /pid == $target/ "
        '{ @[probename] = count(); } END { printa("%s %@d\\n", @); }',
        "while time.process_time() < 0.4:\n    for _ in range(100000): pass\n"
        "say(time.process_time_ns())\n",
    )
    found = {name: int(count) for name, count in seen}
    ticks = int(told[0][0]) / 2_000_000
    all_, user = found["cpu_clock-all-2000000"], found["cpu-clock-user-2000000"]
    assert 0.5 * ticks <= user <= all_ <= 1.2 * ticks


@pytest.mark.parametrize(
    ("name", "event"),
    [
        ("cycles", (0, 0)),
        ("PAPI_tot_cyc", (0, 0)),
        ("PAPI_TOT_INS", (0, 1)),
        ("cache-misses", (0, 3)),
        ("cache_misses", (0, 3)),
        ("L1-dcache-load-misses", (3, 0x10000)),
        ("LLC-stores", (3, 0x102)),
        ("dTLB-load-misses", (3, 0x10003)),
        ("r01c0", (4, 0x1C0)),
        ("page-faults", (1, 2)),
        ("cs", (1, 3)),
    ],
)
def test_names_of_events(name: str, event: tuple[int, int]) -> None:
    """Numbers of include/uapi/linux/perf_event.h."""
    found = perfevents.find(name)
    assert found is not None and (found.type, found.config) == event


def test_hardware_events() -> None:
    """Without counters the error says so and what there is; with them the probe exists."""
    if perfevents.refused(perfevents.Event(0, 0)) is None:
        assert match(Pattern("cpc", "", "", "cycles-user-100000")).points
    else:
        text = refused("cpc:::cycles-user-100000 {}")
        assert "event cycles cannot be counted" in text and "nearest: cpu-clock-all" in text


@pytest.mark.parametrize(
    ("probe", "message"),
    [
        ("cpc:::cycles", "EVENT-MODE-COUNT"),
        ("cpc:::page-faults-both-1", "MODE is user, kernel or all"),
        ("cpc:::nosuch-all-1", "perf has no event nosuch"),
        ("cpc:::page-fualts-all-1", "did you mean cpc:::page-faults-all-1?"),
        ("cpc:::cpu-clock-all-10", "the count must be at least 200000"),
        ("cpc:::page-faults-all-0", "the count must be at least 1"),
        ("cpc:::page-faults-all-0x7-1", "takes no mask"),
    ],
)
def test_wrong_names(probe: str, message: str) -> None:
    assert message in refused(f"{probe} {{}}")
