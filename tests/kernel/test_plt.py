"""Names of the dynamic linker's stubs, against those that objdump(1) makes up."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from dscript.kernel import elf, plt

SOURCE = """
#include <stdio.h>
#include <stdlib.h>
int main(int argc, char **argv)
{
    void (*volatile taken)(const char *) = (void (*)(const char *))puts;
    taken(argc > 5 ? getenv("HOME") : argv[0]);
    return 0;
}
"""
# Lazy and immediate binding, and stubs for indirect branch tracking in a section of their own.
LINKS = {
    "lazy": ("-Wl,-z,lazy",),
    "now": ("-Wl,-z,now",),
    "tracked": ("-fcf-protection=full", "-Wl,-z,ibtplt", "-Wl,-z,lazy"),
    "fixed": ("-no-pie",),
}


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="the layout is x86-64's")
@pytest.mark.parametrize("link", LINKS)
def test_stubs(link: str, tmp_path: Path) -> None:
    source, program = tmp_path / "calls.c", tmp_path / "calls"
    source.write_text(SOURCE)
    subprocess.run(["gcc", "-O1", *LINKS[link], "-o", program, source], check=True)
    sections = [word for name in (".plt", ".plt.sec", ".plt.got") for word in ("-j", name)]
    run = ["objdump", "-d", *sections, str(program)]
    shown = subprocess.run(run, capture_output=True, text=True, check=False).stdout
    stubs = re.findall(r"^([0-9a-f]+) <(\w+@plt)>:", shown, re.MULTILINE)
    assert {"getenv@plt"} <= {name for _, name in stubs}
    image = elf.read(str(program))
    for address, name in stubs:
        for inside in (0, 6):
            found = plt.stub_at(image, int(address, 16) + inside)
            assert found is not None
            assert (found.name, found.address) == (name, int(address, 16))
    assert plt.stub_at(image, image.entry) is None
