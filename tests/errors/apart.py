"""Compile and load many programs in a child process that may die of any of them."""

from __future__ import annotations

import os
import pickle
import select
import signal
import struct
import tempfile
import time
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Literal, NoReturn

from dscript.errors import Diagnostic, DscriptError
from dscript.request import CompileRequest, Piece
from dscript.source import Source

# loaded: accepted by the verifier; wrong: a Diagnostic; refused: a DscriptError that is none;
# fault: any other exception; died: the process ended; slow: no answer in time.
Fate = Literal["compiled", "loaded", "wrong", "refused", "rejected", "fault", "died", "slow"]

TIMEOUT = 60.0
_BATCH = 400  # programs a child, so that its memory stays small


@dataclass(frozen=True, slots=True)
class Outcome:
    """`tag` of a Diagnostic; `text` is the whole message or traceback; `seconds` it took."""

    fate: Fate
    tag: str = ""
    text: str = ""
    seconds: float = 0.0


def request(text: str) -> CompileRequest:
    """A script with everything allowed that does not need arguments."""
    return CompileRequest(
        pieces=(Piece("s", Source("test.d", text)),), destructive=True, has_target=True
    )


def compile_here(text: str, *, load: bool) -> Outcome:
    """Compile, and load into the kernel if asked, in this process; nothing is attached."""
    from dscript.pipeline import compile_program

    start = time.monotonic()

    def outcome(fate: Fate, tag: str = "", message: str = "") -> Outcome:
        return Outcome(fate, tag, message, time.monotonic() - start)

    try:
        program = compile_program(request(text))
    except Diagnostic as wrong:
        return outcome("wrong", wrong.tag, wrong.render(errtags=True))
    except DscriptError as wrong:
        return outcome("refused", "", wrong.render())
    except Exception:
        return outcome("fault", "", traceback.format_exc())
    if not load:
        return outcome("compiled")
    from dscript.output.text import TextPrinter
    from dscript.runtime.kernel_side import KernelSide

    try:
        with open(os.devnull, "wb") as nowhere:
            totals = TextPrinter(program, nowhere, target=0).aggregations
            KernelSide(program, totals, 0).close()
    except DscriptError as wrong:
        return outcome("rejected", "", wrong.render())
    except Exception:
        return outcome("fault", "", traceback.format_exc())
    return outcome("loaded")


def outcomes(texts: Sequence[str], *, load: bool) -> Iterator[Outcome]:
    """What becomes of each program, in order; a child that dies is replaced."""
    at = 0
    while at < len(texts):
        batch = texts[at : at + _BATCH]
        for outcome in _one_child(batch, load):
            at += 1
            yield outcome


def _one_child(texts: Sequence[str], load: bool) -> Iterator[Outcome]:
    """Outcomes up to the end of the batch or of the child, whichever comes first."""
    read_end, write_end = os.pipe()
    with tempfile.TemporaryFile() as words:
        pid = os.fork()
        if pid == 0:
            os.close(read_end)
            _work(texts, load, write_end, words.fileno())
        os.close(write_end)
        done = 0
        slow = False
        with open(read_end, "rb", buffering=0) as pipe:
            while done < len(texts):
                if not select.select([pipe], [], [], TIMEOUT)[0]:
                    os.kill(pid, signal.SIGKILL)
                    slow = True
                    break
                message = _receive(pipe)
                if message is None:
                    break
                done += 1
                yield message
        _, status = os.waitpid(pid, 0)
        if done < len(texts):
            words.seek(0)
            said = words.read().decode("utf-8", "replace")[-2000:]
            how = f"status {os.waitstatus_to_exitcode(status)}: {said}"
            yield Outcome("slow" if slow else "died", "", how)


def _receive(pipe: BinaryIO) -> Outcome | None:
    head = pipe.read(4)
    if len(head) < 4:
        return None
    (length,) = struct.unpack("<I", head)
    data = b""
    while len(data) < length:
        more = pipe.read(length - len(data))
        if not more:
            return None
        data += more
    outcome = pickle.loads(data)
    assert isinstance(outcome, Outcome)
    return outcome


def _work(texts: Sequence[str], load: bool, pipe: int, words: int) -> NoReturn:
    status = 1
    try:
        os.dup2(words, 1)
        os.dup2(words, 2)
        with open(pipe, "wb", buffering=0) as out:
            for text in texts:
                data = pickle.dumps(compile_here(text, load=load))
                out.write(struct.pack("<I", len(data)) + data)
        status = 0
    except Exception:  # a fault of the tests, or a compiler that cannot be imported
        os.write(2, traceback.format_exc().encode())
    finally:
        os._exit(status)
