"""Bringing in what copyin() and copyinstr() read, before the clauses of a probe in user code run.

A tracing program may not fault pages in: a string constant that the process has not touched
yet, say the path that it is about to open, could not be read at the entry of fopen().  So a
second program goes to the same places, a sleepable one, which may wait for a page (Linux 6.0,
bpf_copy_from_user), and does nothing but touch what the clauses copy from, as far as it can
tell: what arguments point at, and what is pointed at there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from dscript.dtypes.types import PointerType, VoidType
from dscript.lowering.clause_generator import ClauseGenerator
from dscript.lowering.following import check_followed
from dscript.lowering.generator import Unit
from dscript.lowering.programs import Group, process_of
from dscript.lowering.records import RecordPlan
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
_MOST_BYTES = 16 * _PAGE  # touched for one copy
_MOST_READS = 32  # of a program, beside plain arguments
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
    clauses = sorted({index for indices in group.by_probe.values() for index in indices})
    reads = [read for at in clauses for read in _reads(unit.program, unit.program.clauses[at])]
    if not reads:
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
    state = f.alloca(unit.layout.state_size, name="state")
    f.memset(state, unit.layout.state_size)
    ctx = f.params[0]
    g = ClauseGenerator(unit, f, ctx, state, NULL, group.context, plan, arguments=arguments)
    g.may_wait = True
    touch = unit.subprogram("touch", [("address", "i64")], _touch)
    for address, span in _distinct(reads):
        following = g.fault_label = f.block("following")
        where = g.value(address)
        for distance in (*range(0, span - 1, _PAGE), span - 1):
            f.call(touch, [f.op("add", where, distance)])
        f.br(following)
        f.at(following)
    assert not g.uses_scratch, name
    f.br(leave)
    f.at(leave)
    f.ret(0)
    return attachment._replace(program=name, sleepable=True)


def _distinct(reads: list[tuple[tree.Expr, int]]) -> list[tuple[tree.Expr, int]]:
    """Each argument once, with its longest span; the others as they come."""
    result: list[tuple[tree.Expr, int]] = []
    plain: dict[str, tuple[tree.Expr, int]] = {}
    for address, span in reads:
        if isinstance(address, tree.Builtin):
            known = plain.get(address.name)
            plain[address.name] = (address, max(span, known[1] if known else 0))
        else:
            result.append((address, span))
    return [*plain.values(), *result[:_MOST_READS]]


def _reads(program: tree.Program, clause: tree.Clause) -> Iterator[tuple[tree.Expr, int]]:
    """(address, bytes) of what a clause copies from the process, where that can be computed.

    Of another address, the arguments that it comes from.
    """
    for node in walk_clause(clause):
        match node:
            case tree.SubroutineCall() if node.name in COPIES:
                address, span = node.args[0], program.strsize
                if node.name != "copyinstr":
                    size = node.args[1] if len(node.args) > 1 else None
                    span = size.value if isinstance(size, tree.Const) else 1
            case tree.Deref() if tree.is_user_pointer(node.address.type):
                address, span = node.address, node.type.size
            case tree.ToString() if tree.is_user_pointer(node.operand.type):
                address, span = node.operand, program.strsize
            case _:
                continue
        span = max(1, min(span, _MOST_BYTES))
        computed = _computable(address)
        if computed is not None:
            yield computed, span
            continue
        for below in walk(address):
            if isinstance(below, tree.Builtin | tree.ProbeArgument):
                argument = _computable(below)
                if argument is not None:
                    yield argument, 1


def _computable(expr: tree.Expr) -> tree.Expr | None:
    """The expression as this program can compute it: from arguments and user memory alone.

    What copyin() gives is then the process's own memory: `*(long *)copyin(arg0, 8)` becomes
    `*(long *)arg0`, whose pointer leads there.  None for what needs variables or has effects.
    """
    match expr:
        case tree.Const():
            return expr
        case tree.Builtin():
            return expr if expr.name in ("uregs", f"arg{expr.index}") else None
        case tree.ProbeArgument():
            return expr if expr.type.size <= 8 else None
        case tree.SubroutineCall(name="copyin"):
            address = _computable(expr.args[0])
            if address is None:
                return None
            return tree.Convert(PointerType(VoidType(), user=True), expr.span, address)
        case tree.Convert():
            operand = _computable(expr.operand)
            if operand is None:
                return None
            type_ = expr.type
            target = type_.resolve()
            if isinstance(target, PointerType) and tree.is_user_pointer(operand.type):
                type_ = PointerType(target.target, user=True)
            return tree.Convert(type_, expr.span, operand)
        case tree.Deref():
            address = _computable(expr.address)
            if address is None or not tree.is_user_pointer(address.type):
                return None
            return replace(expr, address=address)
        case tree.MemberRef():
            base = _computable(expr.base)
            return None if base is None else replace(expr, base=base)
        case tree.Binary() if expr.op in ("+", "-", "&"):
            left, right = _computable(expr.left), _computable(expr.right)
            if left is None or right is None:
                return None
            return replace(expr, left=left, right=right)
    return None


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
