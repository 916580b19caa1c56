"""Checks in the guest: machine-readable output of kernel functions, progress of attaching."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import re
import threading
from pathlib import Path

from tests.vm.harness import check, dscript, expect, forked

WIPED = b"\r\x1b[K"


@check("6.1", "6.12")
def check_views_json_and_folded_stacks_of_a_kernel_function(shared: Path) -> None:
    folded = Path("/tmp/opens.folded")
    outcome = dscript(
        "-q",
        "--format",
        "json",
        "--folded",
        str(folded),
        "-n",
        "fbt::do_sys_openat2:entry /pid == $target/ { @s[stack(3)] = count(); trace(probefunc); }",
        "-c",
        f"{shared}/opens 40",
    )
    lines = [json.loads(line) for line in outcome.stdout.splitlines()]
    expect(outcome.status == 0 and lines[-1] == {"type": "exit", "status": 0}, outcome)
    firing = next(line for line in lines if line["type"] == "firing")
    expect(
        firing["probe"]["function"] == firing["actions"][0]["value"] == "do_sys_openat2", outcome
    )
    (aggregation,) = [line for line in lines if line["type"] == "aggregation"]
    entry = max(aggregation["entries"], key=lambda entry: entry["value"])
    frames = [frame["symbol"] for frame in entry["key"][0]]
    expect(len(frames) == 3 and frames[0].startswith("do_sys_openat2"), outcome)
    # The same stacks from the root on.
    total = sum(int(line.rpartition(" ")[2]) for line in folded.read_text().splitlines())
    expect(total == sum(entry["value"] for entry in aggregation["entries"]) >= 40, outcome)
    path = ";".join(f"vmlinux`{name}" for name in reversed(frames))
    expect(f"{path} " in folded.read_text(), outcome)


@check()
def check_views_attaching_many_kprobes_shows_progress(shared: Path) -> None:
    """Kprobes go in one by one here: how far that is stands on the terminal, then is wiped."""
    ours, theirs = pty.openpty()

    def command() -> int:
        from dscript.cli import main

        os.environ["TERM"] = "xterm"
        os.dup2(theirs, 2)
        return main(
            ["-qn", "fbt::vfs_*:entry, fbt::tcp_s*:entry { @ = count(); } BEGIN { exit(0); }"]
        )

    parts: list[bytes] = []

    def read() -> None:
        with contextlib.suppress(OSError):  # the other side is closed
            while part := os.read(ours, 4096):
                parts.append(part)

    # A terminal holds a few thousand bytes; somebody has to read them.
    reader = threading.Thread(target=read)
    reader.start()
    outcome = forked(command)
    os.close(theirs)
    reader.join()
    os.close(ours)
    shown = b"".join(parts)
    expect(outcome.status == 0, outcome)
    attached = [
        (int(done), int(total))
        for done, total in re.findall(rb"attaching probes (\d+)/(\d+)", shown)
    ]
    assert len(attached) > 2, shown
    assert attached == sorted(attached) and len({total for _, total in attached}) == 1, attached
    assert attached[0][1] > 60 and shown.endswith(WIPED), shown[-300:]
