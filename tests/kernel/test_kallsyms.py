"""Kernel symbols and probeable functions, against /proc/kallsyms read by other tools."""

from __future__ import annotations

import subprocess

import pytest

from dscript.kernel import functions, kallsyms


def awk(program: str) -> list[str]:
    command = ["awk", program, "/proc/kallsyms"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()


def test_address_of_a_function():
    expected = int(awk('$3 == "vfs_read" { print $1 }')[0], 16)
    symbol = kallsyms.text_symbol("vfs_read")
    assert symbol is not None
    assert (symbol.address, symbol.module) == (expected, "vmlinux")


def test_unknown_names_have_no_symbol():
    assert kallsyms.lookup("no_such_symbol_anywhere") == []
    assert kallsyms.data_symbol("vfs_read") is None
    assert kallsyms.lookup("vfs_read", "no_such_module") == []


def test_all_text_symbols_are_there():
    expected = int(awk(r"$2 ~ /[tTwW]/ && $4 !~ /^\[(bpf|__builtin)/ { n++ } END { print n }")[0])
    assert sum(symbol.is_text for symbol in kallsyms.symbols()) == expected


def test_second_reading_comes_from_the_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    kallsyms._table.cache_clear()
    first = kallsyms.lookup("schedule")
    assert (tmp_path / "dscript" / "kallsyms").exists()
    kallsyms._table.cache_clear()
    assert kallsyms.lookup("schedule") == first != []
    kallsyms._table.cache_clear()


def test_a_saved_table_of_another_boot_is_not_used(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    (tmp_path / "dscript").mkdir(mode=0o700)
    stale = tmp_path / "dscript" / "kallsyms"
    stale.write_bytes(b"dscript-kallsyms-2 another-boot 0\nvfs_read\t10\tT\tvmlinux\n")
    stale.chmod(0o600)
    kallsyms._table.cache_clear()
    symbol = kallsyms.text_symbol("vfs_read")
    assert symbol is not None and symbol.address != 0x10
    kallsyms._table.cache_clear()


@pytest.mark.parametrize(
    ("symbol", "name"),
    [
        ("vfs_read", "vfs_read"),
        ("do_execveat_common.isra.0", "do_execveat_common"),
        ("foo.constprop.12.isra.3", "foo"),
        ("foo.llvm.1234567", "foo"),
        ("foo.cold", "foo.cold"),
        ("foo.part.0", "foo.part.0"),
    ],
)
def test_source_names(symbol, name):
    assert functions.source_name(symbol) == name


def test_functions_are_sorted_and_found_by_name():
    listed = functions.functions()
    assert len(listed) > 10_000
    assert [f.position for f in listed] == list(range(len(listed)))
    found = functions.named("vfs_read")
    assert [f.symbol for f in found] == ["vfs_read"]
    assert listed[found[0].position] == found[0]


def test_functions_are_symbols_and_pieces_are_left_out():
    symbols = set(awk("$2 ~ /[tTwW]/ { print $3 }"))
    listed = functions.functions()
    assert all(f.symbol in symbols for f in listed)
    assert not [f for f in listed if ".cold" in f.symbol or f.name.startswith("__pfx_")]


def test_a_part_stands_for_a_function_that_is_gone():
    """`foo.part.0` is found as foo where foo itself was inlined, and only there."""
    texts = {symbol.name for symbol in kallsyms.symbols() if symbol.is_text}
    listed = {(f.name, f.symbol) for f in functions.functions()}
    whole = {f.name for f in functions.functions() if ".part" not in f.symbol}
    parts = [(name, symbol) for name, symbol in listed if ".part" in symbol]
    for name, symbol in parts:
        assert symbol.startswith(name + ".") and name not in whole and symbol in texts
    assert not [symbol for _name, symbol in listed if ".cold" in symbol]
    assert functions.has_own_parameters("foo.part.0") and functions.has_own_parameters("f.isra.1")
    assert not functions.has_own_parameters("foo.llvm.7")
