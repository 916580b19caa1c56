"""Checks in the guest: variables and types of the kernel and of modules, by backtick names.

Debian's kernels list their variables in /proc/kallsyms (CONFIG_KALLSYMS_ALL).
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from tests.vm.harness import check, dscript, expect


def address_of(name: str, module: str = "") -> int:
    owner = rf"\t\[{module}\]" if module else ""
    found = re.search(
        rf"^([0-9a-f]+) [a-zA-Z] {name}{owner}$", Path("/proc/kallsyms").read_text(), re.M
    )
    assert found is not None, name
    return int(found[1], 16)


@check("6.1", "6.12")
def check_symbols_of_the_kernel(shared: Path) -> None:
    """Variables by value, with the types that linux/*.h give them."""
    outcome = dscript(
        "-qn",
        "BEGIN { j = `jiffies_64; "
        'printf("pages %d\\n", `max_pfn); printf("cpus %d\\n", vmlinux`nr_cpu_ids); '
        'printf("banner %s\\n", stringof(`linux_banner)); '
        'printf("task %d %s %d\\n", `init_task.pid, `init_task.comm, '
        "(&`init_task)->tgid == `init_task.tgid); "
        'printf("name %s\\n", stringof(`init_uts_ns.name.nodename)); '
        'printf("line %s\\n", stringof(`saved_command_line)); '
        'printf("at %x %x %x\\n", (uint64_t)&`init_task, (uint64_t)&`max_pfn, '
        "(uint64_t)&`ksys_read); "
        'printf("sizes %d %d\\n", sizeof (`jiffies_64), sizeof (`init_task)); '
        'printf("unknown %d\\n", *(unsigned long *)&`tainted_mask); } '
        'tick-1s { printf("jiffies %d\\n", `jiffies_64 - j); exit(0); }',
    )
    found = dict(line.split(" ", 1) for line in outcome.stdout.splitlines() if " " in line)
    memory = re.search(r"^MemTotal:\s+(\d+)", Path("/proc/meminfo").read_text(), re.M)
    assert memory is not None
    expect(outcome.status == 0, outcome)
    pages = int(found["pages"]) * 4
    expect(int(memory[1]) <= pages < 4 * int(memory[1]) + (4 << 20), outcome)
    expect(int(found["cpus"]) == os.sysconf("SC_NPROCESSORS_CONF"), outcome)
    expect(found["banner"].strip() == Path("/proc/version").read_text().strip(), outcome)
    expect(found["task"] in ("0 swapper 1", "0 swapper/0 1"), outcome)
    expect(found["name"] == os.uname().nodename, outcome)
    expect(found["line"].strip() == Path("/proc/cmdline").read_text().strip(), outcome)
    addresses = [f"{address_of(name):x}" for name in ("init_task", "max_pfn", "ksys_read")]
    expect(found["at"].split() == addresses, outcome)
    expect(found["sizes"].split()[0] == "8" and int(found["sizes"].split()[1]) > 1000, outcome)
    expect(found["unknown"] == Path("/proc/sys/kernel/tainted").read_text().strip(), outcome)
    expect(150 < int(found["jiffies"]) < 500, outcome)


@check("6.1", "6.12")
def check_symbols_of_modules(shared: Path) -> None:
    """A module's variables and the types that its own BTF has; the root is an overlay here."""
    root = "curthread->fs->root.mnt->mnt_sb"
    outcome = dscript(
        "-qn",
        "BEGIN { "
        'printf("at %x\\n", (uint64_t)&overlay`ovl_fs_type); '
        f'printf("same %d\\n", {root}->s_type == &overlay`ovl_fs_type); '
        'printf("name %s\\n", stringof(((struct file_system_type *)&overlay`ovl_fs_type)->name)); '
        f'printf("layers %d\\n", ((struct overlay`ovl_fs *){root}->s_fs_info)->numlayer); '
        f'printf("again %d\\n", ((struct ovl_fs *){root}->s_fs_info)->numlayer); '
        'printf("offset %d\\n", offsetof(struct overlay`ovl_fs, numlayer)); '
        'printf("size %d\\n", sizeof (struct overlay`ovl_fs)); exit(0); }',
    )
    found = dict(line.split(" ", 1) for line in outcome.stdout.splitlines() if line)
    expect(outcome.status == 0, outcome)
    expect(found["at"] == f"{address_of('ovl_fs_type', 'overlay'):x}", outcome)
    expect(found["same"] == "1" and found["name"] == "overlay", outcome)
    expect(found["layers"] == "2" == found["again"] and found["offset"] == "0", outcome)
    expect(int(found["size"]) > 64, outcome)


@check()
def check_symbols_refused(shared: Path) -> None:
    """Without a type only the address is usable; the kernel's variables are not written."""
    for text, tag, part in (
        ("BEGIN { trace(`tainted_mask); }", "D_SYM_NOTYPES", "*(int *)&`tainted_mask"),
        ("BEGIN { `max_pfn = 1; }", "D_OP_WRITE", "writable"),
        ("BEGIN { trace(`no_such_thing); }", "D_IDENT_UNDEF", "Unknown symbol name"),
        ("BEGIN { trace(nosuchmod`x); }", "D_IDENT_UNDEF", "no module nosuchmod is loaded"),
        ("BEGIN { trace((struct overlay`nosuch *)0 == 0); }", "D_TYPE_ERR", "overlay`nosuch"),
    ):
        outcome = dscript("-x", "errtags", "-qn", text)
        expect(outcome.status == 1 and f"[{tag}]" in outcome.stderr, outcome)
        expect(part in outcome.stderr, outcome)
