"""Rows of the tables by which BPF programs unwind user stacks, and the maps they lie in.

A table belongs to a file.  Its rows are sorted 64-bit numbers: the upper half is the offset
in the file from which the row holds, up to the next row's; the lower half says how to come
from a frame to its caller's:

    bits 0-3    `Rule`: how to compute the CFA, the stack pointer in the caller
    bits 4-5    `Saved`: where the caller's frame pointer is
    bits 6-15   offset of the saved frame pointer in words, signed
    bits 16-31  offset of the CFA in words, signed

The return address lies in the word below the CFA (x86-64).  What these ten and sixteen bits
cannot hold is `Rule.NONE` or `Saved.LOST`.  Row 0 of a table's map is the number of rows.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

WORD: Final = 8


class Rule(IntEnum):
    """How the CFA is found.  BELOW says: by the word that lies at register + offset."""

    NONE = 0  # not known: by frame pointers
    STACK = 1  # stack pointer + offset
    FRAME = 2  # frame pointer + offset
    PLT = 3  # stack pointer + offset, and a word more in the later half of a PLT entry
    END = 4  # the outermost frame
    STACK_WORD = 5  # the word at stack pointer + offset
    FRAME_WORD = 6
    STACK_WORD_ABOVE = 7  # a word above what the word at stack pointer + offset says
    FRAME_WORD_ABOVE = 8
    SIGNAL = 9  # the kernel's frame of a signal: the registers lie at the stack pointer
    # Of the innermost frame alone, whose other registers are known.  The bits of the saved frame
    # pointer say where in struct pt_regs, in words, the register is.
    RETURN_IN_REGISTER = 10  # stack pointer + offset; the return address is in a register
    REGISTER = 11  # register + offset


class Saved(IntEnum):
    """Where the caller's frame pointer is."""

    SAME = 0  # in the register
    AT_CFA = 1  # in memory at CFA + offset
    AT_FRAME = 2  # in memory at the frame pointer + offset
    LOST = 3


class Stop(IntEnum):
    """Why a stack ends early; index into the map `STOPS`."""

    UNREADABLE = 0  # memory of the stack cannot be read
    NO_FRAME = 1  # no table there, and the frame pointer is none
    DAMAGED = 2  # the caller's frame would lie below
    REGISTERS = 3  # the caller's frame counts from a register that is not followed
    LATE = 4  # what leads on was not loaded yet
    COUNT = 5


# Offsets of a PLT entry's second half: from here on its index has been pushed (16-byte entries).
PLT_PUSHED: Final = 11

# Maps of an object that unwinds.
SPACES: Final = "unwind_spaces"  # SPACE_KEY → SPACE
RANGES: Final = "unwind_ranges"  # array of RANGE: what each process has mapped, in order
FILES: Final = "unwind_files"  # FILE_KEY → u64 table number
TABLES: Final = "unwind_tables"  # table number → array of rows
MEMORY: Final = "unwind_memory"  # rows that were found, per CPU: (table and offset ^ row, row)
REQUESTS: Final = "unwind_requests"  # ring of REQUEST
ASKED: Final = "unwind_asked"  # process ^ identity ^ inode << 24 → when it was asked for (ns)
STOPS: Final = "unwind_stops"  # Stop → STOPPED, per CPU

SPACE_KEY: Final = "<QQ"  # identity (see `identity`), process (0: whoever has the identity)
SPACE: Final = "<II"  # first range and their number
RANGE: Final = "<QQII"  # start, end, offset in the file in pages, table (0: none)
FILE_KEY: Final = "<QQQ"  # inode number, size in bytes, time of the last change (ns)
REQUEST: Final = "<QQQQQQ"  # process, its identity, address, its file's key (0: not known)
STOPPED: Final = "<QQQ"  # how many, and process and address of the first

VDSO_TABLE: Final = 1
PENDING: Final = 0xFFFFFFFF  # in a RANGE: the table is being built
REMEMBERED: Final = 4096
MAX_TABLES: Final = 4096
MAX_RANGES: Final = 1 << 15  # of all processes
MAX_SPACES: Final = 1 << 13
# Ranges of one process and rows of one table, as powers of two: steps of the searches.
RANGE_STEPS: Final = 11
ROW_STEPS: Final = 24

MACHINES: Final = frozenset(("x86_64",))


def row(offset: int, rule: int, cfa: int = 0, saved: int = Saved.SAME, at: int = 0) -> int:
    """A row; `cfa` and `at` are in bytes, and must be words that fit."""
    cfa, at = cfa // WORD & 0xFFFF, at // WORD & 0x3FF
    return offset << 32 | cfa << 16 | at << 6 | saved << 4 | rule


def fits(cfa: int) -> bool:
    """Whether an offset of the CFA can be held."""
    return not cfa % WORD and -0x8000 <= cfa // WORD < 0x8000


def fits_saved(at: int) -> bool:
    """Whether an offset of a saved frame pointer can be held."""
    return not at % WORD and -0x200 <= at // WORD < 0x200


_MIX: Final = 0x9E3779B97F4A7C15


def identity(start_stack: int, end_code: int) -> int:
    """A number that tells one program's memory from the next one's under the same process.

    The two are members of struct mm_struct and fields 28 and 27 of /proc/PID/stat: exec
    makes new ones, which layout randomisation keeps from being equal; fork keeps them.
    """
    return (start_stack + end_code * _MIX) & (1 << 64) - 1


IDENTITY_FACTOR: Final = _MIX
