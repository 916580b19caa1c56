"""Libraries that a process loads while it is traced, and links of many probes."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest

from dscript.kernel import features, libraries
from tests.userland.support import DSCRIPT, build, dscript, error, lines

LIBRARY = """
volatile int sink;
__attribute__((noinline)) int helper(int x) { sink = x; return x + 1; }
__attribute__((constructor)) static void begin(void) { helper(100); }
"""
# Opens each library of its arguments and calls helper() in it once, with the argument's number.
PROGRAM = """
#include <dlfcn.h>
#include <stdio.h>
int main(int count, char **names)
{
    for (int i = 1; i < count; i++) {
        void *library = dlopen(names[i], RTLD_NOW);
        if (!library) {
            fputs(dlerror(), stderr);
            return 1;
        }
        int (*call)(int) = (int (*)(int))dlsym(library, "helper");
        call(i);
    }
    return 0;
}
"""
# A constructor's call and the program's own.
BOTH = ["1 1", "100 1"]
COUNT = ':helper:entry { @[arg0] = count(); } END { printa("%d %@d\\n", @); }'


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program `opens`, its libraries in the folder `lib`."""
    top = tmp_path_factory.mktemp("libraries")
    (top / "lib").mkdir()
    for name in ("liblate.so", "liblater.so.1.2"):
        build(top / "lib", name, LIBRARY, "-shared", "-fPIC", "-O1", "-nostartfiles")
    build(top, "opens", PROGRAM, "-Wl,-rpath,$ORIGIN/lib", "-ldl")
    build(top, "plain", PROGRAM, "-ldl")
    return top


@pytest.mark.parametrize("module", ["liblate", "liblate.so", "liblat*.so"])
def test_found_by_run_path_and_seen_from_its_constructor_on(folder: Path, module: str) -> None:
    """No call is missed: the probe is in the file before it is mapped."""
    found = lines(dscript("-n", f"pid$target:{module}{COUNT}", "-c", f"{folder}/opens liblate.so"))
    assert found == BOTH


def test_found_by_the_environment_the_working_folder_and_a_path(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = folder / "lib/liblater.so.1.2"
    command = f"{folder}/plain {path}"
    assert lines(dscript("-n", f"pid$target:{path}{COUNT}", "-c", command)) == BOTH
    monkeypatch.chdir(folder / "lib")
    command = f"{folder}/plain ./liblater.so.1.2"
    assert lines(dscript("-n", f"pid$target:liblater.so.1{COUNT}", "-c", command)) == BOTH
    monkeypatch.chdir("/")
    monkeypatch.setenv("LD_LIBRARY_PATH", str(folder / "lib"))
    command = f"{folder}/plain liblater.so.1.2"
    assert lines(dscript("-n", f"pid$target:liblater{COUNT}", "-c", command)) == BOTH


def test_a_glob_means_every_library_that_may_be_loaded(folder: Path) -> None:
    clause = (
        "pid$target:liblate*:helper:entry { @[probemod, arg0] = count(); } "
        'END { printa("%s %d %@d\\n", @); }'
    )
    command = f"{folder}/opens liblate.so liblater.so.1.2"
    assert sorted(lines(dscript("-n", clause, "-c", command))) == [
        "liblate.so 1 1",
        "liblate.so 100 1",
        "liblater.so.1.2 100 1",
        "liblater.so.1.2 2 1",
    ]


def test_a_name_that_is_nowhere_is_told_how_to_be_given(folder: Path) -> None:
    command = f"{folder}/plain {folder}/lib/liblate.so"
    text = error("-n", f"pid$target:liblate{COUNT}", "-c", command)
    assert "where its dynamic linker looks; a module may also be a path" in text
    text = error("-n", "pid$target::helper:entry { }", "-c", command)
    assert "name the library if it is loaded later" in text


def test_the_names_of_a_library() -> None:
    """As its links are called (ldconfig(8))."""
    assert libraries.names_of("libz.so.1.2.13") == (
        "libz", "libz.so", "libz.so.1", "libz.so.1.2", "libz.so.1.2.13",
    )  # fmt: skip


def test_the_linker_cache_is_read_as_ldconfig_prints_it() -> None:
    ldconfig = "/sbin/ldconfig"
    if not os.path.exists(ldconfig) or not os.path.exists("/etc/ld.so.cache"):
        pytest.skip("no cache of glibc's dynamic linker here")
    text = subprocess.run([ldconfig, "-p"], capture_output=True, text=True, check=True).stdout
    printed = [line.rpartition("=> ")[2] for line in text.splitlines() if "=> " in line]
    assert list(libraries._cached("/etc/ld.so.cache")) == printed


def link_types(pid: int) -> list[str]:
    """The kinds of BPF links that a process holds (fdinfo)."""
    found = []
    for name in os.listdir(f"/proc/{pid}/fdinfo"):
        try:
            text = Path(f"/proc/{pid}/fdinfo/{name}").read_text()
        except OSError:
            continue
        found += [line.split()[1] for line in text.splitlines() if line.startswith("link_type")]
    return found


def test_probes_of_a_library_go_through_one_link() -> None:
    """More than a hundred functions of libc; a perf event each before Linux 6.6."""
    sleeper = subprocess.Popen(["sleep", "60"])
    words = [
        "-qn",
        "pid$target:libc.so.6:mem*:entry,pid$target:libc.so.6:str*:entry { @ = count(); }",
    ]
    words += ["-n", 'BEGIN { printf("on\\n"); }']
    tracer = subprocess.Popen(
        [DSCRIPT, *words, "-p", str(sleeper.pid)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert tracer.stdout is not None and tracer.stdout.readline() == "on\n"
        links = link_types(tracer.pid)
    finally:
        sleeper.kill()
        sleeper.wait()
        tracer.wait(timeout=120)
    if features.works("uprobe_multi"):
        assert links == ["uprobe_multi"]
    else:
        assert len(links) > 50 and set(links) == {"perf"}


def test_attaching_all_of_libc_is_quick() -> None:
    """A limit far above what it takes; one by one it would be minutes to detach."""
    if not features.works("uprobe_multi"):
        pytest.skip("this kernel attaches and detaches one by one")
    begun = time.monotonic()
    done = dscript("-n", "pid$target:libc.so.6:*:entry { @ = count(); }", "-c", "true")
    assert int(lines(done)[0]) > 10
    assert time.monotonic() - begun < 40
