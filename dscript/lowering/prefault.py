"""Bringing in what copyin() and copyinstr() read, before the clauses of a probe in user code run.

A tracing program may not fault pages in: a string constant that the process has not touched
yet, say the path that it is about to open, could not be read at the entry of fopen().  So a
second program goes to the same places, a sleepable one, which may wait for a page (Linux 6.0,
bpf_copy_from_user), and does nothing but touch what the arguments point at that the clauses
copy from.
"""

from __future__ import annotations

from collections.abc import Iterator

from dscript.lowering.following import check_followed
from dscript.lowering.generator import Generator, Unit
from dscript.lowering.namespaces import subprogram
from dscript.lowering.programs import Group, process_of
from dscript.lowering.records import RecordPlan
from dscript.lowering.variables import argument
from dscript.object.function import Function
from dscript.object.helpers import Helper
from dscript.object.values import NULL, Value, const
from dscript.program import Activity, Attachment, StateLayout
from dscript.providers.base import ArgumentType
from dscript.semantics import tree
from dscript.semantics.walk import walk, walk_clause

COPIES = frozenset(("copyin", "copyinstr", "copyinto"))
_CONTEXTS = frozenset(("uprobe", "ureturn", "usdt"))
_PAGE = 4096
# Nothing is mapped below: vm.mmap_min_addr is never less.
_LOWEST = _PAGE


def prefault_program(
    unit: Unit,
    plan: RecordPlan,
    group: Group,
    attachment: Attachment,
    arguments: tuple[ArgumentType, ...],
) -> Attachment | None:
    """The program that touches the arguments which the clauses of a group copy from.

    `attachment` is where those go; it comes before that.  None where they copy nothing, or from
    elsewhere.
    """
    if group.context not in _CONTEXTS:
        return None
    spans: dict[int, int] = {}
    for at in sorted({index for indices in group.by_probe.values() for index in indices}):
        for number, span in _copied(unit.program, unit.program.clauses[at]):
            spans[number] = max(spans.get(number, 0), span)
    if not spans:
        return None
    name = f"prefault_{attachment.program}"
    f = unit.module.function(name, [("ctx", "ptr")], section="kprobe")
    leave, active = f.block("leave"), f.block("active")
    word = f.load("i64", f.gep(unit.bss, StateLayout.ACTIVITY), volatile=True)
    f.cbr(f.icmp("eq", word, int(Activity.ACTIVE)), active, leave)
    f.at(active)
    process = process_of(next(iter(group.points.values())))
    if unit.follow and process:
        check_followed(unit, f, process, leave)
    g = Generator(unit, f, f.params[0], NULL, NULL, group.context, plan, arguments=arguments)
    touch = subprogram(unit, "touch", [("address", "i64")], _touch)
    for number, span in spans.items():
        address = argument(g, number, unit.program.clauses[0].span)
        for distance in (*range(0, span - 1, _PAGE), span - 1):
            f.call(touch, [f.op("add", address, distance)])
    f.br(leave)
    f.at(leave)
    f.ret(0)
    return attachment._replace(program=name, sleepable=True)


def _copied(program: tree.Program, clause: tree.Clause) -> Iterator[tuple[int, int]]:
    """(number, bytes) of the arguments that a clause's copies begin at, or are found through."""
    for node in walk_clause(clause):
        if isinstance(node, tree.SubroutineCall) and node.name in COPIES:
            size = node.args[1] if len(node.args) > 1 else None
            span = program.strsize
            if node.name != "copyinstr":
                span = size.value if isinstance(size, tree.Const) else 1
            address, span = node.args[0], max(1, min(span, 16 * _PAGE))
        elif isinstance(node, tree.Deref) and tree.is_user_pointer(node.address.type):
            address, span = node.address, max(1, min(node.type.size, 16 * _PAGE))
        elif isinstance(node, tree.ToString) and tree.is_user_pointer(node.operand.type):
            address, span = node.operand, program.strsize
        else:
            continue
        for below in walk(address):
            if isinstance(below, tree.Builtin) and below.name == f"arg{below.index}":
                yield below.index, span
            elif isinstance(below, tree.ProbeArgument) and below.place.word >= 0:
                yield below.place.word, span


def _touch(f: Function) -> None:
    """Have a byte's page in memory, if there is one; it is mostly there."""
    address: Value = f.params[0]
    place = f.slot("byte", 8)
    look, missing, leave = f.block("look"), f.block("missing"), f.block("leave")
    f.cbr(f.icmp("ult", address, _LOWEST), leave, look)
    f.at(look)
    result = f.helper(Helper.PROBE_READ_USER, [place, const(1), address])
    f.cbr(f.icmp("eq", result, 0), leave, missing)
    f.at(missing)
    f.helper(Helper.COPY_FROM_USER, [place, const(1), address])
    f.br(leave)
    f.at(leave)
    f.ret(0)
