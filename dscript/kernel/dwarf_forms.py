"""DWARF's numbers, and how long an attribute's value is in each form (DWARF 5, section 7.5)."""

from __future__ import annotations

from enum import IntEnum


class Tag(IntEnum):
    """DW_TAG_*: those that are looked at."""

    ARRAY = 0x01
    CLASS = 0x02
    ENUMERATION = 0x04
    PARAMETER = 0x05
    MEMBER = 0x0D
    POINTER = 0x0F
    REFERENCE = 0x10
    COMPILE_UNIT = 0x11
    STRUCTURE = 0x13
    SUBROUTINE_TYPE = 0x15
    TYPEDEF = 0x16
    UNION = 0x17
    UNSPECIFIED_PARAMETERS = 0x18
    VARIANT = 0x19
    INHERITANCE = 0x1C
    PTR_TO_MEMBER = 0x1F
    SUBRANGE = 0x21
    BASE = 0x24
    CONST = 0x26
    ENUMERATOR = 0x28
    SUBPROGRAM = 0x2E
    VARIANT_PART = 0x33
    VOLATILE = 0x35
    RESTRICT = 0x37
    NAMESPACE = 0x39
    UNSPECIFIED_TYPE = 0x3B
    PARTIAL_UNIT = 0x3C
    IMPORTED_UNIT = 0x3D
    TYPE_UNIT = 0x41
    RVALUE_REFERENCE = 0x42
    ATOMIC = 0x47
    IMMUTABLE = 0x4B


class At(IntEnum):
    """DW_AT_*: those that are looked at."""

    SIBLING = 0x01
    LOCATION = 0x02
    NAME = 0x03
    BYTE_SIZE = 0x0B
    BIT_OFFSET = 0x0C
    BIT_SIZE = 0x0D
    LOW_PC = 0x11
    HIGH_PC = 0x12
    LANGUAGE = 0x13
    IMPORT = 0x18
    PRODUCER = 0x25
    COMP_DIR = 0x1B
    CONST_VALUE = 0x1C
    UPPER_BOUND = 0x2F
    ABSTRACT_ORIGIN = 0x31
    CALLING_CONVENTION = 0x36
    COUNT = 0x37
    MEMBER_LOCATION = 0x38
    ARTIFICIAL = 0x34
    DECLARATION = 0x3C
    ENCODING = 0x3E
    EXTERNAL = 0x3F
    SPECIFICATION = 0x47
    TYPE = 0x49
    VARIABLE_PARAMETER = 0x4B
    VIRTUALITY = 0x4C
    ENTRY_PC = 0x52
    RANGES = 0x55
    SIGNATURE = 0x69
    DATA_BIT_OFFSET = 0x6B
    STR_OFFSETS_BASE = 0x72
    ADDR_BASE = 0x73
    RNGLISTS_BASE = 0x74
    DWO_NAME = 0x76
    DEFAULTED = 0x8B
    GNU_DWO_NAME = 0x2130
    GNU_DWO_ID = 0x2131
    GNU_RANGES_BASE = 0x2132
    GNU_ADDR_BASE = 0x2133


class Form(IntEnum):
    """DW_FORM_*."""

    ADDR = 0x01
    BLOCK2 = 0x03
    BLOCK4 = 0x04
    DATA2 = 0x05
    DATA4 = 0x06
    DATA8 = 0x07
    STRING = 0x08
    BLOCK = 0x09
    BLOCK1 = 0x0A
    DATA1 = 0x0B
    FLAG = 0x0C
    SDATA = 0x0D
    STRP = 0x0E
    UDATA = 0x0F
    REF_ADDR = 0x10
    REF1 = 0x11
    REF2 = 0x12
    REF4 = 0x13
    REF8 = 0x14
    REF_UDATA = 0x15
    INDIRECT = 0x16
    SEC_OFFSET = 0x17
    EXPRLOC = 0x18
    FLAG_PRESENT = 0x19
    STRX = 0x1A
    ADDRX = 0x1B
    REF_SUP4 = 0x1C
    STRP_SUP = 0x1D
    DATA16 = 0x1E
    LINE_STRP = 0x1F
    REF_SIG8 = 0x20
    IMPLICIT_CONST = 0x21
    LOCLISTX = 0x22
    RNGLISTX = 0x23
    REF_SUP8 = 0x24
    STRX1 = 0x25
    STRX2 = 0x26
    STRX3 = 0x27
    STRX4 = 0x28
    ADDRX1 = 0x29
    ADDRX2 = 0x2A
    ADDRX3 = 0x2B
    ADDRX4 = 0x2C
    GNU_ADDR_INDEX = 0x1F01
    GNU_STR_INDEX = 0x1F02
    GNU_REF_ALT = 0x1F20
    GNU_STRP_ALT = 0x1F21


F = Form
REFERENCES = frozenset((F.REF1, F.REF2, F.REF4, F.REF8, F.REF_UDATA))
STRING_INDEXES = frozenset((F.STRX, F.STRX1, F.STRX2, F.STRX3, F.STRX4, F.GNU_STR_INDEX))
ADDRESS_INDEXES = frozenset((F.ADDRX, F.ADDRX1, F.ADDRX2, F.ADDRX3, F.ADDRX4, F.GNU_ADDR_INDEX))
OF_ALTERNATE = frozenset((F.GNU_REF_ALT, F.REF_SUP4, F.REF_SUP8))
SIGNED = frozenset((F.SDATA,))

# Forms of one length, in bytes; -1 stands for the size of an offset (4 or 8).
_SIZES: dict[int, int] = {
    F.ADDR: 8, F.DATA1: 1, F.DATA2: 2, F.DATA4: 4, F.DATA8: 8, F.DATA16: 16, F.FLAG: 1,
    F.REF1: 1, F.REF2: 2, F.REF4: 4, F.REF8: 8, F.REF_SIG8: 8, F.REF_SUP4: 4, F.REF_SUP8: 8,
    F.FLAG_PRESENT: 0, F.IMPLICIT_CONST: 0, F.STRX1: 1, F.STRX2: 2, F.STRX3: 3, F.STRX4: 4,
    F.ADDRX1: 1, F.ADDRX2: 2, F.ADDRX3: 3, F.ADDRX4: 4, F.STRP: -1, F.REF_ADDR: -1,
    F.SEC_OFFSET: -1, F.STRP_SUP: -1, F.LINE_STRP: -1, F.GNU_REF_ALT: -1, F.GNU_STRP_ALT: -1,
}  # fmt: skip

# Blocks, by the bytes of their length; 0 for a LEB128 one.
BLOCKS: dict[int, int] = {F.BLOCK1: 1, F.BLOCK2: 2, F.BLOCK4: 4, F.BLOCK: 0, F.EXPRLOC: 0}
LEB128 = frozenset(
    (F.UDATA, F.SDATA, F.REF_UDATA, F.STRX, F.ADDRX, F.LOCLISTX, F.RNGLISTX,
     F.GNU_ADDR_INDEX, F.GNU_STR_INDEX)
)  # fmt: skip


def fixed_size(form: int, offset_size: int) -> int | None:
    """Bytes of a value in this form; None where the value itself tells."""
    size = _SIZES.get(form)
    return offset_size if size == -1 else size
