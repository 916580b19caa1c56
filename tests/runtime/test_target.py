"""Held commands and taken processes."""

from __future__ import annotations

import os
import select
import signal
import threading
import time

import pytest

from dscript.errors import TracingError
from dscript.runtime.target import start_command, take_process


def gone(target, seconds: float = 5.0) -> bool:
    poller = select.poll()
    poller.register(target.fileno(), select.POLLIN)
    return bool(poller.poll(seconds * 1000))


def ended(pid: int) -> bool:
    """Gone, or a zombie that whoever adopted it has not reaped yet."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def test_command_waits_for_its_release(tmp_path) -> None:
    path = tmp_path / "made"
    target = start_command(f"touch '{path}'")
    assert not gone(target, 0.2)
    assert not path.exists()
    target.release()
    assert gone(target)
    assert path.exists()
    assert target.exit_message() == f"pid {target.pid} has exited"
    target.close()


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("sh -c 'exit 3'", "exited with status 3"),
        ("sh -c 'kill -9 $$'", "terminated by SIGKILL"),
        ("sh -c 'kill -PIPE $$'", "terminated by SIGPIPE"),  # not ignored as in Python
        ("true", "has exited"),
    ],
)
def test_how_a_command_ended(command: str, message: str) -> None:
    target = start_command(command)
    target.release()
    assert gone(target)
    assert target.exit_message() == f"pid {target.pid} {message}"
    target.close()


def test_running_command_is_killed_at_the_end() -> None:
    target = start_command("sleep 60")
    target.release()
    target.close()
    with pytest.raises(ProcessLookupError):
        os.kill(target.pid, 0)


def test_held_command_dies_with_the_tracer() -> None:
    reader, writer = os.pipe()
    tracer = os.fork()
    if tracer == 0:
        target = start_command("sleep 60")
        os.write(writer, str(target.pid).encode())
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(tracer, 0)
    held = int(os.read(reader, 16))
    os.close(reader)
    os.close(writer)
    deadline = time.monotonic() + 5
    while (alive := not ended(held)) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not alive


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("/no/such/file", "failed to execute /no/such/file: no such file or directory"),
        ("no-such-command-here", "failed to execute no-such-command-here: no such file"),
        ("/etc/passwd", "failed to execute /etc/passwd: permission denied"),
        ("'open", "No closing quotation"),
        ("  ", "the command is empty"),
    ],
)
def test_commands_that_cannot_start(command: str, message: str) -> None:
    with pytest.raises(TracingError, match=message):
        start_command(command)


def test_file_the_kernel_refuses_is_reported(tmp_path) -> None:
    path = tmp_path / "bad"
    path.write_bytes(b"\x7fELF nonsense")
    path.chmod(0o755)
    with pytest.raises(TracingError, match=r"bad: exec format error"):
        start_command(str(path))


def test_script_without_an_interpreter_line_goes_to_the_shell(tmp_path) -> None:
    """As with execvp(3)."""
    path = tmp_path / "script"
    path.write_text('echo "$0 $1" > "$0.out"\n')
    path.chmod(0o755)
    target = start_command(f"{path} word")
    target.release()
    assert gone(target)
    assert target.exit_message() == f"pid {target.pid} has exited"
    target.close()
    assert (tmp_path / "script.out").read_text() == f"{path} word\n"


def test_thread_is_no_process() -> None:
    barrier = threading.Event()
    numbers: list[int] = []

    def wait() -> None:
        numbers.append(threading.get_native_id())
        barrier.wait()

    thread = threading.Thread(target=wait)
    thread.start()
    try:
        while not numbers:
            time.sleep(0.001)
        with pytest.raises(TracingError, match=f"it is a thread of process {os.getpid()}"):
            take_process(numbers[0])
    finally:
        barrier.set()
        thread.join()


def test_missing_process() -> None:
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    with pytest.raises(TracingError, match=f"pid {pid}: no such process"):
        take_process(pid)
