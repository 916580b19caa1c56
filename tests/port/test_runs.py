"""Scripts that are said to run are started here, where this kernel can: loaded, attached, ended."""

from __future__ import annotations

import os
import tempfile
import traceback

import pytest

from dscript.port.programs import Program, programs_in
from dscript.port.survey import request_for
from dscript.port.verdict import Class
from dscript.providers import fbt
from dscript.request import CompileRequest, Piece
from dscript.source import Source
from tests.port.table import FOLDER, expected, judged

_RUNNABLE = [
    path for path, cls in expected().items() if cls in (Class.UNCHANGED, Class.ALIASES, Class.EDITS)
]
_END = Piece("n", Source("BEGIN { exit(0); }", "BEGIN { exit(0); }", is_command_line=True))


def _run(request: CompileRequest) -> None:
    from dscript import api
    from dscript.pipeline import compile_program

    program = compile_program(request)
    with tempfile.TemporaryFile() as output:
        assert api.trace(program, ["true"] if request.has_target else (), output=output) == 0


def _started(program: Program, path: str) -> str:
    """Trace with the program until it has begun, in a fork; what went wrong, if anything."""
    request = request_for(program, path, zero_ok=True)
    request = request._replace(pieces=(*request.pieces, _END))
    said = os.memfd_create("said")
    pid = os.fork()
    if pid == 0:
        try:
            os.dup2(said, 2)
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            _run(request)
            os._exit(0)
        except BaseException:
            os.write(said, traceback.format_exc().encode())
        os._exit(1)
    _, status = os.waitpid(pid, 0)
    os.lseek(said, 0, os.SEEK_SET)
    with open(said, errors="replace") as file:
        text = file.read()
    return "" if status == 0 else text or f"status {status}"


@pytest.mark.parametrize("path", _RUNNABLE)
def test_starts(path: str) -> None:
    text = (FOLDER / path).read_text()
    if expected()[path] is Class.EDITS:
        text = judged([str(FOLDER / path)])[0].ported
    if "fbt:" in text and not fbt.mechanisms():
        pytest.skip("this kernel has no probes on kernel functions; checks in the guest have them")
    for program in programs_in(path, text):
        wrong = _started(program, path)
        assert not wrong, wrong
