"""The built-in variables of D: names and types (manual, chapter "Variables", table 3-1).

How each is computed lives in `dscript.lowering.variables`; what is listed here without a
lowering there does not exist: the tables are compared by a test.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from dscript.dtypes.names import NAMED_TYPES
from dscript.dtypes.types import INT, LONG, UINT, ULONG, StringType, Type

ProbePart = Literal["provider", "module", "function", "name"]


@dataclass(frozen=True, slots=True)
class BuiltinVariable:
    """`type` None means string; `array` for those that are subscripted.

    `part` names the piece of the probe's name that the variable is.
    """

    name: str
    type: Type | None
    meaning: str
    array: bool = False
    part: ProbePart | None = None

    def type_of(self, strsize: int) -> Type:
        return StringType(strsize) if self.type is None else self.type


def _named(name: str) -> Type:
    return NAMED_TYPES[name]


def _table() -> dict[str, BuiltinVariable]:
    rows = [
        BuiltinVariable("pid", _named("pid_t"), "process ID in the tracer's PID namespace"),
        BuiltinVariable("tid", _named("id_t"), "thread ID in the tracer's PID namespace"),
        BuiltinVariable("ppid", _named("pid_t"), "process ID of the parent"),
        BuiltinVariable("uid", _named("uid_t"), "real user ID"),
        BuiltinVariable("gid", _named("gid_t"), "real group ID"),
        BuiltinVariable("euid", _named("uid_t"), "effective user ID"),
        BuiltinVariable("egid", _named("gid_t"), "effective group ID"),
        BuiltinVariable("execname", None, "name the process was executed under"),
        BuiltinVariable("cpu", _named("processorid_t"), "CPU the probe fired on"),
        BuiltinVariable("timestamp", _named("uint64_t"), "nanoseconds since boot"),
        BuiltinVariable("vtimestamp", _named("uint64_t"), "nanoseconds the thread ran on a CPU"),
        BuiltinVariable("walltimestamp", _named("int64_t"), "nanoseconds since the Epoch"),
        BuiltinVariable("probeprov", None, "provider of the probe", part="provider"),
        BuiltinVariable("probemod", None, "module of the probe", part="module"),
        BuiltinVariable("probefunc", None, "function of the probe", part="function"),
        BuiltinVariable("probename", None, "name of the probe", part="name"),
        BuiltinVariable("id", UINT, "ID of the probe"),
        BuiltinVariable("epid", UINT, "enabled probe ID"),
        BuiltinVariable("errno", INT, "error of the system call that returns"),
        BuiltinVariable("caller", _named("uintptr_t"), "return address in the kernel"),
        BuiltinVariable("ucaller", ULONG, "return address in the process"),
        BuiltinVariable("stackdepth", _named("uint32_t"), "frames on the kernel stack"),
        BuiltinVariable("ustackdepth", _named("uint32_t"), "frames on the user stack"),
        BuiltinVariable("ipl", UINT, "interrupt level: 1 in interrupt context, else 0"),
        BuiltinVariable("curthread", None, "the kernel's struct task_struct of the thread"),
    ]
    rows += [
        BuiltinVariable(f"arg{n}", LONG, f"argument {n} of the probe as an integer")
        for n in range(10)
    ]
    return {row.name: row for row in rows}


BUILTIN_VARIABLES = _table()

# Known to D but not to this version: an error names them.
ABSENT_VARIABLES: dict[str, str] = {
    "vmregs": "",
    "ustackptr": "",
}

# What people who know bpftrace write, and what D says instead.
FOREIGN_NAMES: dict[str, str] = {
    "comm": "execname",
    "nsecs": "timestamp",
    "elapsed": "timestamp",
    "func": "probefunc",
    "probe": "probefunc or probename",
    "username": "uid",
    "curtask": "curthread",
    "retval": "arg1",
    "str": "copyinstr()",
    "kstack": "stack()",
    "ntop": "inet_ntop()",
    "hist": "quantize()",
    "lhist": "lquantize()",
    "delete": "an assignment of 0",
}
