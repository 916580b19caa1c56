"""What a process has mapped at an address, as the kernel keeps it: down its tree of mappings.

bpf_find_vma() tells the same, but with interrupts off only once, since it has to leave a lock
behind.  The tree (lib/maple_tree.c; include/linux/maple_tree.h tells the nodes) is read here
without the lock: BPF programs run under RCU, so that nodes which are replaced meanwhile stay
readable, and what was found is checked to hold the address.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

from dscript.kernel import unwind_rows as rows
from dscript.lowering.generator import Unit
from dscript.lowering.kernel import KernelLayout
from dscript.lowering.steps import Step, Words, only_if, steps
from dscript.object.function import Function
from dscript.object.helpers import Helper
from dscript.object.values import Value, const

# Linux 6.11 and later, 6.7 and later, before (struct inode in include/linux/fs.h).
_MTIME = (
    ("i_mtime_sec", "i_mtime_nsec"),
    ("__i_mtime.tv_sec", "__i_mtime.tv_nsec"),
    ("i_mtime.tv_sec", "i_mtime.tv_nsec"),
)
_MEMBERS = (
    ("task_struct", "mm"),
    ("mm_struct", "start_stack"),
    ("mm_struct", "end_code"),
    ("mm_struct", "context.vdso"),
    ("mm_struct", "mm_mt"),
    ("maple_tree", "ma_root"),
    ("vm_area_struct", "vm_start"),
    ("vm_area_struct", "vm_end"),
    ("vm_area_struct", "vm_pgoff"),
    ("vm_area_struct", "vm_file"),
    ("file", "f_inode"),
    ("inode", "i_ino"),
    ("inode", "i_size"),
)
_NODES = (
    ("maple_range_64", "pivot", 8),
    ("maple_range_64", "slot", 128),
    ("maple_arange_64", "pivot", 8),
    ("maple_arange_64", "slot", 80),
)
PAGE_SHIFT = 12
# A pointer to a node has its kind and flags below the node's alignment.
NODE_SIZE = 256
_KIND_SHIFT, _KIND_BITS = 3, 15
_LEAF, _WITH_GAPS = 1, 3  # maple_leaf_64, maple_arange_64
_PIVOTS = {True: 9, False: 15}  # of a node with gaps, and of any other
_SLOTS_AT = {True: 80, False: 128}
_STEPS = (8, 4, 2, 1)
# Most nodes are half full at least: room for 5**6 times 8 mappings, or many more.
_LEVELS = 7
# Entries that are no pointers to nodes: small ones, and a root without this mark (xa_is_node()).
_SMALLEST_NODE, _MARK_BITS, _MARK = 4096, 3, 2

# What is told of a mapping: of a walk's numbers, those that this sets.
FILE = ("inode", "size", "mtime")
NUMBERS = ("node", "kind", "slot")


def knows_kernel(kernel: KernelLayout) -> bool:
    """Whether this kernel (Linux 6.1 and later) keeps mappings in the way that is known here."""
    if not any(all(kernel.has("inode", name) for name in names) for names in _MTIME):
        return False
    if not all(kernel.has(struct, member) for struct, member in _MEMBERS):
        return False
    return all(
        kernel.has(node, member) and kernel.offset(node, member, None) == at
        for node, member, at in _NODES
    )


class KernelMappings(ABC):
    """Emits into `f` what finds the mapping of an address; `node` is room for a tree's node."""

    unit: Unit
    f: Function
    w: Words

    @property
    @abstractmethod
    def node(self) -> Value:
        """Room for a node."""

    def _look_into_tree(self) -> None:
        """The mapping of `pc`: `start`, `length` (0: none), `shift`, `FILE`; the vDSO's `table`."""
        f, w = self.f, self.w
        for name in FILE:
            w[name] = 0
        task = f.helper(Helper.GET_CURRENT_TASK_BTF, [], "ptr")
        memory = f.load("ptr", f.gep(task, self._member("task_struct", "mm")))
        root = self._member("mm_struct", "mm_mt") + self._member("maple_tree", "ma_root")
        w["node"] = f.opaque(f.load("i64", f.gep(memory, root)))
        w["kind"] = 0
        with only_if(f, f.icmp("ne", f.op("and", w["node"], _MARK_BITS), _MARK)):
            w["node"] = 0  # no node but an entry, or nothing
        with steps(f, "unwind_descend", _LEVELS, w) as step:
            self.f, self.w = step.f, step.words
            self._descend(step)
        self.f, self.w = f, w
        leaf = f.icmp("eq", w["kind"], _LEAF)
        pointer = f.icmp("eq", f.op("and", w["node"], _MARK_BITS), 0)
        with only_if(f, f.op("and", leaf, pointer)), only_if(f, f.icmp("ne", w["node"], 0)):
            self._describe(
                f.opaque(f.load("i64", f.gep(memory, self._member("mm_struct", "context.vdso"))))
            )

    def _descend(self, step: Step) -> None:
        """`node` becomes that of the part which holds the address; from a leaf, its entry."""
        f, w = self.f, self.w
        entry = w["node"]
        step.stop_if(f.icmp("ule", entry, _SMALLEST_NODE))
        w["kind"] = f.op("and", f.op("lshr", entry, _KIND_SHIFT), _KIND_BITS)
        address = f.op("and", entry, ~(NODE_SIZE - 1))
        w["node"] = 0
        read = f.helper(Helper.PROBE_READ_KERNEL, [self.node, const(NODE_SIZE), address])
        step.stop_if(f.icmp("ne", read, 0))
        w["slot"] = 0
        for ahead in _STEPS:
            self._pass_pivots(ahead)
        gaps = f.icmp("eq", w["kind"], _WITH_GAPS)
        first = f.select(gaps, const(_SLOTS_AT[True]), const(_SLOTS_AT[False]))
        place = f.op("and", f.op("add", first, f.op("shl", w["slot"], 3)), NODE_SIZE - 8)
        w["node"] = f.load("i64", f.gep(self.node, place))
        step.stop_if(f.icmp("eq", w["kind"], _LEAF))

    def _pass_pivots(self, ahead: int) -> None:
        """Go `ahead` slots on if what they hold lies below the address."""
        f, w = self.f, self.w
        gaps = f.icmp("eq", w["kind"], _WITH_GAPS)
        most = f.select(gaps, const(_PIVOTS[True]), const(_PIVOTS[False]))
        with only_if(f, f.icmp("ule", f.op("add", w["slot"], ahead), most)):
            place = f.op("and", f.op("shl", f.op("add", w["slot"], ahead), 3), NODE_SIZE // 2 - 8)
            # One that is 0 comes after the last.
            end = f.op("sub", f.load("i64", f.gep(self.node, place)), 1)
            with only_if(f, f.icmp("ult", end, f.op("sub", w["pc"], 1))):
                w["slot"] = f.op("add", w["slot"], ahead)

    def _describe(self, vdso: Value) -> None:
        """What the struct vm_area_struct at `node` tells, if it holds the address."""
        f, w = self.f, self.w
        area = "vm_area_struct"
        w["start"] = self._peek(w["node"], area, "vm_start")
        size = f.op("sub", self._peek(w["node"], area, "vm_end"), w["start"])
        with only_if(f, f.icmp("ult", f.op("sub", w["pc"], w["start"]), size)):
            w["length"] = size
            pages = self._peek(w["node"], area, "vm_pgoff")
            w["shift"] = f.op("sub", f.op("shl", pages, PAGE_SHIFT), w["start"])
            with only_if(f, f.icmp("eq", vdso, w["start"])):
                w["table"] = rows.VDSO_TABLE
            w["node"] = self._peek(w["node"], area, "vm_file")
            with only_if(f, f.icmp("ne", w["node"], 0)):
                w["node"] = self._peek(w["node"], "file", "f_inode")
                w["inode"] = self._peek(w["node"], "inode", "i_ino")
                w["size"] = self._peek(w["node"], "inode", "i_size")
                w["mtime"] = self._changed()

    def _changed(self) -> Value:
        """Nanoseconds of a file's last change; the members' names have changed with kernels."""
        f, kernel = self.f, self.unit.kernel
        seconds, rest = next(
            (names for names in _MTIME if kernel.has("inode", names[0])), _MTIME[-1]
        )
        whole = f.op("mul", self._peek(self.w["node"], "inode", seconds), 1_000_000_000)
        part = f.op("and", self._peek(self.w["node"], "inode", rest), 0xFFFFFFFF)
        return f.op("add", whole, part)

    def _peek(self, address: Value, struct: str, member: str) -> Value:
        """A word of the kernel's memory; 0 where it cannot be read."""
        f, place = self.f, self.w.place("word")
        where = f.op("add", address, self._member(struct, member))
        f.helper(Helper.PROBE_READ_KERNEL, [place, const(8), where])
        return f.opaque(f.load("i64", place))

    def _member(self, struct: str, member: str) -> int:
        return self.unit.kernel.offset(struct, member, None)
