"""Names of C++ and Rust against binutils' c++filt, and against what their RFC says."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from dscript.kernel import rust_names
from dscript.kernel.demangle import demangle, without_parameters

# What c++filt adds that rustc's own short form leaves out: hashes of crates, types of constants.
_HASH = re.compile(r"\[[0-9a-f]{10,16}\]")
_CONSTANT_TYPE = re.compile(r": [iu](?:8|16|32|64|128|size)(?=[,>\]])|: (?:bool|char)(?=[,>\]])")


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        # RFC 2603, "Examples" and "Syntax of mangled names".
        ("_RNvNtCs1234_7mycrate3foo3bar", "mycrate::foo::bar"),
        ("_RNCNvCs1234_7mycrate3foo0", "mycrate::foo::{closure#0}"),
        ("_RNCNvCs1234_7mycrate3foos_0", "mycrate::foo::{closure#1}"),
        ("_RINvCs1234_7mycrate3fooNtB2_3BarE", "mycrate::foo::<mycrate::Bar>"),
        ("_RNvMs_Cs4Cv8Wi1oAIB_7mycrateNtB4_3Foo3bar", "<mycrate::Foo>::bar"),
        ("_RNvXCs1234_7mycrateNtB2_3FooNtB2_5Trait3bar",
         "<mycrate::Foo as mycrate::Trait>::bar"),
        ("_RNqCs4fqI2P2rA04_11utf8_identsu30____7hkackfecea1cbdathfdh9hlq6y",
         "utf8_idents::საჭმელად_გემრიელი_სადილი"),
        ("_RINvC1a1fKpE", "a::f::<_>"),
        ("_RINvC1a1fKja_Kb1_Kc61_Kln2_E", "a::f::<10, true, 'a', -2>"),
        ("_RINvC1a1fRmQhPcOtE", "a::f::<&u32, &mut u8, *const char, *mut u16>"),
        ("_RINvC1a1fFUKCmhEuTmETEE", 'a::f::<unsafe extern "C" fn(u32, u8), (u32,), ()>'),
        ("_RINvC1a1fDNtC1a1TEL_SmAmj3_E", "a::f::<dyn a::T, [u32], [u32; 3]>"),
        ("_RINvC1a1fFG_RL0_mEzE", "a::f::<for<'a> fn(&'a u32) -> !>"),
        ("_RNvC1a1b.llvm.12345", "a::b"),
    ],
)  # fmt: skip
def test_rust_version_0(name: str, shown: str) -> None:
    assert demangle(name) == shown


@pytest.mark.parametrize(
    "name", ["_R", "_RNvC1a", "_RNvC1a9b", "_RB_", "_RNvB0_1a", "_RINvC1a1f", "_Rust", "_RYpB_"]
)
def test_what_is_no_name_stays(name: str) -> None:
    assert demangle(name) == name


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("_ZN4prog6shapes5twice17h96742811f8ed43bbE", "prog::shapes::twice"),
        ("_ZN59_$LT$prog..shapes..Circle$u20$as$u20$prog..shapes..Area$GT$4area17h51a0a5172dc9c00aE",
         "<prog::shapes::Circle as prog::shapes::Area>::area"),
        ("_ZN2ns1fEi", "ns::f(int)"),
        ("_Znwm", "operator new(unsigned long)"),
        ("malloc", "malloc"),
    ],
)  # fmt: skip
def test_older_rust_and_cplusplus(name: str, shown: str) -> None:
    assert demangle(name) == shown


def test_without_parameters() -> None:
    assert without_parameters("ns::f(int, g(char))") == "ns::f"
    assert without_parameters("ns::c::f() const") == "ns::c::f"
    assert without_parameters("<a as b>::c") == "<a as b>::c"


def test_all_names_of_a_rust_program_against_cxxfilt(tmp_path: Path) -> None:
    """The standard library alone has a thousand."""
    if shutil.which("rustc") is None:
        pytest.skip("there is no rustc here")
    source = tmp_path / "program.rs"
    source.write_text(
        "use std::collections::BTreeMap;\n"
        "fn main() { let mut m = BTreeMap::new(); m.insert(1u8, [2i64; 3]);\n"
        "  let f: Box<dyn Fn(&u8) -> bool + Send> = Box::new(|x| *x > 0);\n"
        '  println!("{:?} {}", m, f(&1)); }\n'
    )
    program = tmp_path / "program"
    words = ["rustc", "-O", "-C", "symbol-mangling-version=v0", "-o", program, source]
    if subprocess.run(words, capture_output=True, check=False).returncode:
        pytest.skip("rustc does not work here")
    text = subprocess.run(["nm", program], capture_output=True, text=True, check=True).stdout
    names = sorted({line.split()[-1] for line in text.splitlines() if " _R" in line})
    assert len(names) > 50
    shown = subprocess.run(
        ["c++filt", "-s", "rust"],
        input="\n".join(names),
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    expected = [_CONSTANT_TYPE.sub("", _HASH.sub("", line)) for line in shown]
    assert [rust_names.demangle(name) or name for name in names] == expected
