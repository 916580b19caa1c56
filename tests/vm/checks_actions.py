"""Checks in the guest: what changes memory of processes, sysrq actions, locks that are held."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.vm.harness import check, dscript, expect

# Reads a line from a pipe with read(0, buffer, 64), so that the buffer is known at the return,
# and shows what is in it then.
_READER = """\
import ctypes, os
read, write = os.pipe()
os.write(write, b"original text\\n")
buffer = ctypes.create_string_buffer(64)
libc = ctypes.CDLL(None)
libc.read(read, buffer, 64)
print(buffer.value.decode().strip(), flush=True)
"""


@check()
def check_copyout_changes_memory_of_the_process(shared: Path) -> None:
    """copyout() and copyoutstr() at the return of a read; the latter ends with its limit."""
    script = shared / "reader.py"
    script.write_text(_READER)
    outcome = dscript(
        "-qwn",
        "syscall::read:entry /pid == $target && arg2 == 64/ { self->buffer = arg1; } "
        "syscall::read:return /self->buffer && arg0 == 14/ { "
        "this->c = (char *)alloca(4); this->c[0] = 'A'; this->c[1] = 'B'; this->c[2] = 'C'; "
        "copyout(this->c, self->buffer, 3); "
        'copyoutstr("XYZ", self->buffer + 9, 2); self->buffer = 0; }',
        "-c",
        f"{sys.executable} {script}",
    )
    expect(outcome.status == 0 and "ABCginal XYxt" in outcome.stdout, outcome)


@check()
def check_copyout_to_a_bad_address_is_a_fault(shared: Path) -> None:
    outcome = dscript(
        "-qwn",
        'BEGIN { copyout(alloca(8), 0x10, 8); } ERROR { printf("<%d %x>", arg4, arg5); } '
        'BEGIN { copyoutstr("a", 0x20, 8); } BEGIN { exit(0); }',
    )
    expect("<1 10>" in outcome.stdout and "<1 20>" in outcome.stdout, outcome)
    expect(outcome.stderr.count("invalid address") == 2, outcome)


@check()
def check_breakpoint_asks_for_the_kernel_debugger(shared: Path) -> None:
    """The key reaches sysrq; a kernel without the debugger answers with its help and goes on."""
    outcome = dscript("-qwn", 'BEGIN { breakpoint(); printf("on"); exit(0); }')
    expect(outcome.status == 0 and "on" in outcome.stdout, outcome)
    log = subprocess.run(["dmesg"], capture_output=True, text=True, check=True).stdout
    assert "sysrq: DEBUG" in log or "sysrq: HELP" in log, log[-2000:]


@check()
def check_mutex_that_is_held(shared: Path) -> None:
    """A thread that unlocks a mutex is its owner."""
    outcome = dscript(
        "-qn",
        "fbt::mutex_unlock:entry /pid == $target/ { "
        "this->m = (struct mutex *)arg0; "
        "@[mutex_owned(this->m), mutex_owner(this->m) == (void *)curthread, "
        'mutex_type_adaptive(this->m)] = count(); } END { printa("<%d %d %d>\\n", @); }',
        "-c",
        "sh -c 'echo x | cat'",
    )
    lines = [line for line in outcome.stdout.splitlines() if line.startswith("<")]
    expect(lines == ["<1 1 1>"], outcome)


@check()
def check_semaphores_that_are_held(shared: Path) -> None:
    """unlink(2) holds the folder's lock as a writer, a page fault the memory's as a reader."""
    outcome = dscript(
        "-qn",
        "fbt::vfs_unlink:entry /progenyof($target)/ { "
        "this->s = &((struct inode *)arg1)->i_rwsem; "
        "@w[rw_read_held(this->s), rw_write_held(this->s), rw_iswriter(this->s)] = count(); } "
        "fbt::handle_mm_fault:entry /pid == $target/ { "
        "this->s = &((struct vm_area_struct *)arg0)->vm_mm->mmap_lock; "
        "@r[rw_read_held(this->s), rw_write_held(this->s)] = count(); } "
        'END { printa("w<%d %d %d>\\n", @w); printa("r<%d %d>\\n", @r); }',
        "-c",
        f"sh -c 'touch {shared}/victim; exec rm {shared}/victim'",
    )
    expect("w<0 1 1>" in outcome.stdout and "w<1" not in outcome.stdout, outcome)
    expect("r<1 0>" in outcome.stdout and "r<0" not in outcome.stdout, outcome)
