"""Running a command that a page shows, here or in a guest."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.documents.blocks import ROOT, blocks

# Commands that need probes on kernel functions: they run in the guests.
IN_GUEST = re.compile(r"\b(?:kprobe|kretprobe|fbt|fentry)\b|\b(?:io|ip|tcp|udp|lockstat)::")
# dscript with a command of its own ends by itself; another is stopped this long (s) after it has
# said what it matched.  Nothing may take longer than MOST.
LONG_ENOUGH = 1.0
MOST = 120.0


def prepare(folder: Path) -> None:
    """The files that the pages' commands name: blocks with a title, examples, a script."""
    for block in blocks():
        if block.title:
            (folder / block.title).write_text(block.text)
    (folder / "examples").symlink_to(ROOT / "examples")
    (folder / "script.d").write_text(
        '#pragma D option defaultargs\nBEGIN { printf("%d", $1); exit(0); }\n'
    )


def run(command: str, folder: Path, enough: float = LONG_ENOUGH) -> tuple[int, str, str]:
    """(status, stdout, stderr) of a shell's command, interrupted as by Ctrl-C when it goes on."""
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    terminal = "--top" in command
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        screen, shown = pty.openpty() if terminal else (-1, out.fileno())
        shell = subprocess.Popen(
            ["bash", "-c", command],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=shown,
            stderr=err,
            start_new_session=True,
        )
        written = select.poll()  # not select(): this process may have many files open
        if terminal:
            written.register(screen, select.POLLIN)
        limit = time.monotonic() + MOST
        # "matched N probes" comes when the program is compiled.
        stop = limit
        while shell.poll() is None:
            if stop == limit and os.fstat(err.fileno()).st_size and " -c " not in command:
                stop = time.monotonic() + enough
            if time.monotonic() > stop:
                _interrupt(shell.pid)
                stop = time.monotonic() + 30  # a second one would end it at once
            if time.monotonic() > limit:
                os.killpg(shell.pid, signal.SIGKILL)
            if terminal and written.poll(0):
                os.read(screen, 65536)
            time.sleep(0.02)
        if terminal:
            os.close(screen)
            os.close(shown)
        out.seek(0)
        err.seek(0)
        return shell.returncode, out.read(), err.read()


def _interrupt(session: int) -> None:
    """SIGINT to the dscript commands of the session, not to what they are piped into."""
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                stat = Path(f"/proc/{entry}/stat").read_text()
            except OSError:
                continue
            name, rest = stat.partition("(")[2].rsplit(")", 1)
            if name == "dscript" and int(rest.split()[3]) == session:
                os.kill(int(entry), signal.SIGINT)
