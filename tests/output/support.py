"""Records and programs for the tests of output."""

from __future__ import annotations

import io
import struct
from collections.abc import Mapping, Sequence

from dscript.builtins.formats import parse_format
from dscript.output.stacks import Symbols
from dscript.output.text import TextPrinter
from dscript.program import (
    Action,
    Aggregation,
    ClauseRecord,
    CompiledProgram,
    Field,
    Probe,
    RecordHeader,
)
from dscript.symbols.types import Symbol

BEGIN = 1
READ_ENTRY = 2
READ_RETURN = 3
SYS_ENTRY = 4
SYS_RETURN = 5
TICK = 6

PROBES = {
    BEGIN: Probe(1, "dtrace", "", "", "BEGIN"),
    READ_ENTRY: Probe(20, "fbt", "vmlinux", "vfs_read", "entry"),
    READ_RETURN: Probe(21, "fbt", "vmlinux", "vfs_read", "return"),
    SYS_ENTRY: Probe(342, "syscall", "vmlinux", "read", "entry"),
    SYS_RETURN: Probe(343, "syscall", "vmlinux", "read", "return"),
    TICK: Probe(999999, "profile", "", "", "tick-1s"),
}


class KnownSymbols(Symbols):
    """Kernel: one function at 0x1000 of 0x100 bytes, module `km` up to 0x2000."""

    def kernel(self, address: int) -> Symbol | None:
        if 0x1000 <= address < 0x1100:
            return Symbol("vmlinux", "do_work", address - 0x1000)
        return Symbol("km", "", 0) if 0x1100 <= address < 0x2000 else None

    def user(self, tgid: int, pid: int, address: int) -> Symbol | None:
        if pid == 77 and 0x400000 <= address < 0x400100:
            return Symbol("a.out", "main", address - 0x400000)
        return Symbol("libc.so.6", "", 0) if pid == 77 and address >= 0x7F0000000000 else None

    def code_frames(self, pid: int, addresses: Sequence[int]) -> Sequence[int]:
        return addresses


class Run:
    """A TextPrinter with its output caught."""

    def __init__(
        self,
        clauses: Sequence[ClauseRecord] = (),
        aggregations: Sequence[Aggregation] = (),
        options: Mapping[str, str] | None = None,
    ) -> None:
        program = CompiledProgram(b"", PROBES, tuple(clauses), (), tuple(aggregations))
        self.out = io.BytesIO()
        self.err = io.BytesIO()
        self.snapshots = 0
        self.printer = TextPrinter(
            program, self.out, err=self.err, options=options or {}, symbols=KnownSymbols()
        )
        self.printer.attach(self._snapshot)

    def _snapshot(self) -> None:
        self.snapshots += 1

    def fire(
        self,
        clause: int,
        body: bytes = b"",
        probe: int = BEGIN,
        cpu: int = 0,
        tid: int = 0,
        spec: int = 0,
        flags: int = 0,
    ) -> None:
        words = (clause, probe, cpu, tid, spec, flags)
        # Records lie anywhere in the ring: put something before this one.
        data = b"\xee" * 40 + struct.pack(RecordHeader.FORMAT, *words) + body
        self.printer.record(*words, memoryview(data), 40)

    @property
    def text(self) -> str:
        return self.out.getvalue().decode()

    @property
    def messages(self) -> str:
        return self.err.getvalue().decode()


def clause(*actions: Action, prints: bool = True, epid: int = 1) -> ClauseRecord:
    """A clause whose size covers the fields of its actions."""
    ends = [f.offset + f.size for a in actions for f in a.args]
    ends += [a.presence + 1 for a in actions if a.presence is not None]
    return ClauseRecord(max(ends, default=0), actions, prints, epid)


def printf(text: str, *fields: Field, presence: int | None = None) -> Action:
    return Action("printf", fields, parse_format(text), presence=presence)


def quiet(text: str, body: bytes, *fields: Field) -> str:
    """What one printf of one record prints under -q."""
    run = Run([clause(printf(text, *fields))], options={"quiet": ""})
    run.fire(0, body)
    return run.text


def aggregation(
    function: str,
    keys: Sequence[Field] = (),
    words: int = 1,
    params: tuple[int, ...] = (),
    ident: int = 0,
    signed: bool = True,
) -> Aggregation:
    size = max((k.offset + k.size for k in keys), default=0)
    return Aggregation(
        ident,
        f"a{ident}",
        function,
        tuple(keys),
        size,
        words,
        params,
        ("x", "y"),
        signed,  # type: ignore[arg-type]
    )
