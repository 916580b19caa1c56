"""Where everything lies in BPF memory: state words, variables, maps, scratch.

The firing's state is a small block on the program's stack that clause functions share:

    PROBE      key into `CompiledProgram.probes`
    FAULT…     what went wrong, for ERROR (kind, clause, action, address, EPID)
    SPEC       ID given to speculate(), 0 for none
    HEAP       bytes of the scratch heap in use (alloca, copyin of unknown size)
    COMPAT     1 in a system call of a 32-bit program
    THIS       clause-local scalars

Clause-local strings and structures, key buffers and string temporaries live in scratch
memory (see `scratch.py`), because a BPF stack holds 512 bytes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from dscript.dtypes.types import StringType, Type, is_scalar
from dscript.errors import Diagnostic
from dscript.object.helpers import MapType
from dscript.object.ir import Module
from dscript.object.values import Value
from dscript.program import DynamicVariable, StateLayout
from dscript.semantics import tree


class State:
    """Byte offsets in the firing's state block."""

    PROBE = 0
    FAULT = 8
    FAULT_CLAUSE = 16
    FAULT_ACTION = 24
    FAULT_ADDRESS = 32
    FAULT_EPID = 40
    SPEC = 48
    HEAP = 56
    COMPAT = 64
    THIS = 72
    # Clause-local scalars beyond this go to scratch: state and a clause's frame share 512 bytes.
    THIS_LIMIT = 88


def round_up(size: int, to: int = 8) -> int:
    return -(-size // to) * to


def slot_size(type_: Type) -> int:
    """Bytes a value of this type takes as a variable, a key or a record field."""
    return round_up(max(1, type_.size))


class AssociativeArray(NamedTuple):
    """The hash map behind an associative array.

    Each key takes 8 bytes (scalars, extended) or its capacity rounded up (strings).
    """

    map: Value
    key_offsets: tuple[int, ...]
    key_size: int
    value_size: int
    thread: bool


@dataclass(slots=True, eq=False)
class Layout:
    """Fixed places of variables; `bss_size` and `this_scratch` grow while it is built."""

    bss_size: int = StateLayout.END
    globals: dict[tree.Variable, int] = field(default_factory=dict)
    this: dict[tree.Variable, int] = field(default_factory=dict)
    this_in_scratch: dict[tree.Variable, int] = field(default_factory=dict)
    this_size: int = 0
    this_scratch: int = 0
    self: dict[tree.Variable, int] = field(default_factory=dict)
    self_size: int = 0
    self_map: Value | None = None
    arrays: dict[tree.Variable, AssociativeArray] = field(default_factory=dict)
    dynamic: list[DynamicVariable] = field(default_factory=list)

    @property
    def state_size(self) -> int:
        return State.THIS + self.this_size


_NO_PREALLOC = 1
# Most bytes of task storage: BPF_LOCAL_STORAGE_MAX_VALUE_SIZE in linux/bpf_local_storage.h is
# 65,535 less the bookkeeping in front of the value.
MAX_THREAD = 65_000
# Most bytes of all global variables, which lie in one map; of a clause-local variable, which each
# slot of scratch memory holds; and of an element, which a hash map copies.
MAX_GLOBAL = 16 << 20
MAX_THIS = 256 << 10
MAX_ELEMENT = 256 << 10


def lay_out(program: tree.Program, module: Module, dynvarsize: int) -> Layout:
    """Give every variable its place and make the maps that hold some of them."""
    layout = Layout()
    for variable in program.variables:
        _check_size(variable)
        if variable.keys is not None:
            _array(layout, module, variable, dynvarsize)
        elif variable.scope == "global":
            layout.globals[variable] = layout.bss_size
            layout.bss_size += slot_size(variable.type)
        elif variable.scope == "self":
            layout.self[variable] = layout.self_size
            layout.self_size += slot_size(variable.type)
        else:
            _this(layout, variable)
    if layout.bss_size > MAX_GLOBAL:
        raise Diagnostic(
            "D_NOMEM",
            f"the global variables take {layout.bss_size} bytes, at most {MAX_GLOBAL} are kept",
            None,
            "an associative array takes memory only for the elements that are set",
        )
    if layout.self_size > MAX_THREAD:
        raise Diagnostic(
            "D_NOMEM",
            f"the self-> variables take {layout.self_size} bytes, the kernel keeps at most "
            f"{MAX_THREAD} for a thread",
            None,
            "shorten strings with -x strsize",
        )
    if layout.self_size:
        layout.self_map = module.map(
            "thread_variables", MapType.TASK_STORAGE, 4, layout.self_size, 0, _NO_PREALLOC
        )
    return layout


def _check_size(variable: tree.Variable) -> None:
    """One message for a single variable that can never fit."""
    most = MAX_ELEMENT if variable.keys is not None else MAX_GLOBAL
    if variable.scope == "this":
        most = MAX_THIS
    size = variable.type.size
    if size > most:
        what = "each element of the array" if variable.keys is not None else "the variable"
        raise Diagnostic(
            "D_NOMEM", f"{what} {variable} takes {size} bytes, at most {most} are kept", None
        )


def _this(layout: Layout, variable: tree.Variable) -> None:
    size = slot_size(variable.type)
    if is_scalar(variable.type) and layout.this_size + size <= State.THIS_LIMIT:
        layout.this[variable] = State.THIS + layout.this_size
        layout.this_size += size
    else:
        layout.this_in_scratch[variable] = layout.this_scratch
        layout.this_scratch += size


def _array(layout: Layout, module: Module, variable: tree.Variable, dynvarsize: int) -> None:
    assert variable.keys is not None
    thread = variable.scope == "self"
    offset = 8 if thread else 0
    offsets = []
    for type_, capacity in zip(variable.keys, variable.key_capacities, strict=True):
        offsets.append(offset)
        string = isinstance(type_.resolve(), StringType)
        offset += round_up(max(1, capacity)) if string else 8
    name = f"array_{len(layout.arrays)}"
    value_size = slot_size(variable.type)
    # Each element also costs the kernel about 64 bytes of its own.
    entries = max(64, dynvarsize // (offset + value_size + 64))
    made = module.map(name, MapType.HASH, offset, value_size, entries, _NO_PREALLOC)
    layout.arrays[variable] = AssociativeArray(made, tuple(offsets), offset, value_size, thread)
    layout.dynamic.append(DynamicVariable(name, str(variable), thread))
