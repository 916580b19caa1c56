"""The subroutines of D: signatures (manual, chapter "Actions and Subroutines").

A parameter is one of these kinds:

    int      an integer                    address  an integer (uintptr_t) or a pointer
    string   a string, char * or char []   pointer  a pointer, an array, a string or NULL
    lock     a pointer to a kernel lock
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from dscript.dtypes.names import NAMED_TYPES
from dscript.dtypes.types import INT, LONG, UINT, VOID, VOID_POINTER, StringType, Type

Parameter = Literal["int", "string", "address", "pointer", "lock"]


@dataclass(frozen=True, slots=True)
class Subroutine:
    """`result` None means string.  `required` counts the parameters that must be given."""

    name: str
    params: tuple[Parameter, ...]
    result: Type | None
    required: int
    destructive: bool = False

    def result_type(self, strsize: int) -> Type:
        return StringType(strsize) if self.result is None else self.result


_U64 = NAMED_TYPES["uint64_t"]
_U32 = NAMED_TYPES["uint32_t"]
_U16 = NAMED_TYPES["uint16_t"]


def _sub(
    name: str,
    result: Type | None,
    *params: Parameter,
    optional: int = 0,
    destructive: bool = False,
) -> Subroutine:
    return Subroutine(name, params, result, len(params) - optional, destructive)


SUBROUTINES: dict[str, Subroutine] = {
    sub.name: sub
    for sub in [
        # For translators of the D library.
        _sub("__cgroup_path", None, "pointer"),
        _sub("__cpu_chip", INT, "int"),
        _sub("__cpu_lgrp", INT, "int"),
        _sub("__first_mount", NAMED_TYPES["uintptr_t"], "pointer"),
        _sub("__inode_mount", None, "pointer"),
        _sub("__inode_path", None, "pointer"),
        _sub("__mount_path", None, "pointer"),
        _sub("__system", LONG, "int"),
        _sub("__tick_ns", INT),
        _sub("__user_registers", NAMED_TYPES["uintptr_t"]),
        _sub("__task_arguments", None, "address"),
        _sub("__task_pid", INT, "address"),
        _sub("__task_tid", INT, "address"),
        _sub("alloca", VOID_POINTER, "int"),
        _sub("basename", None, "string"),
        _sub("bcopy", VOID, "pointer", "pointer", "int"),
        _sub("cleanpath", None, "string"),
        _sub("copyin", VOID_POINTER, "address", "int"),
        _sub("copyinstr", None, "address", "int", optional=1),
        _sub("copyinto", VOID, "address", "int", "pointer"),
        _sub("copyout", VOID, "pointer", "address", "int", destructive=True),
        _sub("copyoutstr", VOID, "string", "address", "int", destructive=True),
        _sub("d_path", None, "pointer"),
        _sub("dirname", None, "string"),
        _sub("getmajor", UINT, "int"),
        _sub("getminor", UINT, "int"),
        _sub("htonl", _U32, "int"),
        _sub("htonll", _U64, "int"),
        _sub("htons", _U16, "int"),
        _sub("index", INT, "string", "string", "int", optional=1),
        _sub("inet_ntoa", None, "pointer"),
        _sub("inet_ntoa6", None, "pointer"),
        _sub("inet_ntop", None, "int", "pointer"),
        _sub("json", None, "string", "string"),
        _sub("link_ntop", None, "int", "pointer"),
        _sub("lltostr", None, "int", "int", optional=1),
        _sub("mutex_owned", INT, "lock"),
        _sub("mutex_owner", VOID_POINTER, "lock"),
        _sub("mutex_type_adaptive", INT, "lock"),
        _sub("mutex_type_spin", INT, "lock"),
        _sub("ntohl", _U32, "int"),
        _sub("ntohll", _U64, "int"),
        _sub("ntohs", _U16, "int"),
        _sub("progenyof", INT, "int"),
        _sub("rand", INT),
        _sub("rindex", INT, "string", "string", "int", optional=1),
        _sub("rw_iswriter", INT, "lock"),
        _sub("rw_read_held", INT, "lock"),
        _sub("rw_write_held", INT, "lock"),
        _sub("speculation", INT),
        _sub("strchr", None, "string", "int"),
        _sub("strjoin", None, "string", "string"),
        _sub("strlen", NAMED_TYPES["size_t"], "string"),
        _sub("strrchr", None, "string", "int"),
        _sub("strstr", None, "string", "string"),
        _sub("strtok", None, "string", "string"),
        _sub("strtoll", LONG, "string", "int", optional=1),
        _sub("substr", None, "string", "int", "int", optional=1),
        _sub("tolower", None, "string"),
        _sub("toupper", None, "string"),
    ]
}

# Known to D but not to this version, or to nothing on Linux: an error says so.
ABSENT_SUBROUTINES: dict[str, str] = {
    "ddi_pathname": "Linux has no device tree of that kind",
    "getf": "open files are reached through curthread->files",
    "msgdsize": "Linux has no STREAMS messages",
    "msgsize": "Linux has no STREAMS messages",
    "uuidstr": "it belongs to another system's D",
}
