"""Arguments and results of languages that do not call as C does: Go and Rust.

What each function is given stands in the programs themselves.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.userland.support import dscript, error, lines

GO = """
package main

import "os"

type pair struct{ a, b int64 }
type small struct{ a, b int32 }
type mixed struct { a int64; f float64; b int64 }

//go:noinline
func ints(a int, b int8, c uint32, d bool, e *int) int { return a + int(b) + int(c) + *e }

//go:noinline
func text(n int, s string, m int) (int, string) { return n + len(s) + m, s[1:] }

//go:noinline
func slice(n int, s []int64, m int) []int64 { s[0] = int64(n + m); return s[1:] }

//go:noinline
func structs(n int, p pair, s small, m int) pair {
	return pair{p.a + int64(s.a), p.b + int64(n+m) + int64(s.b)}
}

//go:noinline
func floats(n int, f float64, x mixed, m int) float64 { return f + x.f + float64(n+m) }

//go:noinline
func many(a, b, c, d, e, f, g, h, i, j int) int { return a + b + c + d + e + f + g + h + i + j }

//go:noinline
func (p *pair) method(n int) (int, error) { return int(p.a) + n, nil }

//go:noinline
func grow(n int) int {
	var room [512]int
	if n == 0 {
		return 0
	}
	room[n%512] = n
	return grow(n-1) + room[(n*7)%512]
}

func main() {
	seven, one := 7, len(os.Args)
	p := pair{2, 3}
	ints(one, -2, 3, true, &seven)
	text(one, "hello", 2)
	slice(one, []int64{1, 2, 3}, 2)
	structs(one, p, small{4, 5}, 6)
	floats(one, 1.5, mixed{2, 2.5, 3}, 4)
	many(one, 2, 3, 4, 5, 6, 7, 8, 9, 10)
	p.method(9)
	done := make(chan int)
	go func() { done <- grow(200) }()
	<-done
}
"""

GO_CLAUSES = r"""
pid$target:a.out:main.ints:entry { printf("%d %d %d %d %d\n", args[0], args[1], args[2], args[3],
    *args[4]); }
pid$target:a.out:main.ints:return { printf("= %d %d\n", args[1], arg1); }
pid$target:a.out:main.text:entry { printf("%d %s %d\n", args[0], copyinstr((uintptr_t)args[1].str,
    args[1].len), args[2]); printf("%d %s %d\n", arg0, copyinstr(arg1, arg2), arg3); }
pid$target:a.out:main.text:return { printf("= %d %s\n", args[1],
    copyinstr((uintptr_t)args[2].str, args[2].len)); }
pid$target:a.out:main.slice:entry { printf("%d %d %d %d\n", args[0], args[1].array[1],
    args[1].len, args[2]); }
pid$target:a.out:main.slice:return { printf("= %d %d\n", args[1].array[0], args[1].len); }
pid$target:a.out:main.structs:entry { printf("%d %d %d %d\n", args[0], args[1].a, args[1].b,
    args[3]); }
pid$target:a.out:main.structs:return { printf("= %d %d\n", args[1].a, args[1].b); }
pid$target:a.out:main.floats:entry { printf("%d %d\n", args[0], args[3]); }
pid$target:a.out:main.many:entry { printf("%d %d %d\n", args[0], args[8], arg8); }
pid$target:a.out:main.??pair??method:entry { printf("%d %d\n", args[0]->b, args[1]); }
pid$target:a.out:main.grow:return { @ = count(); }
END { printa("%@d\n", @); }
"""


def built_with_go(folder: Path, *flags: str) -> Path:
    if shutil.which("go") is None:
        pytest.skip("there is no Go compiler here")
    (folder / "calls.go").write_text(GO)
    program = folder / "calls"
    words = ["go", "build", *flags, "-o", program, folder / "calls.go"]
    made = subprocess.run(words, capture_output=True, text=True, check=False)
    if made.returncode:
        pytest.skip(f"go cannot: {made.stderr[-200:]}")
    return program


def test_go(tmp_path: Path) -> None:
    program = built_with_go(tmp_path)
    script = tmp_path / "calls.d"
    script.write_text(GO_CLAUSES)
    assert lines(dscript("-s", script, "-c", program)) == [
        "1 -2 3 1 7", "= 9 9",
        "1 hello 2", "1 hello 2", "= 8 ello",
        "1 2 3 2", "= 2 2",
        "1 2 3 6", "= 6 15",
        "1 4",
        "1 9 9",
        "3 9",
        "201",  # the stack of a goroutine moved meanwhile
    ]  # fmt: skip


@pytest.mark.parametrize("mode", ["exe", "pie"])
def test_stripped_go(mode: str, tmp_path: Path) -> None:
    """The names are those of the table that the runtime itself needs; stacks are whole."""
    program = built_with_go(tmp_path, "-ldflags=-s -w", f"-buildmode={mode}")
    clauses = (
        'pid$target:a.out:main.ints:entry { printf("%d %d\\n", arg0, (signed char)arg1); } '
        'pid$target:a.out:main.ints:return { printf("= %d\\n", arg1); } '
        "pid$target:a.out:main.ints:entry,pid$target:a.out:main.ints:return { ustack(); } "
        'pid$target:a.out:main.grow:return { @ = count(); } END { printa("%@d\\n", @); }'
    )
    shown = [line.partition("+")[0] for line in lines(dscript("-n", clauses, "-c", program))]
    stack = ["calls`main.ints", "calls`main.main", "calls`runtime.main", "calls`runtime.goexit"]
    assert shown == ["1 -2", *stack, "= 9", *stack, "201"]


def test_what_go_passes_out_of_reach(tmp_path: Path) -> None:
    program = built_with_go(tmp_path)
    for function, argument in (("floats", "args[1]"), ("many", "args[9]"), ("many", "arg9")):
        clause = f"pid$target:a.out:main.{function}:entry {{ trace({argument}); }}"
        assert "not in a register that a probe can read" in error("-n", clause, "-c", program)


RUST = """
use std::hint::black_box;
#[derive(Clone, Copy)] pub struct Two { a: u64, b: u64 }
#[derive(Clone, Copy)] pub struct Small { a: u32, b: u32 }
#[derive(Clone, Copy)] pub struct Big { a: u64, b: u64, c: u64 }
#[derive(Clone, Copy)] pub struct Moved { a: u8, b: u64 }
#[inline(never)] pub fn plain(a: u64, b: i32, c: bool, d: &u64) -> u64 {
    black_box(a + b as u64 + c as u64 + *d)
}
#[inline(never)] pub fn two(x: u64, t: Two, y: u64) -> u64 { black_box(x + t.a + t.b + y) }
#[inline(never)] pub fn small(x: u64, t: Small, y: u64) -> u64 {
    black_box(x + (t.a + t.b) as u64 + y)
}
#[inline(never)] pub fn big(x: u64, t: Big, y: u64) -> u64 {
    black_box(x + t.a + t.b + t.c + y)
}
#[inline(never)] pub fn moved(x: u64, t: Moved, y: u64) -> u64 {
    black_box(x + t.a as u64 + t.b + y)
}
#[inline(never)] pub fn text(x: u64, t: &str, y: u64) -> u64 { black_box(x + t.len() as u64 + y) }
fn main() {
    plain(1, 2, true, &9);
    two(1, Two { a: 2, b: 3 }, 4);
    small(1, Small { a: 2, b: 3 }, 4);
    big(1, Big { a: 2, b: 3, c: 4 }, 5);
    moved(1, Moved { a: 2, b: 3 }, 4);
    text(1, "hello", 2);
}
"""

RUST_CLAUSES = r"""
pid$target:a.out:*plain:entry { printf("%d %d %d %d\n", args[0], args[1], args[2], *args[3]); }
pid$target:a.out:*two:entry { printf("%d %d %d %d\n", args[0], args[1].a, args[1].b, args[2]); }
pid$target:a.out:*small:entry { printf("%d\n", args[0]); }
pid$target:a.out:*big:entry { printf("%d %d %d %d %d\n", args[0], args[1].a, args[1].b,
    args[1].c, args[2]); }
pid$target:a.out:*moved:entry { printf("%d %d %d %d\n", args[0], args[1].a, args[1].b, args[2]); }
pid$target:a.out:*text:entry { printf("%d %s %d\n", args[0],
    copyinstr((uintptr_t)args[1].data_ptr, args[1].length), args[2]); }
"""


def test_rust(tmp_path: Path) -> None:
    if shutil.which("rustc") is None:
        pytest.skip("there is no rustc here")
    source, program, script = tmp_path / "pass.rs", tmp_path / "pass", tmp_path / "pass.d"
    source.write_text(RUST)
    # Unoptimised: what is not read would not be passed.
    words = ["rustc", "-g", "-C", "opt-level=0", "-o", program, source]
    made = subprocess.run(words, capture_output=True, text=True, check=False)
    if made.returncode:
        pytest.skip(f"rustc cannot: {made.stderr[-200:]}")
    script.write_text(RUST_CLAUSES.replace(":*", ":pass??"))
    assert lines(dscript("-s", script, "-c", program)) == [
        "1 2 1 9", "1 2 3 4", "1", "1 2 3 4 5", "1 2 3 4", "1 hello 2",
    ]  # fmt: skip
    clause = "pid$target:a.out:pass??small:entry { trace(args[2]); }"
    assert "not in a register that a probe can read" in error("-n", clause, "-c", program)


OPTIMISED = """
pub struct Point { pub x: i32, pub y: i32 }
impl Point {
    #[inline(never)]
    fn scaled(&self, by: i32) -> i32 { self.x * by + self.y }
}
#[inline(never)]
fn count(n: u32) -> u32 { if n == 0 { 0 } else { 1 + std::hint::black_box(count(n - 1)) } }
fn main() {
    let point = Point { x: 3, y: 4 };
    let last = point.scaled(std::hint::black_box(5)) + point.scaled(std::hint::black_box(6));
    std::process::exit((last as u32 + count(std::hint::black_box(2)) == 43) as i32);
}
"""


def test_parameters_that_llvm_moved(tmp_path: Path) -> None:
    """Constants of all callers are left out, and what follows them moves up."""
    if shutil.which("rustc") is None:
        pytest.skip("there is no rustc here")
    source, program = tmp_path / "moved.rs", tmp_path / "moved"
    source.write_text(OPTIMISED)
    words = ["rustc", "-g", "-C", "opt-level=3", "-o", program, source]
    made = subprocess.run(words, capture_output=True, text=True, check=False)
    if made.returncode:
        pytest.skip(f"rustc cannot: {made.stderr[-200:]}")
    clauses = (
        'pid$target:a.out:*scaled*:entry { printf("%d\\n", args[1]); }'
        'pid$target:a.out:moved??count:entry { printf("%d\\n", args[0]); }'
    )
    assert lines(dscript("-n", clauses, "-c", program)) == ["5", "6", "2", "1", "0"]
