"""What a walk through a user stack looks up: the process's mappings and the rows of tables.

See `unwinding`, whose walks ask, and `dscript.kernel.unwind_rows` for the maps.
"""

from __future__ import annotations

from collections.abc import Callable
from struct import calcsize

from dscript.kernel import unwind_rows as rows
from dscript.kernel.unwind_rows import Stop
from dscript.lowering.generator import Unit
from dscript.lowering.kernel import KernelLayout
from dscript.lowering.steps import Words, only_if
from dscript.object.function import Function
from dscript.object.helpers import F_MMAPABLE, F_NO_PREALLOC, Helper, MapType
from dscript.object.values import NULL, Value, const

# The numbers of a walk: registers; addresses so far, and how many are wanted; the process and its
# list; the mapping that the last address was in (start, bytes, what leads to its offset in the
# file, table); what tells the file; the row; a search; where the registers are; the last
# mapping that the kernel told; what helpers are given to read or to fill, which would else lie
# on the stack: older kernels (6.1) add up the 512 bytes of it over callbacks as over calls.
_FILE = ("inode", "size", "mtime")
NAMES = (
    "ip", "sp", "bp", "exact", "count", "limit", "pid", "identity", "first", "ranges",
    "start", "length", "shift", "table", *_FILE, "row",
    "base", "left", "regs", "start2", "length2", "shift2", "table2",
    "key", "key_middle", "key_end", "time", "word", "cfa", "pc", "sought",
)  # fmt: skip
_MAPPING = ("start", "length", "shift", "table")
# Linux 6.11 and later, 6.7 and later, before (struct inode in include/linux/fs.h).
_MTIME = (
    ("i_mtime_sec", "i_mtime_nsec"),
    ("__i_mtime.tv_sec", "__i_mtime.tv_nsec"),
    ("i_mtime.tv_sec", "i_mtime.tv_nsec"),
)
_PAGE_SHIFT = 12
_ASK_AGAIN = 2_000_000  # ns; user space keeps those for longer that ask in vain


_MEMBERS = (
    ("task_struct", "mm"),
    ("mm_struct", "start_stack"),
    ("mm_struct", "end_code"),
    ("mm_struct", "context.vdso"),
    ("vm_area_struct", "vm_start"),
    ("vm_area_struct", "vm_end"),
    ("vm_area_struct", "vm_pgoff"),
    ("vm_area_struct", "vm_file"),
    ("vm_area_struct", "vm_mm"),
    ("file", "f_inode"),
    ("inode", "i_ino"),
    ("inode", "i_size"),
)


def knows_kernel(kernel: KernelLayout) -> bool:
    """Whether this kernel has, by these names, all that walks look at."""
    if not any(all(kernel.has("inode", name) for name in names) for names in _MTIME):
        return False
    return all(kernel.has(struct, member) for struct, member in _MEMBERS)


def declare_maps(unit: Unit) -> None:
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


class Lookup:
    """Emits into `f` what looks things up for the walk whose numbers are `w`.

    `frame` is memory on the stack, as callbacks must have it, that holds the address of `w`.
    """

    unit: Unit
    f: Function
    w: Words
    frame: Value

    def _find_space(self, identity: Value) -> None:
        """The process's own list, or that of whom it was forked from."""
        f, w = self.f, self.w
        key = w.place("key")
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

    def _find_mapping(self) -> None:
        """The mapping of the address `pc`, and its table: 0 without one."""
        f, w = self.f, self.w
        w["table"] = 0
        w["length"] = 0
        self._search(
            w["ranges"],
            rows.RANGE_STEPS,
            lambda at: self._element(rows.RANGES, f.op("add", w["first"], at)),
            w["pc"],
        )
        with only_if(f, f.icmp("ne", w["base"], 0)):
            at = f.op("add", w["first"], f.op("sub", w["base"], 1))
            found = self._element(rows.RANGES, at)
            with only_if(f, f.icmp("ne", found, NULL)):
                self._take_range(found)
        with only_if(f, f.icmp("eq", w["length"], 0)):
            self._find_unlisted()

    def _find_unlisted(self) -> None:
        """What the kernel tells is kept: with interrupts off it can be asked but once."""
        f, w = self.f, self.w
        kept, ask, done = f.block("kept"), f.block("ask"), f.block("found")
        f.cbr(f.icmp("ult", f.op("sub", w["pc"], w["start2"]), w["length2"]), kept, ask)
        f.at(kept)
        for name in _MAPPING:
            w[name] = w[f"{name}2"]
        f.br(done)
        f.at(ask)
        self._ask_kernel()
        with only_if(f, f.icmp("ne", w["length"], 0)):
            for name in _MAPPING:
                w[f"{name}2"] = w[name]
        f.br(done)
        f.at(done)

    def _take_range(self, found: Value) -> None:
        f, w = self.f, self.w
        end = f.load("i64", f.gep(found, 8))
        with only_if(f, f.icmp("ult", w["pc"], end)):
            start = f.load("i64", found)
            w["start"] = start
            w["length"] = f.op("sub", end, start)
            pages = f.zext(f.load("i32", f.gep(found, 16)), "i64")
            w["shift"] = f.op("sub", f.op("shl", pages, _PAGE_SHIFT), start)
            w["table"] = f.zext(f.load("i32", f.gep(found, 20)), "i64")

    def _ask_kernel(self) -> None:
        """By the kernel's own account of the process's memory."""
        f, w = self.f, self.w
        for name in _FILE:
            w[name] = 0
        task = f.helper(Helper.GET_CURRENT_TASK_BTF, [], "ptr")
        callback = self._found_callback()
        f.helper(Helper.FIND_VMA, [task, w["pc"], callback.value, self.frame, const(0)])
        known, unknown, done = f.block("known"), f.block("unknown"), f.block("asked")
        f.cbr(f.icmp("ne", w["inode"], 0), known, unknown)
        f.at(known)
        key = w.place("key")
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
            self._ask_user_space([w[name] for name in _FILE])
        f.br(done)
        f.at(done)
        # A list that does not hold it is not all; where there is none the kernel serves as well.
        missing = f.op("or", f.icmp("eq", w["length"], 0), f.icmp("ne", w["ranges"], 0))
        with only_if(f, missing):
            self._ask_user_space([const(0)] * len(_FILE))

    def _found_callback(self) -> Function:
        """Called with the struct vm_area_struct of an address: notes what the walk needs."""
        offset = self.unit.kernel.offset
        params = [("task", "ptr"), ("vma", "ptr"), ("data", "ptr")]
        c = self.unit.module.function("unwind_mapping", params)
        _, vma, data = c.params
        w = Words(c, c.load("ptr", data), NAMES)

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

    def _ask_user_space(self, file: list[Value]) -> None:
        """For the process's mappings or a file's table; not for the same again and again."""
        f, w = self.f, self.w
        key = w.place("key")
        f.store(f.op("xor", f.op("xor", w["pid"], w["identity"]), f.op("shl", file[0], 24)), key)
        asked = self._lookup(rows.ASKED, key)
        now = f.helper(Helper.KTIME_GET_NS, [])
        before, again, done = f.block("before"), f.block("again"), f.block("asked")
        f.cbr(f.icmp("ne", asked, NULL), before, again)
        f.at(before)
        since = f.op("sub", now, f.load("i64", asked))
        f.cbr(f.icmp("slt", since, _ASK_AGAIN), done, again)
        f.at(again)
        time = w.place("time")
        f.store(now, time)
        names = Value(f"@{rows.ASKED}", "ptr")
        f.helper(Helper.MAP_UPDATE_ELEM, [names, key, time, const(0)])
        ring = Value(f"@{rows.REQUESTS}", "ptr")
        request = f.helper(
            Helper.RINGBUF_RESERVE, [ring, const(calcsize(rows.REQUEST)), const(0)], "ptr"
        )
        with only_if(f, f.icmp("ne", request, NULL)):
            for at, value in enumerate((w["pid"], w["identity"], w["pc"], *file)):
                f.store(value, f.gep(request, 8 * at))
            f.helper(Helper.RINGBUF_SUBMIT, [request, const(0)])
        f.br(done)
        f.at(done)

    def _element(self, name: str, index: Value) -> Value:
        """Element of an array map, NULL beyond its end."""
        key = self.w.place("key")
        self.f.store(self.f.trunc(index, "i32"), key)
        return self._lookup(name, key)

    def _search(
        self, count: Value, most: int, element: Callable[[Value], Value], key: Value
    ) -> None:
        """`base` becomes how many of `count` sorted elements are not above the key.

        `row` becomes the last one of these.
        """
        f, w = self.f, self.w
        w["sought"] = key
        w["base"] = 0
        w["left"] = count
        with f.loop(most):
            f.break_if(f.icmp("eq", w["left"], 0))
            middle = element(f.op("sub", f.op("add", w["base"], self._half()), 1))
            f.break_if(f.icmp("eq", middle, NULL))
            value = f.load("i64", middle)
            below, above, done = f.block("below"), f.block("above"), f.block("halved")
            half = self._half()
            f.cbr(f.icmp("ule", value, w["sought"]), below, above)
            f.at(below)
            w["row"] = value
            w["base"] = f.op("add", w["base"], half)
            w["left"] = f.op("sub", w["left"], half)
            f.br(done)
            f.at(above)
            w["left"] = f.op("sub", half, 1)
            f.br(done)
            f.at(done)

    def _half(self) -> Value:
        """Of a search's elements that are left, how many are up to the middle one."""
        return self.f.op("lshr", self.f.op("add", self.w["left"], 1), 1)

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
            index = w.place("key")

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
