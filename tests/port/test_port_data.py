"""The data of `stdlib/port`: complete, and naming what Linux has."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

import pytest

from dscript import providers
from dscript.kernel import btf, functions, tracefs
from dscript.port import foreign
from dscript.port.foreign import Foreign
from dscript.port.rewrite import expression
from dscript.providers import Pattern
from tests.port.table import ROOT

TABLES = (
    foreign.functions(),
    foreign.structures(),
    foreign.providers(),
    foreign.probes(),
    foreign.names(),
)
ENTRIES = [entry for table in TABLES for entry in table.entries.values()]


def _near(provider: str) -> Iterator[tuple[Foreign, list[str]]]:
    for entry in ENTRIES:
        for name in entry.near:
            if re.fullmatch(rf"{provider}:[^ ]*", name):
                yield entry, name.split(":")


def test_systems_and_sizes() -> None:
    systems = {"illumos", "freebsd", "macos", "bsd", "past", "program"}
    assert {entry.of for entry in ENTRIES} == systems
    assert len(foreign.functions().entries) >= 150
    assert len(foreign.structures().entries) >= 60
    for entry in ENTRIES:
        assert entry.what and not entry.what.endswith("."), entry


def test_functions_are_in_this_kernel() -> None:
    """Those of modules are looked for where the module is loaded."""
    if btf.vmlinux() is None:
        pytest.skip("the kernel tells no types")
    known = set(functions.names())
    modules = {"", "vmlinux", *btf.modules()}
    for entry, (_, module, function, *_rest) in _near("fbt"):
        if module in modules and function and "*" not in function:
            assert function in known, entry


def test_tracepoints_are_in_this_kernel() -> None:
    root = tracefs.root()
    if root is None:
        pytest.skip("no tracefs")
    for entry, (_, group, _function, name) in _near("sdt"):
        if name and os.path.isdir(f"{root}/events/{group}"):
            assert os.path.isdir(f"{root}/events/{group}/{name}"), entry


@pytest.mark.parametrize(
    "provider", ["io", "proc", "sched", "tcp", "udp", "ip", "sysinfo", "vminfo", "fsinfo", "mib"]
)
def test_probes_exist(provider: str) -> None:
    for entry, fields in _near(provider):
        found = providers.match(Pattern(*fields))
        # Without probes on functions some of them are not there; their names are known then.
        assert found.points or found.reason, entry


def test_system_calls_exist() -> None:
    for entry, fields in _near("syscall"):
        assert providers.match(Pattern(*fields)).points, entry


def test_examples_exist() -> None:
    named = {entry.example for entry in ENTRIES if entry.example}
    assert len(named) > 20
    assert not [name for name in named if not (ROOT / "examples" / name).is_file()]


def test_moves_parse_and_lead_to_functions() -> None:
    moves = [(entry, entry.move) for entry in ENTRIES if entry.move is not None]
    assert len(moves) >= 10
    known = set(functions.names())
    for entry, move in moves:
        assert bool(move.function) != bool(move.probe), entry
        if entry in foreign.functions().entries.values() and move.function:
            assert move.function in known, entry
        for old, new in move.arguments.items():
            expression(old)
            expression(new)


def test_rewrites_parse() -> None:
    for rule in foreign.rewrites():
        expression(rule.old)
        assert not rule.new or expression(rule.new)


def test_globs_give_way_to_names() -> None:
    table = foreign.functions()
    exact, glob = table.find("tcp_send_data"), table.find("tcp_unheard_of")
    assert exact is not None and exact.name == "tcp_send_data"
    assert glob is not None and glob.name == "tcp_*"
    assert table.find("do_filp_open") is None
