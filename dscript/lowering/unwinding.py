"""ustack() without frame pointers: a BPF subprogram that walks a stack by tables.

The tables, made of a file's .eh_frame by user space, and their formats are described in
`dscript.kernel.unwind_rows`.  A walk starts from the registers with which the thread left
user mode.  For each address it finds

  - the mapping: in the process's list, which user space keeps, else as the kernel keeps it;
  - the mapping's table, and the row in it, by binary search;
  - the caller's registers, by what the row says; by the frame pointer where there is none.

What was missing is asked for in a ring that user space reads, so that later stacks are
whole.  The walk's numbers lie in scratch memory (see `steps`), the addresses behind them, and
so do the keys of clauses that unwind: a walk's callbacks share 512 bytes of stack with them.
"""

from __future__ import annotations

from dscript.kernel import unwind_rows as rows
from dscript.kernel.unwind_rows import Rule, Saved, Stop
from dscript.lowering.generator import Generator, Unit
from dscript.lowering.steps import Step, Words, only_if, steps
from dscript.lowering.threads import read_ids
from dscript.lowering.unwind_kernel import knows_kernel
from dscript.lowering.unwind_lookup import (
    BLOCK_SIZE,
    MAX_FRAMES,
    NAMES,
    WORDS_SIZE,
    Lookup,
    declare_maps,
)
from dscript.lowering.user_arguments import is_outside
from dscript.object.function import Function
from dscript.object.helpers import F_USER_STACK, Helper
from dscript.object.values import NULL, Value, const
from dscript.semantics import tree
from dscript.semantics.walk import walk_clause

# x86-64: struct pt_regs (arch/x86/include/asm/ptrace.h), __USER_CS (asm/segment.h), and from the
# stack pointer that a handler returns with, registers in struct ucontext (asm/ucontext.h).
_BP, _IP, _CS, _SP = 32, 128, 136, 152
_USER_CS = 0x33
_SIGNAL_BP, _SIGNAL_SP, _SIGNAL_IP = 120, 160, 168


def available(g: Generator) -> bool:
    """Whether stacks are unwound by tables; else the kernel follows frame pointers."""
    unit = g.unit
    if not unit.unwind or g.subject >= 0 or unit.kernel.machine not in rows.MACHINES:
        return False
    return "unwind" in unit.helpers or knows_kernel(unit.kernel)


def wanted(clause: tree.Clause) -> bool:
    """Whether the clause asks for user stacks, by tables or by frame pointers."""
    return any(_asks(node) for node in walk_clause(clause))


def _asks(node: tree.Expr) -> bool:
    if isinstance(node, tree.StackValue):
        return node.kind == "ustack"
    return isinstance(node, tree.Builtin) and node.name in ("ucaller", "ustackdepth")


def write(g: Generator, where: Value, frames: int) -> None:
    """Up to `frames` addresses where they are wanted, which is zeroed."""
    f = g.f
    block = _walk(g, frames)
    f.memcpy(where, f.gep(block, WORDS_SIZE), 8 * frames)


def frame(g: Generator, number: int) -> Value:
    """One address of the stack, 0 beyond its end."""
    return g.f.load("i64", g.f.gep(_walk(g, number + 1), WORDS_SIZE + 8 * number))


def depth(g: Generator) -> Value:
    """How many frames the stack has."""
    return Words(g.f, _walk(g, MAX_FRAMES), NAMES)["count"]


def _walk(g: Generator, frames: int) -> Value:
    """Unwind up to `frames` addresses; they follow the words at the place that is returned.

    A stack that the tables cannot tell of, that of a 32-bit program, is left to the kernel.
    """
    f = g.f
    block = g.temporary_at(BLOCK_SIZE)
    f.memset(block, WORDS_SIZE + 8 * frames)
    words = Words(f, block, NAMES)
    words["limit"] = frames
    if g.firing in ("uprobe", "ureturn"):
        words["edge"] = f.zext(is_outside(g), "i64")
    words["pid"] = f.op("lshr", read_ids(g), 32)
    result = f.call(_walker(g.unit), [block])
    with only_if(f, f.icmp("eq", result, 0)):
        flags = const(F_USER_STACK)
        got = f.helper(
            Helper.GET_STACK, [g.ctx, f.gep(block, WORDS_SIZE), const(8 * frames), flags]
        )
        with only_if(f, f.icmp("sgt", got, 0)):
            words["count"] = f.op("lshr", got, 3)
    return block


def _walker(unit: Unit) -> Function:
    known = unit.helpers.get("unwind")
    if known is None:
        declare_maps(unit)
        function = unit.module.function("unwind", [("block", "ptr")])
        known = unit.helpers["unwind"] = function
        _Walk(unit, function).build()
    return known


def _number(f: Function, pointer: Value) -> Value:
    """A pointer as a number that the verifier knows nothing of (see `Generator.address_of`)."""
    return f.op("sub", 0, f.opaque(f.op("sub", 0, f.opaque(f.to_int(pointer)))))


class _Walk(Lookup):
    """The subprogram and its loop's body."""

    def __init__(self, unit: Unit, outer: Function) -> None:
        self.unit = unit
        self.outer = outer
        self.f = outer
        self.w = Words(outer, outer.params[0], NAMES)

    def build(self) -> None:
        f, w = self.outer, self.w
        offset = self.unit.kernel.offset
        leave = f.block("leave")
        task = f.helper(Helper.GET_CURRENT_TASK_BTF, [], "ptr")
        memory = f.load("ptr", f.gep(task, offset("task_struct", "mm", None)))
        self._go_if(f.icmp("ne", memory, NULL), leave)
        stack = f.opaque(f.load("i64", f.gep(memory, offset("mm_struct", "start_stack", None))))
        code = f.opaque(f.load("i64", f.gep(memory, offset("mm_struct", "end_code", None))))
        regs = f.helper(Helper.TASK_PT_REGS, [task], "ptr")
        cs = f.opaque(f.load("i64", f.gep(regs, _CS)))
        self._go_if(f.icmp("eq", f.op("and", cs, 0xFFFF), _USER_CS), leave)
        for name, at in (("ip", _IP), ("sp", _SP), ("bp", _BP)):
            w[name] = f.opaque(f.load("i64", f.gep(regs, at)))
        w["regs"] = _number(f, regs)
        w["exact"] = 1
        self._find_space(f.op("add", stack, f.op("mul", code, const(rows.IDENTITY_FACTOR))))
        with steps(f, "unwind_frame", MAX_FRAMES, w) as step:
            self.f, self.w = step.f, step.words
            self._frame(step)
        self.f, self.w = f, w
        with only_if(f, f.icmp("ne", w["late"], 0)):
            self._count(Stop.LATE, "late")
        f.ret(w["count"])
        f.at(leave)
        f.ret(0)

    def _go_if(self, condition: Value, leave: str) -> None:
        on = self.f.block("on")
        self.f.cbr(condition, on, leave)
        self.f.at(on)

    # -- one frame

    def _frame(self, step: Step) -> None:
        f, w = self.f, self.w
        count = step.within(w["count"], MAX_FRAMES)
        where = f.gep(f.gep(w.base, WORDS_SIZE), f.op("shl", count, 3))
        f.store(w["ip"], where)
        w["count"] = f.op("add", count, 1)
        step.stop_if(f.icmp("uge", w["count"], w["limit"]))
        w["pc"] = f.op("sub", w["ip"], f.op("sub", 1, w["exact"]))
        w["exact"] = 0
        w["row"] = 0
        with only_if(f, f.icmp("uge", f.op("sub", w["pc"], w["start"]), w["length"])):
            self._find_mapping()
        with only_if(f, f.icmp("ne", w["table"], 0)):
            self._find_row(f.op("add", w["pc"], w["shift"]))
        self._to_caller(step)
        step.stop_if(f.icmp("eq", w["ip"], 0))

    # -- the caller

    def _to_caller(self, step: Step) -> None:
        """Registers of the caller, by the row; the loop stops where there is none."""
        f = self.f
        done = f.block("caller")
        by_frame, signal, computed = f.block("frame"), f.block("signal"), f.block("computed")
        cases = {Rule.NONE: by_frame, Rule.END: step.stop_label, Rule.SIGNAL: signal}
        f.switch(self._rule(), computed, {int(rule): at for rule, at in cases.items()})
        unreadable = f.block("unreadable")
        f.at(by_frame)
        self._by_frame(step, unreadable, done)
        f.br(done)
        f.at(signal)
        self._by_signal(unreadable)
        f.br(done)
        f.at(computed)
        self._by_row(step, unreadable)
        f.br(done)
        f.at(unreadable)
        self._note(Stop.UNREADABLE)
        step.stop()
        f.at(done)
        self.w["edge"] = 0

    def _rule(self) -> Value:
        """The row's; computed again where it is wanted, what is kept takes stack."""
        return self.f.op("and", self.w["row"], 15)

    def _by_row(self, step: Step, unreadable: str) -> None:
        f, w = self.f, self.w
        rule = self._rule()
        w["cfa"] = f.op("add", self._offset(), self._base(rule))
        with only_if(f, f.icmp("eq", rule, Rule.PLT)):
            pushed = f.icmp("uge", f.op("and", w["ip"], 15), rows.PLT_PUSHED)
            w["cfa"] = f.op("add", w["cfa"], f.op("shl", f.zext(pushed, "i64"), 3))
        by_memory = f.op("sub", rule, int(Rule.STACK_WORD))
        with only_if(f, f.icmp("ule", by_memory, Rule.FRAME_WORD_ABOVE - Rule.STACK_WORD)):
            word = self._read(w["cfa"], unreadable)
            above = f.icmp("uge", self._rule(), Rule.STACK_WORD_ABOVE)
            w["cfa"] = f.op("add", word, f.op("shl", f.zext(above, "i64"), 3))
        with only_if(f, f.icmp("uge", self._rule(), Rule.RETURN_IN_REGISTER)):
            self._by_register(step)
        good, damaged = f.block("good"), f.block("damaged")
        # A return address in a register was the last thing on its stack.
        returns = f.icmp("ne", self._rule(), Rule.RETURN_IN_REGISTER)
        f.cbr(f.icmp("uge", w["cfa"], f.op("add", w["sp"], f.zext(returns, "i64"))), good, damaged)
        f.at(damaged)
        self._note(Stop.DAMAGED)
        step.stop()
        f.at(good)
        self._take_return(unreadable)
        self._take_frame(unreadable)
        w["sp"] = w["cfa"]

    def _offset(self) -> Value:
        """Bytes from the row's register to the CFA, or to the word that tells it."""
        f = self.f
        return f.op("shl", f.op("ashr", f.op("shl", self.w["row"], 32), 48), 3)

    def _by_register(self, step: Step) -> None:
        """What the rule's register holds: a return address for `base`, else the CFA's base."""
        f, w = self.f, self.w
        first, later = f.block("first"), f.block("later")
        f.cbr(f.icmp("eq", w["count"], 1), first, later)
        f.at(later)
        self._note(Stop.REGISTERS)
        step.stop()
        f.at(first)
        where = f.op("and", f.op("lshr", w["row"], 6), 31)
        address = f.op("add", w["regs"], f.op("shl", where, 3))
        w["base"] = 0
        f.helper(Helper.PROBE_READ_KERNEL, [w.place("base"), const(8), address])
        with only_if(f, f.icmp("eq", self._rule(), Rule.REGISTER)):
            w["cfa"] = f.op("add", w["base"], self._offset())

    def _take_return(self, unreadable: str) -> None:
        f, w = self.f, self.w
        register, memory, done = f.block("register"), f.block("memory"), f.block("returns")
        f.cbr(f.icmp("eq", self._rule(), Rule.RETURN_IN_REGISTER), register, memory)
        f.at(register)
        w["ip"] = w["base"]
        f.br(done)
        f.at(memory)
        w["ip"] = self._read(f.op("sub", w["cfa"], 8), unreadable)
        f.br(done)
        f.at(done)

    def _take_frame(self, unreadable: str) -> None:
        """The caller's frame pointer, which is the callee's where the row says nothing."""
        f, w = self.f, self.w
        lost, saved, done = f.block("lost"), f.block("saved"), f.block("frame")
        kinds = {Saved.LOST: lost, Saved.AT_CFA: saved, Saved.AT_FRAME: saved}
        kind = f.op("and", f.op("lshr", w["row"], 4), 3)
        f.switch(kind, done, {int(kind): at for kind, at in kinds.items()})
        f.at(lost)
        w["bp"] = 0
        f.br(done)
        f.at(saved)
        start = f.select(f.icmp("eq", kind, Saved.AT_CFA), w["cfa"], w["bp"])
        at = f.op("shl", f.op("ashr", f.op("shl", w["row"], 48), 54), 3)
        w["bp"] = self._read(f.op("add", start, at), unreadable)
        f.br(done)
        f.at(done)

    def _base(self, rule: Value) -> Value:
        """The register that a rule starts from."""
        f, w = self.f, self.w
        on_stack = f.op("or", f.icmp("eq", rule, Rule.STACK), f.icmp("eq", rule, Rule.PLT))
        for word in (Rule.STACK_WORD, Rule.STACK_WORD_ABOVE, Rule.RETURN_IN_REGISTER):
            on_stack = f.op("or", on_stack, f.icmp("eq", rule, word))
        return f.select(on_stack, w["sp"], w["bp"])

    def _by_frame(self, step: Step, unreadable: str, done: str) -> None:
        """The word at the frame pointer is the caller's, the one above the return address.

        Where a function begins or is left, the frame pointer is the caller's still, or again.
        """
        f, w = self.f, self.w
        w["guessed"] = 1
        edge, inside = f.block("edge"), f.block("inside")
        f.cbr(f.icmp("ne", w["edge"], 0), edge, inside)
        f.at(edge)
        w["ip"] = self._read(w["sp"], unreadable)
        w["sp"] = f.op("add", w["sp"], 8)
        f.br(done)
        f.at(inside)
        bp = w["bp"]
        step.stop_if(f.icmp("eq", bp, 0))
        good, bad = f.block("linked"), f.block("unlinked")
        f.cbr(f.icmp("uge", bp, w["sp"]), good, bad)
        f.at(bad)
        self._note(Stop.NO_FRAME)
        step.stop()
        f.at(good)
        w["ip"] = self._read(f.op("add", bp, 8), unreadable)
        w["bp"] = self._read(bp, unreadable)
        w["sp"] = f.op("add", bp, 16)

    def _by_signal(self, unreadable: str) -> None:
        """What the signal interrupted goes on at its very address."""
        f, w = self.f, self.w
        sp = w["sp"]
        for name, at in (("bp", _SIGNAL_BP), ("ip", _SIGNAL_IP), ("sp", _SIGNAL_SP)):
            w[name] = self._read(f.op("add", sp, at), unreadable)
        w["exact"] = 1

    def _read(self, address: Value, unreadable: str) -> Value:
        """A word of the process."""
        f = self.f
        place = self.w.place("word")
        result = f.helper(Helper.PROBE_READ_USER, [place, const(8), address])
        good = f.block("read")
        f.cbr(f.icmp("eq", result, 0), good, unreadable)
        f.at(good)
        return f.load("i64", place)

    def _note(self, why: Stop) -> None:
        """Count a stack that ends early, unless what came too late is to blame."""
        with only_if(self.f, self.f.icmp("eq", self.w["late"], 0)):
            self._count(why, "ip")

    def _count(self, why: Stop, where: str) -> None:
        """Of the first stack that ends for a reason, process and address are remembered."""
        f, w = self.f, self.w
        stopped = self._element(rows.STOPS, const(int(why)))
        with only_if(f, f.icmp("ne", stopped, NULL)):
            count = f.load("i64", stopped)
            with only_if(f, f.icmp("eq", count, 0)):
                f.store(w["pid"], f.gep(stopped, 8))
                f.store(w[where], f.gep(stopped, 16))
            f.store(f.op("add", count, 1), stopped)
