"""The processes a run is about: commands started by -c, processes taken by -p.

A -c command is started early, so that $target is known before the program is loaded, and
is held right after exec and before its first instruction, or further on where the option
evaltime says: it stops itself for its parent with PTRACE_TRACEME, and detaching lets it go,
so that a trace of it shows nothing of the holding.  If the tracer dies first, so does the
command.  One that is still running when tracing ends is killed, as the processes dtrace
creates are (proc(4)'s kill on last close); a -p process is left alone.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import signal
from typing import NoReturn

from dscript.errors import TracingError
from dscript.kernel import processes


class Target:
    """One traced process; `fileno` polls readable once it is gone (a pidfd)."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        try:
            self._pidfd = os.pidfd_open(pid)
        except ProcessLookupError:
            raise TracingError(f"failed to grab pid {pid}: no such process") from None
        except OSError as error:
            process = processes.process_of_thread(pid)
            reason = f"it is a thread of process {process}" if process else error.strerror
            raise TracingError(f"failed to grab pid {pid}: {reason}") from None
        if not processes.exists(pid) and not processes.has_threads(pid):
            os.close(self._pidfd)
            raise TracingError(f"failed to grab pid {pid}: zombie process")

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
    """A process of our own, from the words of a -c command; held until `release`.

    `evaltime` is how far it has run by then: exec, preinit, postinit or main.
    """

    def __init__(self, words: list[str], evaltime: str = "exec") -> None:
        path = find_executable(words[0])
        status_read, status_write = os.pipe()  # closes on exec: its end says that it worked
        pid = os.fork()
        if pid == 0:
            os.close(status_read)
            _child(status_write, path, words)
        os.close(status_write)
        with open(status_read, "rb") as status:
            failure = status.read()
        _, state = os.waitpid(pid, os.WUNTRACED)
        if not os.WIFSTOPPED(state):
            what, _, number = failure.decode().partition(" ")
            reason = os.strerror(int(number)).lower() if number else "it was killed"
            raise TracingError(f"failed to {what or 'execute'} {words[0]}: {reason}")
        # Should the tracer die before it lets go, the command goes with it.
        _ptrace(_SETOPTIONS, pid, _O_EXITKILL)
        self._reaped = False
        super().__init__(pid)
        if evaltime != "exec":
            from dscript.runtime.holding import run_to

            try:
                run_to(pid, evaltime, words[0])
            except BaseException:
                self.close()
                raise

    def release(self) -> None:
        """Let it run."""
        _ptrace(_DETACH, self.pid, 0)

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
        super().close()


# include/uapi/linux/ptrace.h
_TRACEME, _DETACH, _SETOPTIONS = 0, 17, 0x4200
_O_EXITKILL = 1 << 20

_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = (ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p)
_libc.ptrace.restype = ctypes.c_long


def _ptrace(request: int, pid: int, data: int) -> int:
    """ptrace(2); -1 when it fails, as on a process that was killed meanwhile."""
    result: int = _libc.ptrace(request, pid, None, data)
    return result


def _child(status: int, path: str, words: list[str]) -> NoReturn:
    """The forked side: become the command, stopped for the parent."""
    step = "trace"
    try:
        signal.set_wakeup_fd(-1)
        # Handlers of the tracer, and what Python ignores.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGPIPE, signal.SIGXFSZ):
            signal.signal(number, signal.SIG_DFL)
        if _ptrace(_TRACEME, 0, 0) < 0:
            raise OSError(ctypes.get_errno(), "ptrace")
        step = "execute"
        try:
            os.execv(path, words)
        except OSError as error:
            if error.errno != errno.ENOEXEC or not _is_text(path):
                raise
            os.execv("/bin/sh", ["sh", path, *words[1:]])  # as execvp(3) does
    except OSError as error:
        with contextlib.suppress(OSError):
            os.write(status, f"{step} {error.errno}".encode())
    finally:
        os._exit(127)


def _is_text(path: str) -> bool:
    """Whether a file may be a script without an interpreter line."""
    with open(path, "rb") as file:
        start = file.read(256)
    return b"\0" not in start and not start.startswith(b"\x7fELF")


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
        elif os.path.isdir(candidate) and "/" in name:
            reason = errno.EISDIR
    raise TracingError(f"failed to execute {name}: {os.strerror(reason).lower()}")


def start_command(command: str, evaltime: str = "exec") -> Command:
    """A held process for the argument of -c, split into words as a shell does."""
    import shlex  # 3 ms that only -c needs

    try:
        words = shlex.split(command)
    except ValueError as error:
        raise TracingError(f"failed to create process: {error} in '{command}'") from None
    if not words:
        raise TracingError("failed to create process: the command is empty")
    return Command(words, evaltime)


def take_process(pid: int) -> Target:
    """The running process of -p."""
    return Target(pid)
