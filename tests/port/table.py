"""The scripts of `scripts/` with the verdict that each must get (`verdicts.txt`).

They are in the styles of the toolkits, books and one-liner collections that people bring, each
written for this test.  Run as a program it prints how many are of each class.
"""

from __future__ import annotations

import fcntl
import os
import pickle
import tempfile
from collections import Counter
from functools import lru_cache
from pathlib import Path

from dscript.kernel import features
from dscript.port.crowd import judge_all
from dscript.port.survey import assume_capable_kernel
from dscript.port.verdict import Class, Verdict

FOLDER = Path(__file__).parent / "scripts"
ROOT = Path(__file__).resolve().parents[2]


def expected() -> dict[str, Class]:
    """Path below `scripts/` -> class."""
    lines = (Path(__file__).parent / "verdicts.txt").read_text().splitlines()
    words = [line.split() for line in lines if not line.startswith("#")]
    return {path: Class[name.upper()] for name, path in words}


@lru_cache(maxsize=1)
def verdicts() -> dict[str, Verdict]:
    """What is said of each, looked at once: by one of the processes of a test run."""
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID")
    if run is None:
        return _looked_at()
    kept = Path(tempfile.gettempdir()) / f"verdicts-{run}"
    with open(kept, "a+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        if file.seek(0, os.SEEK_END):
            file.seek(0)
            found: dict[str, Verdict] = pickle.load(file)
            kept.unlink(missing_ok=True)
        else:
            found = _looked_at()
            pickle.dump(found, file)
        return found


def _looked_at() -> dict[str, Verdict]:
    paths = list(expected())
    return dict(zip(paths, judged([str(FOLDER / path) for path in paths]), strict=True))


def judged(files: list[str]) -> list[Verdict]:
    """Verdicts as for a capable kernel; nothing of that stays behind in this process."""
    assume_capable_kernel()
    try:
        return judge_all(files)  # each in a process of its own
    finally:
        features.assume()


def counts() -> str:
    """The table of docs/porting.md."""
    found = Counter(verdict.cls for verdict in verdicts().values())
    lines = ["| class | scripts |", "| --- | ---: |"]
    lines += [f"| {cls.title} | {found[cls]} |" for cls in Class]
    return "\n".join(lines)


if __name__ == "__main__":
    print(counts())
