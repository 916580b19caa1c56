"""`python -m tests.bench [ROUNDS]`: dscript and bpftrace side by side, with ratios."""

from __future__ import annotations

import sys

from tests.bench import measure


def main(rounds: int) -> None:
    with measure.bench(rounds) as b:
        _start_up(b)
        _event_cost(b)
        _record_rate(b)
        _lost_records(b)
        _compile_time(b)


def _start_up(b: measure.Bench) -> None:
    print("(a) BEGIN and exit", flush=True)
    runs = measure.start_up(b)
    base = runs["bpftrace"].seconds
    for name, run in runs.items():
        _line(name, f"{run.seconds * 1e3:8.1f} ms {run.peak / 1024:8.1f} MiB", run.seconds / base)


def _event_cost(b: measure.Bench) -> None:
    print("(b) added to one system call by @[execname] = count()", flush=True)
    costs = measure.event_cost(b)
    untraced = costs["untraced"]
    print(f"    untraced          {untraced:8.1f} ns")
    for tool in measure.TOOLS:
        added = costs[tool] - untraced
        _line(tool, f"{added:8.1f} ns", added / (costs["bpftrace"] - untraced))


def _record_rate(b: measure.Bench) -> None:
    print("(c) printf records a second without a loss", flush=True)
    rates = measure.record_rate(b)
    for tool in measure.TOOLS:
        ratio = rates[tool] / rates["bpftrace"] if rates["bpftrace"] else float("inf")
        _line(tool, f"{rates[tool]:8d} /s", ratio)


def _lost_records(b: measure.Bench) -> None:
    print("(d) records lost at 100,000 a second for 3 s, default buffers", flush=True)
    for tool, (lost, made) in measure.lost_records(b).items():
        print(f"    {tool:16}  {lost:8d} of {made}", flush=True)


def _compile_time(b: measure.Bench) -> None:
    sizes = (10, 100, 1000)
    print(f"(e) compiling {', '.join(map(str, sizes))} clauses", flush=True)
    times = measure.compile_time(b, sizes)
    for tool in measure.TOOLS:
        columns = "".join(f"{seconds * 1e3:9.0f} ms" for seconds in times[tool])
        ratios = " ".join(
            f"{own / other:.2f}x" for own, other in zip(times[tool], times["bpftrace"], strict=True)
        )
        print(f"    {tool:16}{columns}   {ratios}", flush=True)


def _line(name: str, figure: str, ratio: float) -> None:
    print(f"    {name:16}  {figure}   {ratio:5.2f}x", flush=True)


main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
