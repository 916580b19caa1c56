"""What a program reads of the kernel: one probe read a pointer, no more bytes than asked for,
and no type information where none is used."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from dscript.pipeline import compile_program
from dscript.request import CompileRequest, Piece
from dscript.source import Source

# bpf_probe_read_kernel (include/uapi/linux/bpf.h); its second argument is the size.
_CALL = re.compile(r"\n\tr2 = (\d+)\n(?:(?!\tcall)[^\n]*\n)*?\tcall 113\n")


def reads(expression: str) -> list[int]:
    """Sizes of the kernel reads that a clause tracing `expression` makes, in order."""
    text = f"BEGIN {{ trace({expression}); }}"
    piece = Piece("n", Source("-n", text, is_command_line=True))
    compiled = compile_program(CompileRequest(pieces=(piece,), emit="asm"))
    body = compiled.emitted.split("clause_0_syscall_program:")[1].split(".Lfunc_end")[0]
    assert body.count("call 113") == len(_CALL.findall(body))
    return [int(size) for size in _CALL.findall(body)]


@pytest.mark.parametrize(
    ("expression", "sizes"),
    [
        ("curthread->tgid", [4]),
        ("curthread->real_parent->tgid", [8, 4]),
        ("curthread->real_parent->real_parent->tgid", [8, 8, 4]),
        ("curthread->se.load.weight", [8]),  # members of members are one offset
        ("curthread->mm->owner->signal->leader", [8, 8, 8, 4]),  # a bit-field: its unit
        ("curthread->comm[3]", [1]),
        ("(*curthread).tgid", [4]),
        ("(&curthread->se)->load.inv_weight", [4]),
        ("&curthread->se.load", []),  # an address is computed, not read
        ("&curthread->real_parent->se.load", [8]),
        ("curthread->signal->rlim[3].rlim_max", [8, 8]),
    ],
)
def test_reads_of_a_chain(expression: str, sizes: list[int]) -> None:
    found = reads(expression)
    if "leader" in expression:  # `leader` is an unsigned :1 among others; its unit may be a byte
        assert found[:3] == sizes[:3] and found[3] in (1, 2, 4)
    else:
        assert found == sizes


_LOADED = """
import sys
from dscript.kernel import btf
from dscript.pipeline import compile_program
from dscript.request import CompileRequest, Piece
from dscript.source import Source
piece = Piece("n", Source("-n", sys.argv[1], is_command_line=True))
compile_program(CompileRequest(pieces=(piece,)))
print(btf.vmlinux.cache_info().misses)
"""


def loads_type_information(program: str) -> bool:
    done = subprocess.run(
        [sys.executable, "-c", _LOADED, program], capture_output=True, text=True, check=True
    )
    return done.stdout != "0\n"


@pytest.mark.parametrize(
    "program",
    [
        "BEGIN { trace(1 + 2); }",
        "struct s { int a; long b; }; struct s v; BEGIN { v.a = 1; trace(sizeof (struct s)); }",
        'BEGIN { x["a", 1] = 5; self->t = timestamp; this->p = (uint64_t)NULL; }',
        "enum { A, B }; typedef unsigned foo; BEGIN { x = (foo)-1; trace((pid_t)B); }",
        "double d; BEGIN { d = 1.5; trace(d); }",
        "profile-97 /pid == $pid/ { @[pid, uid] = count(); trace(arg0); }",
    ],
)
def test_no_type_information_is_loaded_unused(program: str) -> None:
    assert not loads_type_information(program)


def test_kernel_types_load_type_information() -> None:
    assert loads_type_information("BEGIN { trace(curthread->pid); }")
