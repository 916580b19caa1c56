"""Many files judged in children: what ends one of them does not end the others."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from dscript.port import crowd
from dscript.port.verdict import Class, Verdict


def fates(path: str, _text: str) -> Verdict:
    match Path(path).name:
        case "abort.d":
            os.kill(os.getpid(), signal.SIGKILL)
        case "exit.d":
            os._exit(3)
        case "fault.d":
            raise ValueError("a fault")
        case "slow.d":
            time.sleep(60)
    return Verdict(path, Class.UNCHANGED, 1)


def test_children_end_as_they_like(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["abort.d", "exit.d", "fault.d", "slow.d", *(f"fine{n}.d" for n in range(20))]
    paths = [str(tmp_path / name) for name in names]
    for path in paths:
        Path(path).write_text("BEGIN { exit(0); }")
    monkeypatch.setattr(crowd, "judge", fates)
    monkeypatch.setattr(crowd, "_SECONDS", 2.0)
    verdicts = crowd.judge_all(paths, jobs=3)
    assert [verdict.path for verdict in verdicts] == paths
    texts = [finding.text for verdict in verdicts[:4] for finding in verdict.findings]
    assert texts[0] == "the compiler ended with status -9"
    assert texts[1] == "the compiler ended with status 3"
    assert "internal error: ValueError: a fault" in texts[2]
    assert texts[3] == "the compiler took more than 2 s"
    assert {verdict.cls for verdict in verdicts[:4]} == {Class.ERROR}
    # Under load one that is fine may be late, too, but then says so.
    fine = [v for v in verdicts[4:] if v.cls is Class.UNCHANGED]
    assert len(fine) >= 18
    for name in Path("/tmp").glob("dscript-error-*.txt"):
        if "a fault" in name.read_text(errors="replace"):
            name.unlink()
