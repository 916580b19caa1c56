"""What the command line or the Python API asks the compiler for: plain data, no behaviour."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Literal, NamedTuple

from dscript.source import Source

PieceKind = Literal["s", "n", "P", "m", "f", "i"]
Stage = Literal["ast", "ir", "asm", "object", "plan", "header", "semaphores"]
Format = Literal["text", "json", "csv"]


class Picture(NamedTuple):
    """A picture of an aggregation, drawn into the file `path` when tracing ends.

    `aggregation` is its name without `@`, None for the only one that can be drawn so.
    """

    kind: Literal["flamegraph", "folded", "heatmap"]
    path: str
    aggregation: str | None = None


class Piece(NamedTuple):
    """One program of the command line, named after its option letter.

    `s` is a whole script or D program.  `n`, `P`, `m`, `f`, `i` hold the text of that
    option: a probe description in the option's form (name, provider, module, function,
    ID), then perhaps a predicate and a clause, or several of them with commas.
    The text of a script is already preprocessed when `-C` was given.
    """

    kind: PieceKind
    source: Source


class CompileRequest(NamedTuple):
    """One compilation: every piece becomes part of one program, in command-line order.

    `options` holds the D options of the command line by canonical name with their values
    as written ("" for a flag), checked against the table in `dscript.options`;
    `environment_options` those of the environment, which pragmas override
    (`dscript.options.merge(environment, pragmas, command line)`).  `arguments` are `$1`… and
    `program_name` is `$0`.  `destructive` is -w, `zero_ok` is -Z.  `has_target` says that
    -c or -p gives `$target` a value, which only the run knows, except where the program probes
    the process: then `target` is its ID.  `emit` names the stage
    whose text the compiled program carries in `emitted`; `disassemble` is -S.
    `library_dirs` are those of -L, searched after the ones that come with dscript.
    """

    pieces: tuple[Piece, ...]
    options: Mapping[str, str] = {}
    environment_options: Mapping[str, str] = {}
    arguments: tuple[str, ...] = ()
    program_name: str = "dscript"
    destructive: bool = False
    zero_ok: bool = False
    has_target: bool = False
    target: int = 0
    emit: Stage | None = None
    disassemble: bool = False
    library_dirs: tuple[str, ...] = ()

    @property
    def sources(self) -> tuple[Source, ...]:
        """The scripts (-s), in order."""
        return tuple(piece.source for piece in self.pieces if piece.kind == "s")


def user_libraries() -> tuple[str, ...]:
    """The user's own folder of D libraries, `~/.config/dscript`, where there is one."""
    base = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
    folder = os.path.join(base, "dscript")
    return (folder,) if os.path.isdir(folder) else ()
