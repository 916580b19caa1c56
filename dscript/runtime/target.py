"""The processes a run is about: commands started by -c, processes taken by -p.

A -c command is forked early, so that $target is known before the program is loaded, and
waits for a byte on a pipe before it calls exec; if the tracer dies first, the pipe ends and
so does the child.  A command that is still running when tracing ends is killed, as the
processes dtrace creates are (proc(4)'s kill on last close); a -p process is left alone.
"""

from __future__ import annotations

import contextlib
import errno
import os
import signal
from typing import NoReturn

from dscript.errors import TracingError


class Target:
    """One traced process; `fileno` polls readable once it is gone (a pidfd)."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        try:
            self._pidfd = os.pidfd_open(pid)
        except ProcessLookupError:
            raise TracingError(f"failed to grab pid {pid}: no such process") from None
        except OSError as error:
            raise TracingError(f"failed to grab pid {pid}: {error.strerror}") from None

    def fileno(self) -> int:
        return self._pidfd

    def release(self) -> None:
        """Let a held command run."""

    def exit_message(self) -> str:
        """What became of it, once `fileno` is readable."""
        return f"pid {self.pid} has exited"

    def close(self) -> None:
        """End of tracing."""
        os.close(self._pidfd)


class Command(Target):
    """A process of our own, from the words of a -c command; held until `release`."""

    def __init__(self, words: list[str]) -> None:
        path = find_executable(words[0])
        gate_read, self._gate = os.pipe()
        status_read, status_write = os.pipe()  # both close on exec: the end says it worked
        pid = os.fork()
        if pid == 0:
            os.close(self._gate)
            os.close(status_read)
            _child(gate_read, status_write, path, words)
        os.close(gate_read)
        os.close(status_write)
        self._status = status_read
        self._name = words[0]
        self._released = False
        self._reaped = False
        super().__init__(pid)

    def release(self) -> None:
        """Let it exec; TracingError when the kernel refuses the file."""
        self._released = True
        with contextlib.suppress(BrokenPipeError):  # killed while it was held
            os.write(self._gate, b"x")
        failure = os.read(self._status, 16)
        if failure:
            raise TracingError(
                f"failed to execute {self._name}: {os.strerror(int(failure)).lower()}"
            )

    def exit_message(self) -> str:
        _, status = os.waitpid(self.pid, 0)
        self._reaped = True
        if os.WIFSIGNALED(status):
            number = os.WTERMSIG(status)
            try:
                name = signal.Signals(number).name
            except ValueError:
                name = f"signal {number}"
            return f"pid {self.pid} terminated by {name}"
        code = os.WEXITSTATUS(status)
        if code:
            return f"pid {self.pid} exited with status {code}"
        return f"pid {self.pid} has exited"

    def close(self) -> None:
        if not self._reaped:
            with contextlib.suppress(ProcessLookupError, ChildProcessError):
                signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)
                os.waitpid(self.pid, 0)
            self._reaped = True
        os.close(self._gate)
        os.close(self._status)
        super().close()


def _child(gate: int, status: int, path: str, words: list[str]) -> NoReturn:
    """The forked side: wait at the gate, then become the command."""
    try:
        signal.set_wakeup_fd(-1)
        # Handlers of the tracer, and what Python ignores.  Nothing comes between the gate and
        # exec that a trace of the command would show.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGPIPE, signal.SIGXFSZ):
            signal.signal(number, signal.SIG_DFL)
        if os.read(gate, 1):
            os.execv(path, words)
    except OSError as error:
        with contextlib.suppress(OSError):
            os.write(status, str(error.errno).encode())
    finally:
        os._exit(127)


def find_executable(name: str) -> str:
    """The file execvp(3) would run; TracingError when there is none."""
    if "/" in name:
        candidates = [name]
    else:
        path = os.environ.get("PATH", os.defpath)
        candidates = [os.path.join(part or ".", name) for part in path.split(":")]
    reason = errno.ENOENT
    for candidate in candidates:
        if os.path.isfile(candidate):
            if os.access(candidate, os.X_OK):
                return candidate
            reason = errno.EACCES
    raise TracingError(f"failed to execute {name}: {os.strerror(reason).lower()}")


def start_command(command: str) -> Command:
    """A held process for the argument of -c, split into words as a shell does."""
    import shlex  # 3 ms that only -c needs

    try:
        words = shlex.split(command)
    except ValueError as error:
        raise TracingError(f"failed to create process: {error} in '{command}'") from None
    if not words:
        raise TracingError("failed to create process: the command is empty")
    return Command(words)


def take_process(pid: int) -> Target:
    """The running process of -p."""
    return Target(pid)
