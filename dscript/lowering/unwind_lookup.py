"""What a walk through a user stack looks up: the process's mappings and the rows of tables.

See `unwinding`, whose walks ask, and `dscript.kernel.unwind_rows` for the maps.
"""

from __future__ import annotations

from collections.abc import Callable
from struct import calcsize

from dscript.kernel import unwind_rows as rows
from dscript.kernel.unwind_rows import Stop
from dscript.lowering.generator import Unit
from dscript.lowering.steps import only_if
from dscript.lowering.unwind_kernel import FILE, NODE_SIZE, NUMBERS, PAGE_SHIFT, KernelMappings
from dscript.object.helpers import F_MMAPABLE, F_NO_PREALLOC, Helper, MapType
from dscript.object.values import NULL, Value, const

# The numbers of a walk: registers; addresses so far, and how many are wanted; the process and its
# list; the mapping that the last address was in (start, bytes, what leads to its offset in the
# file, table); what tells the file; the row; a search; where the registers are; what helpers
# are given to read or to fill, which would else lie on the stack: older kernels (6.1) add up the
# 512 bytes of it over callbacks as over calls; whether frame pointers had to be followed, and
# where a table was not there yet; whether the probe is where a function begins or is left, its
# frame not made or gone.
NAMES = (
    "ip", "sp", "bp", "exact", "count", "limit", "pid", "identity", "first", "ranges",
    "start", "length", "shift", "table", *FILE, "row",
    "base", "left", "regs", "key", "key_middle", "key_end", "time", "word", "cfa", "pc", "sought",
    "guessed", "late", "edge", *NUMBERS,
)  # fmt: skip
_ASK_AGAIN = 2_000_000  # ns; user space keeps those for longer that ask in vain
MAX_FRAMES = 127
WORDS_SIZE = 8 * len(NAMES)
# Behind the words and the addresses of a walk.
_NODE_AT = WORDS_SIZE + 8 * MAX_FRAMES
BLOCK_SIZE = _NODE_AT + NODE_SIZE


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


class Lookup(KernelMappings):
    """Emits into `f` what looks things up for the walk whose numbers are `w`."""

    @property
    def node(self) -> Value:
        return self.f.gep(self.w.base, _NODE_AT)

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

    def _take_range(self, found: Value) -> None:
        f, w = self.f, self.w
        end = f.load("i64", f.gep(found, 8))
        with only_if(f, f.icmp("ult", w["pc"], end)):
            start = f.load("i64", found)
            w["start"] = start
            w["length"] = f.op("sub", end, start)
            pages = f.zext(f.load("i32", f.gep(found, 16)), "i64")
            w["shift"] = f.op("sub", f.op("shl", pages, PAGE_SHIFT), start)
            w["table"] = f.zext(f.load("i32", f.gep(found, 20)), "i64")
            with only_if(f, f.icmp("eq", w["table"], rows.PENDING)):
                self._note_late()

    def _find_unlisted(self) -> None:
        """By the kernel's own account of the process's memory."""
        f, w = self.f, self.w
        self._look_into_tree()
        known, unknown, done = f.block("known"), f.block("unknown"), f.block("asked")
        f.cbr(f.icmp("ne", w["inode"], 0), known, unknown)
        f.at(known)
        key = w.place("key")
        for at, name in enumerate(FILE):
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
            self._note_late()
            self._ask_user_space([w[name] for name in FILE])
        f.br(done)
        f.at(done)
        # A list is faster; one that does not hold what the kernel does is not all.
        with only_if(f, f.icmp("ne", w["length"], 0)):
            self._ask_user_space([const(0)] * len(FILE), at_once=False)

    def _note_late(self) -> None:
        """What is missing may be there for the next stack; behind a guess it may be nothing."""
        w = self.w
        with only_if(self.f, self.f.icmp("eq", w["guessed"], 0)):
            w["late"] = w["pc"]

    def _ask_user_space(self, file: list[Value], *, at_once: bool = True) -> None:
        """For the process's mappings or a file's table; not for the same again and again.

        What is not wanted at once is asked for if it is still wanted a moment later: most
        processes do not live long.
        """
        f, w = self.f, self.w
        key = w.place("key")
        f.store(f.op("xor", f.op("xor", w["pid"], w["identity"]), f.op("shl", file[0], 24)), key)
        asked = self._lookup(rows.ASKED, key)
        now = f.helper(Helper.KTIME_GET_NS, [])
        before, again, done = f.block("before"), f.block("again"), f.block("asked")
        first = f.block("first")
        f.cbr(f.icmp("ne", asked, NULL), before, first)
        f.at(before)
        since = f.op("sub", now, f.load("i64", asked))
        f.cbr(f.icmp("slt", since, _ASK_AGAIN), done, again)
        f.at(first)
        if at_once:
            f.br(again)
        else:
            self._note_asked(key, now)
            f.br(done)
        f.at(again)
        self._note_asked(key, now)
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

    def _note_asked(self, key: Value, now: Value) -> None:
        time = self.w.place("time")
        self.f.store(now, time)
        names = Value(f"@{rows.ASKED}", "ptr")
        self.f.helper(Helper.MAP_UPDATE_ELEM, [names, key, time, const(0)])

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
