"""Checks in the guest: ported scripts that probe kernel functions, and what the data name."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.port.table import FOLDER
from tests.vm.harness import check, dscript, expect, forget_the_kernel

# Scripts of class `edits` with something that their edited form must print of `cat FILE`.
_SCRIPTS = {
    "toolkit/reads_paths.d": "opens.c",
    "book/closes.d": "opens.c",
    "toolkit/exits.d": "cat",
    "toolkit/read_times.d": "opens.c",
    "toolkit/open_times.d": "opens.c",
}


@check()
def check_port_edits_run(shared: Path) -> None:
    """What `dscript port --write` makes attaches and prints what the script was for."""
    work = shared / "port"
    work.mkdir(exist_ok=True)
    for path, shown in _SCRIPTS.items():
        script = work / Path(path).name
        shutil.copy(FOLDER / path, script)
        outcome = dscript("port", "--write", str(script))
        expect(outcome.status == 3, outcome)
        expect("this kernel refuses" not in outcome.stdout, outcome)
        read = Path(__file__).with_name("opens.c")
        ported = script.with_name(f"{script.stem}.linux.d")
        outcome = dscript("-s", str(ported), "-c", f"cat {read}")
        expect(outcome.status == 0 and shown in outcome.stdout.replace("/", " ").split(), outcome)


@check()
def check_port_unchanged_function_probes(shared: Path) -> None:
    """Scripts said to run unchanged that this check's own machine may not start."""
    outcome = dscript(
        "-s", str(FOLDER / "toolkit/count_one.d"), "vfs_read", "-c", f"cat {Path(__file__)}"
    )
    expect(outcome.status == 0 and "cat" in outcome.stdout.split(), outcome)


@check("6.1", "6.12")
def check_port_names_functions_of_this_kernel(shared: Path) -> None:
    """Functions that the data call nearest; those of modules where the module is loaded."""
    from dscript.kernel import btf, functions
    from dscript.port import foreign

    forget_the_kernel()  # another check may have loaded modules
    known = set(functions.names())
    modules = {"", "vmlinux", *btf.modules()}
    missing = []
    tables = (foreign.functions(), foreign.providers(), foreign.probes(), foreign.names())
    for table in tables:
        for entry in table.entries.values():
            for name in entry.near:
                fields = name.split(":")
                if fields[0] != "fbt" or len(fields) < 3 or "*" in fields[2] or not fields[2]:
                    continue
                if fields[1] in modules and fields[2] not in known:
                    missing.append(f"{entry.name}: {name}")
    assert not missing, missing
