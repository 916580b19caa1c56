"""ustack() without frame pointers: a BPF subprogram that walks a stack by tables.

The tables, made of a file's .eh_frame by user space, and their formats are described in
`dscript.kernel.unwind_rows`.  A walk starts from the registers with which the thread left
user mode.  For each address it finds

  - the mapping: in the process's list, which user space keeps, else by asking the kernel
    (bpf_find_vma, which cannot be called a second time where interrupts are off);
  - the mapping's table, and the row in it, by binary search;
  - the caller's registers, by what the row says; by the frame pointer where there is none.

What was missing is asked for in a ring that user space reads, so that later stacks are
whole.  The walk's numbers lie in scratch memory (see `steps`), the addresses behind them.
"""

from __future__ import annotations

from collections.abc import Callable
from struct import calcsize

from dscript.kernel import unwind_rows as rows
from dscript.kernel.unwind_rows import Rule, Saved, Stop
from dscript.lowering import variables
from dscript.lowering.generator import Generator, Unit
from dscript.lowering.steps import Step, Words, only_if, steps
from dscript.object.function import Function
from dscript.object.helpers import F_MMAPABLE, F_NO_PREALLOC, F_USER_STACK, Helper, MapType
from dscript.object.values import NULL, Value, const

MAX_FRAMES = 127
# The numbers of a walk: registers; addresses so far, and how many are wanted; the process's
# list; the mapping that the last address was in (start, bytes, what leads to its offset in the
# file, table); what tells the file; the row; a search; where the registers are; the last
# mapping that the kernel told.
_FILE = ("inode", "size", "mtime")
_NAMES = (
    "ip", "sp", "bp", "exact", "count", "limit", "pid", "identity", "first", "ranges",
    "start", "length", "shift", "table", *_FILE, "row",
    "base", "left", "regs", "start2", "length2", "shift2", "table2",
)  # fmt: skip
_WORDS = 8 * len(_NAMES)
_MAPPING = ("start", "length", "shift", "table")
_KEY = 24  # bytes of the longest key
# Linux 6.11 and later, 6.7 and later, before (struct inode in include/linux/fs.h).
_MTIME = (
    ("i_mtime_sec", "i_mtime_nsec"),
    ("__i_mtime.tv_sec", "__i_mtime.tv_nsec"),
    ("i_mtime.tv_sec", "i_mtime.tv_nsec"),
)
_PAGE_SHIFT = 12
# x86-64: struct pt_regs (arch/x86/include/asm/ptrace.h), __USER_CS (asm/segment.h), and from the
# stack pointer that a handler returns with, registers in struct ucontext (asm/ucontext.h).
_BP, _IP, _CS, _SP = 32, 128, 136, 152
_USER_CS = 0x33
_SIGNAL_BP, _SIGNAL_SP, _SIGNAL_IP = 120, 160, 168
_ASK_AGAIN = 2_000_000  # ns; user space keeps those for longer that ask in vain


def available(g: Generator) -> bool:
    """Whether stacks are unwound by tables; else the kernel follows frame pointers."""
    return g.unit.unwind and g.unit.kernel.machine in rows.MACHINES and g.subject < 0


def write(g: Generator, where: Value, frames: int) -> None:
    """Up to `frames` addresses where they are wanted, which is zeroed."""
    f = g.f
    block = _walk(g, frames)
    f.memcpy(where, f.gep(block, _WORDS), 8 * frames)


def frame(g: Generator, number: int) -> Value:
    """One address of the stack, 0 beyond its end."""
    return g.f.load("i64", g.f.gep(_walk(g, number + 1), _WORDS + 8 * number))


def depth(g: Generator) -> Value:
    """How many frames the stack has."""
    return Words(g.f, _walk(g, MAX_FRAMES), _NAMES)["count"]


def _walk(g: Generator, frames: int) -> Value:
    """Unwind up to `frames` addresses; they follow the words at the place that is returned.

    A stack that the tables cannot tell of, that of a 32-bit program, is left to the kernel.
    """
    f = g.f
    block = g.temporary_at(_WORDS + 8 * MAX_FRAMES)
    f.memset(block, _WORDS + 8 * frames)
    words = Words(f, block, _NAMES)
    words["limit"] = frames
    words["pid"] = f.op("lshr", variables.read_ids(g), 32)
    result = f.call(_walker(g.unit), [block])
    with only_if(f, f.icmp("eq", result, 0)):
        flags = const(F_USER_STACK)
        got = f.helper(Helper.GET_STACK, [g.ctx, f.gep(block, _WORDS), const(8 * frames), flags])
        with only_if(f, f.icmp("sgt", got, 0)):
            words["count"] = f.op("lshr", got, 3)
    return block


def _walker(unit: Unit) -> Function:
    known = unit.helpers.get("unwind")
    if known is None:
        maps(unit)
        function = unit.module.function("unwind", [("block", "ptr")])
        known = unit.helpers["unwind"] = function
        _Walk(unit, function).build()
    return known


def maps(unit: Unit) -> None:
    module = unit.module
    module.map(rows.SPACES, MapType.HASH, 16, 8, rows.MAX_SPACES, F_NO_PREALLOC)
    module.map(rows.RANGES, MapType.ARRAY, 4, 24, rows.MAX_RANGES, F_MMAPABLE)
    key_size = calcsize(rows.FILE_KEY)
    module.map(rows.FILES, MapType.HASH, key_size, 8, rows.MAX_TABLES, F_NO_PREALLOC)
    module.map(rows.TABLES, MapType.ARRAY_OF_MAPS, 4, 4, rows.MAX_TABLES)
    module.map(rows.MEMORY, MapType.PERCPU_ARRAY, 4, 16, rows.REMEMBERED)
    module.map(rows.REQUESTS, MapType.RINGBUF, 0, 0, 1 << 14)
    module.map(rows.ASKED, MapType.LRU_HASH, 8, 8, 1024)
    module.map(rows.STOPS, MapType.PERCPU_ARRAY, 4, 24, Stop.COUNT)


def _number(f: Function, pointer: Value) -> Value:
    """A pointer as a number that the verifier knows nothing of (see `Generator.address_of`)."""
    return f.op("sub", 0, f.opaque(f.op("sub", 0, f.opaque(f.to_int(pointer)))))


class _Walk:
    """The subprogram and its loop's body."""

    def __init__(self, unit: Unit, outer: Function) -> None:
        self.unit = unit
        self.outer = outer
        self.f = outer
        self.w = Words(outer, outer.params[0], _NAMES)

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
        f.ret(w["count"])
        f.at(leave)
        f.ret(0)

    def _go_if(self, condition: Value, leave: str) -> None:
        on = self.f.block("on")
        self.f.cbr(condition, on, leave)
        self.f.at(on)

    def _find_space(self, identity: Value) -> None:
        """The process's own list, or that of whom it was forked from."""
        f, w = self.f, self.w
        key = f.alloca(_KEY, name="space")
        done = f.block("space")
        w["identity"] = identity
        f.store(identity, key)
        f.store(w["pid"], f.gep(key, 8))
        for _ in range(2):
            found, missing = f.block("listed"), f.block("unlisted")
            space = self._lookup(rows.SPACES, key)
            f.cbr(f.icmp("ne", space, NULL), found, missing)
            f.at(found)
            w["first"] = f.zext(f.load("i32", space), "i64")
            w["ranges"] = f.zext(f.load("i32", f.gep(space, 4)), "i64")
            f.br(done)
            f.at(missing)
            f.store(const(0), f.gep(key, 8))
        f.br(done)
        f.at(done)

    def _lookup(self, name: str, key: Value) -> Value:
        return self.f.helper(Helper.MAP_LOOKUP_ELEM, [Value(f"@{name}", "ptr"), key], "ptr")

    # -- one frame

    def _frame(self, step: Step) -> None:
        f, w = self.f, self.w
        count = step.within(w["count"], MAX_FRAMES)
        where = f.gep(f.gep(w.base, _WORDS), f.op("shl", count, 3))
        f.store(w["ip"], where)
        w["count"] = f.op("add", count, 1)
        step.stop_if(f.icmp("uge", w["count"], w["limit"]))
        pc = f.op("sub", w["ip"], f.op("sub", 1, w["exact"]))
        w["exact"] = 0
        w["row"] = 0
        with only_if(f, f.icmp("uge", f.op("sub", pc, w["start"]), w["length"])):
            self._find_mapping(pc)
        with only_if(f, f.icmp("ne", w["table"], 0)):
            self._find_row(f.op("add", pc, w["shift"]))
        self._to_caller(step)
        step.stop_if(f.icmp("eq", w["ip"], 0))

    def _find_mapping(self, pc: Value) -> None:
        """The mapping of an address, and its table: 0 without one."""
        f, w = self.f, self.w
        w["table"] = 0
        w["length"] = 0
        self._search(
            w["ranges"],
            rows.RANGE_STEPS,
            lambda at: self._element(rows.RANGES, f.op("add", w["first"], at)),
            pc,
        )
        with only_if(f, f.icmp("ne", w["base"], 0)):
            at = f.op("add", w["first"], f.op("sub", w["base"], 1))
            found = self._element(rows.RANGES, at)
            with only_if(f, f.icmp("ne", found, NULL)):
                self._take_range(pc, found)
        with only_if(f, f.icmp("eq", w["length"], 0)):
            self._find_unlisted(pc)

    def _find_unlisted(self, pc: Value) -> None:
        """What the kernel tells is kept: with interrupts off it can be asked but once."""
        f, w = self.f, self.w
        kept, ask, done = f.block("kept"), f.block("ask"), f.block("found")
        f.cbr(f.icmp("ult", f.op("sub", pc, w["start2"]), w["length2"]), kept, ask)
        f.at(kept)
        for name in _MAPPING:
            w[name] = w[f"{name}2"]
        f.br(done)
        f.at(ask)
        self._ask_kernel(pc)
        with only_if(f, f.icmp("ne", w["length"], 0)):
            for name in _MAPPING:
                w[f"{name}2"] = w[name]
        f.br(done)
        f.at(done)

    def _take_range(self, pc: Value, found: Value) -> None:
        f, w = self.f, self.w
        end = f.load("i64", f.gep(found, 8))
        with only_if(f, f.icmp("ult", pc, end)):
            start = f.load("i64", found)
            w["start"] = start
            w["length"] = f.op("sub", end, start)
            pages = f.zext(f.load("i32", f.gep(found, 16)), "i64")
            w["shift"] = f.op("sub", f.op("shl", pages, _PAGE_SHIFT), start)
            w["table"] = f.zext(f.load("i32", f.gep(found, 20)), "i64")

    def _ask_kernel(self, pc: Value) -> None:
        """By the kernel's own account of the process's memory."""
        f, w = self.f, self.w
        for name in _FILE:
            w[name] = 0
        data = f.slot("data", 8)
        f.store(w.base, data)
        task = f.helper(Helper.GET_CURRENT_TASK_BTF, [], "ptr")
        callback = self._found_callback()
        f.helper(Helper.FIND_VMA, [task, pc, callback.value, data, const(0)])
        known, unknown, done = f.block("known"), f.block("unknown"), f.block("asked")
        f.cbr(f.icmp("ne", w["inode"], 0), known, unknown)
        f.at(known)
        key = f.slot("key", _KEY)
        for at, name in enumerate(_FILE):
            f.store(w[name], f.gep(key, 8 * at))
        table = self._lookup(rows.FILES, key)
        have = f.block("have")
        f.cbr(f.icmp("ne", table, NULL), have, unknown)
        f.at(have)
        w["table"] = f.load("i64", table)
        f.br(done)
        f.at(unknown)
        # Memory of no file, which the kernel found, needs no table.
        with only_if(f, f.icmp("ne", w["inode"], 0)):
            self._ask_user_space(pc, [w[name] for name in _FILE])
        f.br(done)
        f.at(done)
        # A list that does not hold it is not all; where there is none the kernel serves as well.
        missing = f.op("or", f.icmp("eq", w["length"], 0), f.icmp("ne", w["ranges"], 0))
        with only_if(f, missing):
            self._ask_user_space(pc, [const(0)] * len(_FILE))

    def _found_callback(self) -> Function:
        """Called with the struct vm_area_struct of an address: notes what the walk needs."""
        offset = self.unit.kernel.offset
        params = [("task", "ptr"), ("vma", "ptr"), ("data", "ptr")]
        c = self.unit.module.function("unwind_mapping", params)
        _, vma, data = c.params
        w = Words(c, c.load("ptr", data), _NAMES)

        def member(pointer: Value, struct: str, name: str, type_: str = "i64") -> Value:
            value = c.load(type_, c.gep(pointer, offset(struct, name, None)))
            return value if type_ == "ptr" else c.opaque(value)

        start = member(vma, "vm_area_struct", "vm_start")
        w["start"] = start
        w["length"] = c.op("sub", member(vma, "vm_area_struct", "vm_end"), start)
        pages = member(vma, "vm_area_struct", "vm_pgoff")
        w["shift"] = c.op("sub", c.op("shl", pages, _PAGE_SHIFT), start)
        file = member(vma, "vm_area_struct", "vm_file", "ptr")
        named, bare, done = c.block("named"), c.block("bare"), c.block("noted")
        c.cbr(c.icmp("ne", file, NULL), named, bare)
        c.at(named)
        inode = member(file, "file", "f_inode", "ptr")
        with only_if(c, c.icmp("ne", inode, NULL)):
            w["inode"] = member(inode, "inode", "i_ino")
            w["size"] = member(inode, "inode", "i_size")
            w["mtime"] = self._changed(c, inode)
        c.br(done)
        c.at(bare)
        memory = member(vma, "vm_area_struct", "vm_mm", "ptr")
        with only_if(c, c.icmp("ne", memory, NULL)):
            vdso = member(memory, "mm_struct", "context.vdso")
            with only_if(c, c.icmp("eq", vdso, start)):
                w["table"] = rows.VDSO_TABLE
        c.br(done)
        c.at(done)
        c.ret(0)
        return c

    def _changed(self, c: Function, inode: Value) -> Value:
        """Nanoseconds of a file's last change; the members' names have changed with kernels."""
        kernel = self.unit.kernel
        seconds, rest = next(
            (names for names in _MTIME if kernel.has("inode", names[0])), _MTIME[-1]
        )
        whole = c.opaque(c.load("i64", c.gep(inode, kernel.offset("inode", seconds, None))))
        part = c.opaque(c.load("i32", c.gep(inode, kernel.offset("inode", rest, None))))
        return c.op("add", c.op("mul", whole, 1_000_000_000), c.zext(part, "i64"))

    def _ask_user_space(self, pc: Value, file: list[Value]) -> None:
        """For the process's mappings or a file's table; not for the same again and again."""
        f, w = self.f, self.w
        key = f.slot("key", _KEY)
        f.store(f.op("xor", f.op("xor", w["pid"], w["identity"]), f.op("shl", file[0], 24)), key)
        asked = self._lookup(rows.ASKED, key)
        now = f.helper(Helper.KTIME_GET_NS, [])
        before, again, done = f.block("before"), f.block("again"), f.block("asked")
        f.cbr(f.icmp("ne", asked, NULL), before, again)
        f.at(before)
        since = f.op("sub", now, f.load("i64", asked))
        f.cbr(f.icmp("slt", since, _ASK_AGAIN), done, again)
        f.at(again)
        time = f.slot("time", 8)
        f.store(now, time)
        names = Value(f"@{rows.ASKED}", "ptr")
        f.helper(Helper.MAP_UPDATE_ELEM, [names, key, time, const(0)])
        ring = Value(f"@{rows.REQUESTS}", "ptr")
        request = f.helper(
            Helper.RINGBUF_RESERVE, [ring, const(calcsize(rows.REQUEST)), const(0)], "ptr"
        )
        with only_if(f, f.icmp("ne", request, NULL)):
            for at, value in enumerate((w["pid"], w["identity"], pc, *file)):
                f.store(value, f.gep(request, 8 * at))
            f.helper(Helper.RINGBUF_SUBMIT, [request, const(0)])
        f.br(done)
        f.at(done)

    # -- tables

    def _element(self, name: str, index: Value) -> Value:
        """Element of an array map, NULL beyond its end."""
        key = self.f.slot("index", 4, 4)
        self.f.store(self.f.trunc(index, "i32"), key)
        return self._lookup(name, key)

    def _search(
        self, count: Value, most: int, element: Callable[[Value], Value], key: Value
    ) -> None:
        """`base` becomes how many of `count` sorted elements are not above the key.

        `row` becomes the last one of these.
        """
        f, w = self.f, self.w
        w["base"] = 0
        w["left"] = count
        with f.loop(most):
            left, base = w["left"], w["base"]
            f.break_if(f.icmp("eq", left, 0))
            half = f.op("lshr", f.op("add", left, 1), 1)
            middle = element(f.op("sub", f.op("add", base, half), 1))
            f.break_if(f.icmp("eq", middle, NULL))
            value = f.load("i64", middle)
            below, above, done = f.block("below"), f.block("above"), f.block("halved")
            f.cbr(f.icmp("ule", value, key), below, above)
            f.at(below)
            w["row"] = value
            w["base"] = f.op("add", base, half)
            w["left"] = f.op("sub", left, half)
            f.br(done)
            f.at(above)
            w["left"] = f.op("sub", half, 1)
            f.br(done)
            f.at(done)

    def _find_row(self, offset: Value) -> None:
        """The row for an offset in the mapping's file: `row`, 0 without one.

        Return addresses come again and again: every CPU remembers rows.  A key is kept combined
        with its row, so that two walks on one CPU, of which one interrupted the other, cannot
        leave a key with the other's row.
        """
        f, w = self.f, self.w
        w["row"] = 0
        key = f.op("or", f.op("shl", w["table"], 32), offset)
        mixed = f.op("xor", f.op("lshr", key, 12), key)
        known = self._element(rows.MEMORY, f.op("and", mixed, rows.REMEMBERED - 1))
        fresh, done = f.block("fresh"), f.block("row")
        have = f.block("remembered")
        f.cbr(f.icmp("ne", known, NULL), have, done)
        f.at(have)
        row = f.load("i64", f.gep(known, 8))
        w["row"] = row
        f.cbr(f.icmp("eq", f.op("xor", f.load("i64", known), row), key), done, fresh)
        f.at(fresh)
        w["row"] = 0
        self._search_table(offset)
        with only_if(f, f.icmp("ne", w["row"], 0)):  # else the table may be on its way
            f.store(f.op("xor", key, w["row"]), known)
            f.store(w["row"], f.gep(known, 8))
        f.br(done)
        f.at(done)

    def _search_table(self, offset: Value) -> None:
        f, w = self.f, self.w
        table = self._element(rows.TABLES, w["table"])
        with only_if(f, f.icmp("ne", table, NULL)):
            index = f.slot("index", 4, 4)

            def element(at: Value) -> Value:
                f.store(f.trunc(at, "i32"), index)
                return f.helper(Helper.MAP_LOOKUP_ELEM, [table, index], "ptr")

            count = element(const(0))
            with only_if(f, f.icmp("ne", count, NULL)):
                key = f.op("or", f.op("shl", offset, 32), 0xFFFFFFFF)
                self._search(
                    f.load("i64", count),
                    rows.ROW_STEPS,
                    lambda at: element(f.op("add", at, 1)),
                    key,
                )

    # -- the caller

    def _to_caller(self, step: Step) -> None:
        """Registers of the caller, by the row; the loop stops where there is none."""
        f, w = self.f, self.w
        row = w["row"]
        done = f.block("caller")
        by_frame, signal, computed = f.block("frame"), f.block("signal"), f.block("computed")
        cases = {Rule.NONE: by_frame, Rule.END: step.stop_label, Rule.SIGNAL: signal}
        f.switch(f.op("and", row, 15), computed, {int(rule): at for rule, at in cases.items()})
        unreadable = f.block("unreadable")
        f.at(by_frame)
        self._by_frame(step, unreadable)
        f.br(done)
        f.at(signal)
        self._by_signal(unreadable)
        f.br(done)
        f.at(computed)
        self._by_row(step, row, unreadable)
        f.br(done)
        f.at(unreadable)
        self._note(Stop.UNREADABLE)
        step.stop()
        f.at(done)

    def _by_row(self, step: Step, row: Value, unreadable: str) -> None:
        f, w = self.f, self.w
        rule = f.op("and", row, 15)
        offset = f.op("ashr", f.op("shl", row, 32), 48)
        cfa = f.op("shl", offset, 3)
        cfa = f.op("add", cfa, self._base(rule))
        place = f.slot("cfa", 8)
        f.store(cfa, place)
        with only_if(f, f.icmp("eq", rule, Rule.PLT)):
            pushed = f.icmp("uge", f.op("and", w["ip"], 15), rows.PLT_PUSHED)
            f.store(f.op("add", cfa, f.op("shl", f.zext(pushed, "i64"), 3)), place)
        by_memory = f.op("sub", rule, int(Rule.STACK_WORD))
        with only_if(f, f.icmp("ule", by_memory, Rule.FRAME_WORD_ABOVE - Rule.STACK_WORD)):
            above = f.op("shl", f.zext(f.icmp("uge", rule, Rule.STACK_WORD_ABOVE), "i64"), 3)
            f.store(f.op("add", self._read(cfa, unreadable), above), place)
        with only_if(f, f.icmp("uge", rule, Rule.RETURN_IN_REGISTER)):
            self._by_register(step, row, place)
        cfa = f.load("i64", place)
        good, damaged = f.block("good"), f.block("damaged")
        # A return address in a register was the last thing on its stack.
        least = f.op("add", w["sp"], f.zext(f.icmp("ne", rule, Rule.RETURN_IN_REGISTER), "i64"))
        f.cbr(f.icmp("uge", cfa, least), good, damaged)
        f.at(damaged)
        self._note(Stop.DAMAGED)
        step.stop()
        f.at(good)
        bp = f.slot("bp", 8)
        f.store(w["bp"], bp)
        self._take_return(rule, cfa, unreadable)
        saved = f.op("and", f.op("lshr", row, 4), 3)
        with only_if(f, f.icmp("eq", saved, Saved.LOST)):
            f.store(const(0), bp)
        at = f.op("shl", f.op("ashr", f.op("shl", row, 48), 54), 3)
        for kind, start in ((Saved.AT_CFA, cfa), (Saved.AT_FRAME, w["bp"])):
            with only_if(f, f.icmp("eq", saved, kind)):
                f.store(self._read(f.op("add", start, at), unreadable), bp)
        w["bp"] = f.load("i64", bp)
        w["sp"] = cfa

    def _by_register(self, step: Step, row: Value, place: Value) -> None:
        """What the rule's register holds: a return address for `base`, else the CFA's base."""
        f, w = self.f, self.w
        first, later = f.block("first"), f.block("later")
        f.cbr(f.icmp("eq", w["count"], 1), first, later)
        f.at(later)
        self._note(Stop.REGISTERS)
        step.stop()
        f.at(first)
        word = f.slot("word", 8)
        where = f.op("and", f.op("lshr", row, 6), 31)
        address = f.op("add", w["regs"], f.op("shl", where, 3))
        f.store(const(0), word)
        f.helper(Helper.PROBE_READ_KERNEL, [word, const(8), address])
        value = f.load("i64", word)
        w["base"] = value
        with only_if(f, f.icmp("eq", f.op("and", row, 15), Rule.REGISTER)):
            offset = f.op("ashr", f.op("shl", row, 32), 48)
            f.store(f.op("add", value, f.op("shl", offset, 3)), place)

    def _take_return(self, rule: Value, cfa: Value, unreadable: str) -> None:
        f, w = self.f, self.w
        register, memory, done = f.block("register"), f.block("memory"), f.block("returns")
        f.cbr(f.icmp("eq", rule, Rule.RETURN_IN_REGISTER), register, memory)
        f.at(register)
        w["ip"] = w["base"]
        f.br(done)
        f.at(memory)
        w["ip"] = self._read(f.op("sub", cfa, 8), unreadable)
        f.br(done)
        f.at(done)

    def _base(self, rule: Value) -> Value:
        """The register that a rule starts from."""
        f, w = self.f, self.w
        on_stack = f.op("or", f.icmp("eq", rule, Rule.STACK), f.icmp("eq", rule, Rule.PLT))
        for word in (Rule.STACK_WORD, Rule.STACK_WORD_ABOVE, Rule.RETURN_IN_REGISTER):
            on_stack = f.op("or", on_stack, f.icmp("eq", rule, word))
        return f.select(on_stack, w["sp"], w["bp"])

    def _by_frame(self, step: Step, unreadable: str) -> None:
        """The word at the frame pointer is the caller's, the one above the return address."""
        f, w = self.f, self.w
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
        place = f.slot("word", 8)
        result = f.helper(Helper.PROBE_READ_USER, [place, const(8), address])
        good = f.block("read")
        f.cbr(f.icmp("eq", result, 0), good, unreadable)
        f.at(good)
        return f.load("i64", place)

    def _note(self, why: Stop) -> None:
        """Count a stack that ends early; the first is remembered."""
        f, w = self.f, self.w
        stopped = self._element(rows.STOPS, const(int(why)))
        with only_if(f, f.icmp("ne", stopped, NULL)):
            count = f.load("i64", stopped)
            with only_if(f, f.icmp("eq", count, 0)):
                f.store(w["pid"], f.gep(stopped, 8))
                f.store(w["ip"], f.gep(stopped, 16))
            f.store(f.op("add", count, 1), stopped)
