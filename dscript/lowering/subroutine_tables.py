"""Subroutines by name, but for the few of every other program (`subroutines`).

A module of its own, so that programs which call none of these do not wait for their modules.
"""

from __future__ import annotations

from dscript.lowering import (
    kernel_paths,
    locks,
    machine,
    network_names,
    numbers,
    string_json,
    string_numbers,
    string_paths,
    string_search,
    string_subroutines,
    tasks,
    writing,
)
from dscript.lowering.generator import Scalar, StringInto

SCALARS: dict[str, Scalar] = {
    **kernel_paths.SCALARS,
    **locks.SCALARS,
    **machine.SCALARS,
    **numbers.SCALARS,
    **string_numbers.SCALARS,
    **string_search.SCALARS,
    **string_subroutines.SCALARS,
    **tasks.SCALARS,
}
STRINGS: dict[str, StringInto] = {
    **kernel_paths.STRINGS,
    **network_names.STRINGS,
    **string_json.STRINGS,
    **string_numbers.STRINGS,
    **string_paths.STRINGS,
    **string_search.STRINGS,
    **string_subroutines.STRINGS,
    **tasks.STRINGS,
}
EFFECTS: dict[str, Scalar] = writing.EFFECTS
