"""Having the files that a target has mapped in its memory, before it is let go.

Tracing programs outside of user code may not fault pages in (docs/linux.md, "Memory of
processes"): the constant path of a program's first open() could not be read when the call is
entered.  Reading a byte of a page through /proc/PID/mem maps it in that process as if it had
read it itself (access_process_vm() in mm/memory.c); nothing else of it changes.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Final

from dscript.kernel.processes import mappings

_PAGE: Final = os.sysconf("SC_PAGE_SIZE")
# Paths of mappings of what is no regular file.
_NO_FILES: Final = ("/dev/", "/memfd:", "/SYSV")
# No more than this is looked at: a large program's pages may have to come from a disk.
_MOST_PAGES: Final = (16 << 20) // _PAGE


def bring_in(pid: int) -> None:
    """Map the pages of the files that a process has mapped, as far as they can be read."""
    left = _MOST_PAGES
    with suppress(OSError):
        memory = os.open(f"/proc/{pid}/mem", os.O_RDONLY | os.O_CLOEXEC)
        try:
            for start, end in _of_files(pid):
                pages = range(start, min(end, start + left * _PAGE), _PAGE)
                left -= len(pages)
                with suppress(OSError):  # beyond the end of the file
                    for page in pages:
                        os.pread(memory, 1, page)
        finally:
            os.close(memory)


def _of_files(pid: int) -> list[tuple[int, int]]:
    """Readable mappings of regular files: start and end."""
    return [
        (mapping.start, mapping.end)
        for mapping in mappings(pid, "r")
        # Reading a device's memory may have effects.
        if mapping.path.startswith("/") and not mapping.path.startswith(_NO_FILES)
    ]
