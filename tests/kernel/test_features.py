"""Feature tests: their answers must agree with what the kernel does for other tools."""

from __future__ import annotations

import gzip
import os
import shutil
import subprocess
import sys

import pytest

from dscript.kernel import features, info

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


def config() -> str:
    try:
        with gzip.open("/proc/config.gz", "rt") as file:
            return file.read()
    except OSError:
        pytest.skip("the kernel does not show its configuration")


def test_what_every_supported_kernel_has():
    for name in ("btf", "raw_tp", "tp_btf", "ring_buffer", "syscall_prog", "profile", "tracefs"):
        assert features.feature(name) == (True, ""), name


@pytest.mark.parametrize(
    ("name", "option"),
    [("kprobe", "CONFIG_KPROBE_EVENTS"), ("uprobe", "CONFIG_UPROBE_EVENTS")],
)
def test_probe_kinds_follow_the_configuration(name, option):
    assert features.works(name) == (f"{option}=y" in config())


def test_kprobe_multi_needs_fprobe():
    if "CONFIG_FPROBE=y" not in config():
        assert not features.works("kprobe_multi")


@pytest.mark.skipif(shutil.which("bpftool") is None, reason="needs bpftool")
def test_helpers_agree_with_bpftool():
    output = subprocess.run(
        ["bpftool", "feature", "probe", "kernel", "full"], capture_output=True, text=True
    ).stdout
    section = output.partition("for program type raw_tracepoint:")[2].partition("for program")[0]
    theirs = {line.strip("\t -").removeprefix("bpf_") for line in section.splitlines()}
    assert "get_stack" in theirs
    ours = {name for name in features.HELPERS if features.helper(name).works}
    known = theirs & features.HELPERS.keys()
    assert ours <= known
    # bpftool 7.1 does not know the words "program of this type cannot use helper" and counts
    # these as there; the kernel lets no raw tracepoint use d_path, or probe_write_user when
    # locked down.
    assert known - ours <= {"d_path", "probe_write_user"}


def test_a_failure_says_why():
    for name in features.NAMES:
        found = features.feature(name)
        assert found.works == (found.why == "")


def test_answers_are_kept_for_this_boot_only(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    features._known.cache_clear()
    before = features.feature("raw_tp")
    saved = tmp_path / "dscript" / "features.json"
    text = saved.read_text()
    features._known.cache_clear()
    saved.write_text(text.replace("true", "false"))
    assert features.feature("raw_tp") != before
    features._known.cache_clear()
    saved.write_text(text.replace("true", "false").replace(features._key(), "another boot"))
    assert features.feature("raw_tp") == before
    features._known.cache_clear()
    for rubbish in ("", "[]", "{", '{"key": 1}'):
        saved.write_text(rubbish)
        assert features.feature("raw_tp") == before
        features._known.cache_clear()


def test_without_privilege_the_missing_capability_is_named():
    code = (
        "import os, json; from dscript.kernel import features, bpf, btf\n"
        "features.effective_capabilities(); features.effective_capabilities.cache_clear()\n"
        "os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "print(features.feature('raw_tp'), features.missing_capabilities())"
    )
    environment = {**os.environ, "HOME": "/nonexistent", "XDG_CACHE_HOME": "/nonexistent"}
    output = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment
    )
    assert "works=False" in output.stdout, output.stderr
    assert "CAP_BPF" in output.stdout


def test_the_screen_fits_and_names_the_kernel():
    lines = info.info_lines()
    assert os.uname().release in lines[0]
    assert all(len(line) <= 100 for line in lines)
    assert len(lines) <= 45
    assert any(line.startswith("  syscall ") and "yes" in line for line in lines)
