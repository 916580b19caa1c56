"""The profile provider: intervals as the manual's chapter "profile Provider" defines them."""

from __future__ import annotations

import pytest

from dscript.providers import Pattern, match

SECOND = 1_000_000_000


@pytest.mark.parametrize(
    ("name", "period"),
    [
        ("profile-1", SECOND),
        ("profile-997", SECOND // 997),
        ("profile-100hz", SECOND // 100),
        ("tick-1s", SECOND),
        ("tick-1sec", SECOND),
        ("tick-10ms", SECOND // 100),
        ("tick-10msec", SECOND // 100),
        ("tick-500us", SECOND // 2000),
        ("tick-500usec", SECOND // 2000),
        ("tick-250000ns", 250_000),
        ("tick-250000nsec", 250_000),
        ("tick-2m", 120 * SECOND),
        ("tick-2min", 120 * SECOND),
        ("tick-3h", 10_800 * SECOND),
        ("tick-3hour", 10_800 * SECOND),
        ("tick-1d", 86_400 * SECOND),
        ("tick-1day", 86_400 * SECOND),
        ("tick-5000", 200_000),
    ],
)
def test_periods(name, period):
    (point,) = match(Pattern("", "", "", name)).points
    assert str(point.probe) == f"profile:::{name}"
    assert point.attach.kind == name.partition("-")[0]
    assert (point.attach.period_ns, point.attach.context) == (period, "perf_event")


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("tick-0", "zero"),
        ("profile-0s", "zero"),
        ("profile-5001", "too fast"),
        ("tick-199us", "too fast"),
        ("tick-1ns", "too fast"),
        ("tick-10x", "suffix 'x'"),
        ("tick-200000d", "too slow"),
        ("profile-99999999999999999999", "too fast"),
    ],
)
def test_what_is_no_rate_says_why(name, word):
    found = match(Pattern("profile", "", "", name))
    assert found.points == ()
    assert found.reason is not None and word in found.reason


def test_ids_are_kept_and_differ():
    first = match(Pattern("profile", "", "", "tick-17ms")).points[0].probe.id
    second = match(Pattern("profile", "", "", "tick-19ms")).points[0].probe.id
    again = match(Pattern("profile", "", "", "tick-17ms")).points[0].probe.id
    assert first == again != second
    assert 2000 <= first < 3000


def test_a_glob_lists_what_there_is_and_makes_nothing():
    listed = {point.probe.name for point in match(Pattern("profile", "", "", "")).points}
    assert {"profile-97", "profile-4999", "tick-1", "tick-5000"} <= listed
    assert match(Pattern("profile", "", "", "tick-7*s")).points == ()
