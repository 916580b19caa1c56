"""Running the dscript command: the installed one, or a fork that has its modules already.

Most of what a small program costs is Python's start and the import of the compiler.  Tests
that run hundreds of programs share a *nursery*: a process, one for each test process, that
has imported the compiler once and compiled one program.  For each run it forks a child that
takes on the given words, environment, folder and streams, and then is the command.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import pickle
import selectors
import signal
import socket
import struct
import subprocess
import sys
import time
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, NoReturn

ROOT = Path(__file__).resolve().parents[1]
DSCRIPT = str(Path(sys.executable).with_name("dscript"))

_NUMBER = struct.Struct("i")


class _Order(NamedTuple):
    words: list[str]
    environment: dict[str, str]
    folder: str


def dscript(
    *words: str,
    environment: Mapping[str, str] | None = None,
    folder: Path | str | None = None,
    timeout: float = 60,
    installed: bool = False,
) -> subprocess.CompletedProcess[bytes]:
    """Run the command without its cache; `environment` is added to that of the tests.

    `installed` starts the command itself, for what depends on how it is started: its
    arguments as others see them, interpreter lines, start-up.  Raises
    subprocess.TimeoutExpired.
    """
    complete = {**os.environ, "DSCRIPT_CACHE": "0", **(environment or {})}
    if installed:
        return subprocess.run(
            [DSCRIPT, *words],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=timeout,
            check=False,
            env=complete,
            cwd=folder,
        )
    return _nursery().run(_Order(list(words), complete, str(folder or os.getcwd())), timeout)


class _Nursery:
    """The process that forks the commands, seen from the tests."""

    def __init__(self) -> None:
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.command", str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                cwd=ROOT,
            )

    def run(self, order: _Order, timeout: float) -> subprocess.CompletedProcess[bytes]:
        out, their_out = os.pipe()
        err, their_err = os.pipe()
        # The order goes through a file: it may be longer than a message can be.
        text = os.memfd_create("order")
        os.write(text, pickle.dumps(order))
        socket.send_fds(self._socket, [b"run"], [text, their_out, their_err])
        for fd in (text, their_out, their_err):
            os.close(fd)
        pid = self._number()
        command = ["dscript", *order.words]
        texts = _read_all((out, err), time.monotonic() + timeout)
        if texts is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            self._number()
            raise subprocess.TimeoutExpired(command, timeout)
        return subprocess.CompletedProcess(command, self._number(), *texts)

    def _number(self) -> int:
        data = self._socket.recv(_NUMBER.size)
        assert data, "the nursery has ended"
        return int(_NUMBER.unpack(data)[0])

    def close(self) -> None:
        self._socket.close()
        self._process.wait()


_nurseries: dict[int, _Nursery] = {}  # by process: a fork of a test process needs its own


def _nursery() -> _Nursery:
    if os.getpid() not in _nurseries:
        made = _nurseries[os.getpid()] = _Nursery()
        atexit.register(made.close)
    return _nurseries[os.getpid()]


def _read_all(pipes: Sequence[int], deadline: float) -> list[bytes] | None:
    """All bytes of each pipe, which are then closed; None: the deadline passed first."""
    found = {pipe: bytearray() for pipe in pipes}
    with selectors.DefaultSelector() as selector:
        for pipe in pipes:
            selector.register(pipe, selectors.EVENT_READ)
        while selector.get_map() and time.monotonic() < deadline:
            for key, _ in selector.select(max(0.0, deadline - time.monotonic())):
                data = os.read(key.fd, 1 << 16)
                found[key.fd] += data
                if not data:
                    selector.unregister(key.fd)
        ended = not selector.get_map()
    for pipe in pipes:
        os.close(pipe)
    return [bytes(text) for text in found.values()] if ended else None


# The process itself.


def _serve(connection: socket.socket) -> None:
    """Fork a command for each order; answers its process id, then its exit status."""
    _warm()
    while True:
        message, streams, _, _ = socket.recv_fds(connection, 8, 3)
        if not message:
            return
        pid = os.fork()
        if pid == 0:
            connection.close()
            _become(*streams)
        for fd in streams:
            os.close(fd)
        connection.send(_NUMBER.pack(pid))
        _, status = os.waitpid(pid, 0)
        connection.send(_NUMBER.pack(os.waitstatus_to_exitcode(status)))


def _warm() -> None:
    """Import what the command imports, and read the kernel's types."""
    import gc

    import dscript.runtime.session  # noqa: F401
    from dscript.pipeline import compile_program
    from dscript.request import CompileRequest, Piece
    from dscript.source import Source

    text = 'BEGIN { @[execname, pid] = count(); printf("%s", curthread->comm); exit(0); }'
    compile_program(CompileRequest((Piece("n", Source("warm", text)),)))
    gc.freeze()  # shared with the children for good


def _become(order: int, out: int, err: int) -> NoReturn:
    """In the child: be the command."""
    status = 70
    try:
        os.dup2(out, 1)
        os.dup2(err, 2)
        os.lseek(order, 0, os.SEEK_SET)
        with open(order, "rb") as file:
            words, environment, folder = pickle.load(file)
        for fd in (out, err):
            os.close(fd)
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(environment)
        time.tzset()
        Path("/proc/self/comm").write_text("dscript")
        sys.argv = [DSCRIPT, *words]
        from dscript.cli import main

        status = main()
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])))
