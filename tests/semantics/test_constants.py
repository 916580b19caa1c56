"""Constants of the D libraries against the C compiler's headers, and conditions of threads."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.providers.derived_support import DSCRIPT, traced

STDLIB = Path(__file__).resolve().parents[2] / "stdlib"
DEFINITION = re.compile(r"^inline (?:int|uint64_t) (\w+) = (-?\w+);", re.MULTILINE)
HEADERS = {
    "at.d": ["fcntl.h", "sys/file.h"],
    "clone.d": ["sched.h", "linux/sched.h"],
    "errno.d": ["errno.h"],
    "fcntl.d": ["fcntl.h", "sys/stat.h"],
    "futex.d": ["linux/futex.h"],
    "madvise.d": ["sys/mman.h"],
    "mman.d": ["sys/mman.h"],
    "poll.d": ["poll.h", "sys/epoll.h"],
    "prctl.d": ["sys/prctl.h"],
    "resource.d": ["sys/resource.h"],
    "sigaction.d": ["signal.h"],
    "signal.d": ["signal.h"],
    "socket.d": ["sys/socket.h", "netinet/in.h"],
    "sockopt.d": ["sys/socket.h"],
    "unistd.d": ["unistd.h"],
    "wait.d": ["sys/wait.h"],
}


@pytest.mark.skipif(shutil.which("gcc") is None, reason="needs gcc")
@pytest.mark.parametrize("library", HEADERS)
def test_the_values_are_those_of_the_headers(library: str, tmp_path: Path) -> None:
    """Names that this C library lacks are passed over, most must be there."""
    found = dict(DEFINITION.findall((STDLIB / library).read_text()))
    assert len(found) >= 9
    lines = "".join(f"#include <{header}>\n" for header in HEADERS[library])
    body = "".join(
        f'#ifdef {name}\nprintf("{name} %lld\\n", (long long)({name}));\n#endif\n' for name in found
    )
    source = f"#define _GNU_SOURCE\n{lines}#include <stdio.h>\nint main(void) {{\n{body}}}\n"
    (tmp_path / "c.c").write_text(source)
    subprocess.run(["gcc", "-w", "-o", tmp_path / "c", tmp_path / "c.c"], check=True)
    output = subprocess.run([tmp_path / "c"], capture_output=True, text=True, check=True).stdout
    known = dict(line.split() for line in output.splitlines())
    assert len(known) > len(found) // 2
    assert {name: _number(found[name]) for name in known} == {
        name: int(value) for name, value in known.items()
    }


def _number(text: str) -> int:
    """A number of D, octal with a leading 0."""
    octal = len(text) > 1 and text.startswith("0") and text.isdigit()
    return int(text, 8) if octal else int(text, 0)


def test_faults_are_numbered_as_the_error_probe_numbers_them() -> None:
    program = (
        "BEGIN { trace(*(int *)0); } ERROR { exit(arg4 == DTRACEFLT_BADADDR && "
        "DTRACEFLT_DIVZERO == 4 && DTRACEFLT_BADSTACK == 9 ? 42 : 1); }"
    )
    done = subprocess.run([DSCRIPT, "-qn", program], capture_output=True, timeout=60)
    assert done.returncode == 42, done.stderr


def test_conditions_of_threads(tmp_path: Path) -> None:
    """A stopped, a sleeping and a running process get a signal; the workload knows which."""
    seen, told = traced(
        tmp_path,
        "proc:::signal-send /args[2] == SIGURG && pid == $target/ "
        '{ printf("%d %d %d %d\\n", args[1]->pr_pid, (args[0]->pr_flag & PR_STOPPED) != 0, '
        "(args[0]->pr_flag & PR_ASLEEP) != 0, (args[0]->pr_flag & PR_ISSYS) != 0); }",
        "stopped = subprocess.Popen(['sleep', '30'])\nasleep = subprocess.Popen(['sleep', '30'])\n"
        "os.kill(stopped.pid, signal.SIGSTOP)\ntime.sleep(0.3)\n"
        "signal.signal(signal.SIGURG, signal.SIG_IGN)\n"
        "for pid, words in ((stopped.pid, (1, 0, 0)), (asleep.pid, (0, 1, 0)), "
        "(os.getpid(), (0, 0, 0))):\n"
        "    say(pid, *words)\n    os.kill(pid, signal.SIGURG)\n"
        "stopped.kill()\nasleep.kill()\n",
    )
    assert seen == told and len(told) == 3
