"""BTF-defined maps: the variables of section `.maps` that libbpf creates maps from.

Their form is libbpf's convention (`__uint`, `__type` of bpf_helpers.h): a struct whose
members are pointers, `int (*max_entries)[N]` for a number and `T *key` for a type.
"""

from __future__ import annotations

from typing import NamedTuple

from dscript.object.debuginfo import DebugInfo
from dscript.object.helpers import F_NO_PREALLOC, MapType


class MapDefinition(NamedTuple):
    """What libbpf needs to create a map; sizes in bytes, `typed` asks for BTF key and value."""

    name: str
    type: int
    key_size: int
    value_size: int
    max_entries: int
    flags: int = 0
    typed: bool = False

    def declare(self, debug: DebugInfo) -> str:
        """The LLVM definition of the map's variable."""
        members = self._members(debug)
        metadata = debug.global_variable(self.name, debug.pointer_struct(members))
        return (
            f"@{self.name} = dso_local global [{len(members)} x ptr] zeroinitializer, "
            f'section ".maps", align 8, !dbg {metadata}'
        )

    def _members(self, debug: DebugInfo) -> list[tuple[str, str]]:
        def number(n: int) -> str:
            return debug.pointer(debug.array(debug.c_int, 32, n))

        flags = self.flags
        typed = self.typed
        if self.type == MapType.TASK_STORAGE:
            # The kernel takes task storage only so (bpf_local_storage_map_alloc_check).
            flags |= F_NO_PREALLOC
            typed = True
        members = [("type", number(self.type))]
        if typed:
            key = debug.c_int if self.key_size == 4 else debug.blob(self.key_size)
            members.append(("key", debug.pointer(key)))
            members.append(("value", debug.pointer(debug.blob(self.value_size))))
        else:
            if self.key_size:
                members.append(("key_size", number(self.key_size)))
            if self.value_size:
                members.append(("value_size", number(self.value_size)))
        members.append(("max_entries", number(self.max_entries)))
        if flags:
            members.append(("map_flags", number(flags)))
        return members
