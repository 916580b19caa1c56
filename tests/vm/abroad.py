"""Language cases compiled on this machine for the guest's kernel.

Compiling in the guest takes seconds a program; all that the compiler takes from a kernel for
most programs is its BTF, which the guest's kernel file holds.  Programs that need more of it
(symbols, tracefs, what works there) are passed over.

Run as a program (`abroad.py VMLINUX FOLDER COUNT`), it writes FOLDER/abroad.pickle: a list of
`Abroad`, COUNT language cases and the programs of `SUBROUTINES`.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import types
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, NoReturn

ROOT = Path(__file__).resolve().parents[2]
if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))

# The path above comes first.
from tests.language.casefile import Case, read_cases  # noqa: E402
from tests.language.loading import PROGRAMS, SIZES  # noqa: E402

FILE = "abroad.pickle"


class Abroad(NamedTuple):
    """A case with its compiled program and the commands of -c."""

    case: Case
    program: bytes
    commands: tuple[str, ...]


# Programs that call every subroutine at several sizes of strings; they print nothing.
SUBROUTINES = [
    Case(
        "subroutines",
        f"{name} at {size}",
        0,
        program=program,
        stdout="",
        options=["-x", f"strsize={size}", "-x", "bufsize=4m"],
    )
    for name, program in PROGRAMS.items()
    for size in SIZES
]


class NeedsMore(Exception):
    """The compiler asked for a fact of the kernel that is only to be had there."""


def compile_all(vmlinux: Path, folder: Path, count: int) -> Path:
    """Compile `count` cases and `SUBROUTINES`, in another process; the file of the results."""
    script = str(Path(__file__).resolve())
    # The index of the guest's types is kept beside its kernel.
    environment = {**os.environ, "XDG_CACHE_HOME": str(vmlinux.parent)}
    subprocess.run(
        [sys.executable, script, str(vmlinux), str(folder), str(count)],
        check=True,
        timeout=300,
        env=environment,
    )
    return folder / FILE


def _use_types_of(vmlinux: Path, folder: Path) -> None:
    """Every question about a kernel is answered by this BTF, or not at all."""
    from dscript.kernel import btf, features, kallsyms, tracefs

    types_folder = folder / "btf"
    types_folder.mkdir()
    dump = f".BTF={types_folder}/vmlinux"
    subprocess.run(["objcopy", "--dump-section", dump, str(vmlinux), "/dev/null"], check=True)
    btf.DIRECTORY = str(types_folder)
    for module in (features, kallsyms, tracefs):
        for name, value in vars(module).items():
            if isinstance(value, types.FunctionType) and not name.startswith("_"):
                setattr(module, name, _refuse)


def _refuse(*words: object, **named: object) -> NoReturn:
    raise NeedsMore


def _evenly(cases: Sequence[Case], count: int) -> Iterator[Case]:
    """All of them, so that any number of the first is spread over the chapters."""
    stride = max(1, len(cases) // count)
    for first in range(stride):
        yield from cases[first::stride]


def _compiled(case: Case, script: Path) -> Abroad | None:
    from dscript.arguments import UsageError, parse
    from dscript.cli import _request
    from dscript.errors import DscriptError
    from dscript.pipeline import compile_program

    script.write_text(case.program)
    words = ["-q", "-x", "errtags", *case.options, "-s", str(script), *case.arguments]
    # The tracer's own process is another one there, and what cpp lists is said here.
    if any(word.startswith(("-p", "-H", "cpphdrs")) for word in case.options):
        return None
    try:
        line = parse(words)
        program = compile_program(_request(line))
    except (NeedsMore, DscriptError, UsageError):  # or refused, as the case says
        return None
    if not program.attachments:  # no clause: the command line's own check says so
        return None
    return Abroad(case, program.to_bytes(), tuple(str(word) for word in line.targets))


def main(vmlinux: Path, folder: Path, count: int) -> None:
    _use_types_of(vmlinux, folder)
    # Those with a tag are refused while compiling, which no kernel changes.
    cases = [case for case in read_cases() if not case.tag]
    done: list[Abroad] = []
    for case in _evenly(cases, count):
        compiled = _compiled(case, folder / "case.d")
        if compiled is not None:
            done.append(compiled)
        if len(done) == count:
            break
    for case in SUBROUTINES:
        compiled = _compiled(case, folder / "case.d")
        assert compiled is not None, case.name
        done.append(compiled)
    (folder / FILE).write_bytes(pickle.dumps(done))


if __name__ == "__main__":
    # Classes of this module, and not of __main__, are pickled.
    from tests.vm import abroad

    abroad.main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
