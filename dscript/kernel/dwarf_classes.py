"""Which C++ classes are passed by address: those not trivial to copy or destroy.

Itanium C++ ABI, section 1.1 ("non-trivial for the purposes of calls").  Compilers may say so
(DW_AT_calling_convention); GCC does not, and then the members of the class tell.
"""

from __future__ import annotations

from dscript.kernel.dwarf import Entry
from dscript.kernel.dwarf_forms import At, Tag

_CC_BY_REFERENCE, _CC_BY_VALUE = 4, 5  # DW_CC_pass_by_reference, DW_CC_pass_by_value
_DEFAULTED_IN_CLASS = 1  # DW_DEFAULTED_in_class
# DW_LANG_C_plus_plus, _03, _11, _14, _17, _20.
_CPLUSPLUS = (0x04, 0x19, 0x1A, 0x21, 0x2A, 0x2B)
_CLASSES = (Tag.STRUCTURE, Tag.CLASS, Tag.UNION)
_WRAPPERS = (Tag.TYPEDEF, Tag.CONST, Tag.VOLATILE, Tag.ARRAY)
_DEPTH = 16


def is_passed_by_address(type_: Entry | None, depth: int = 0) -> bool:
    """Whether an argument of this type is the address of a copy that the caller made."""
    while type_ is not None and type_.tag in _WRAPPERS:
        type_ = _target(type_)
    if type_ is None or type_.tag not in _CLASSES or depth > _DEPTH:
        return False
    convention = type_.number(At.CALLING_CONVENTION)
    if convention in (_CC_BY_REFERENCE, _CC_BY_VALUE):
        return convention == _CC_BY_REFERENCE
    if type_.unit.language not in _CPLUSPLUS:
        return False
    return any(_is_not_trivial(type_, child, depth) for child in type_.unit.children(type_))


def _is_not_trivial(class_: Entry, child: Entry, depth: int) -> bool:
    if child.tag == Tag.SUBPROGRAM:
        if child.number(At.VIRTUALITY):
            return True
        automatic = child.number(At.DEFAULTED) == _DEFAULTED_IN_CLASS or child.number(At.ARTIFICIAL)
        if automatic:
            return False
        return child.name.startswith("~") or _copies(class_, child)
    if child.tag == Tag.INHERITANCE:
        return child.number(At.VIRTUALITY) != 0 or is_passed_by_address(_target(child), depth + 1)
    if child.tag == Tag.MEMBER and At.EXTERNAL not in child.attributes:
        return is_passed_by_address(_target(child), depth + 1)
    return False


def _copies(class_: Entry, function: Entry) -> bool:
    """Whether a member function is a copy or move constructor."""
    if function.name != class_.name.partition("<")[0]:
        return False
    params = [c for c in function.unit.children(function) if c.tag == Tag.PARAMETER]
    if len(params) < 2:
        return False
    first = _target(params[1])
    if first is None or first.tag not in (Tag.REFERENCE, Tag.RVALUE_REFERENCE):
        return False
    referred = _target(first)
    while referred is not None and referred.tag in _WRAPPERS:
        referred = _target(referred)
    return referred is not None and referred.offset == class_.offset


def _target(entry: Entry) -> Entry | None:
    found = entry.reference(At.TYPE)
    return None if found is None else entry.unit.dwarf.entry(found)
