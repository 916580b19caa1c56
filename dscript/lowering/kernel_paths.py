"""d_path(path): the name of a `struct path`, by walking its directory entries.

`__mount_path(path)` is where its file system is mounted: the name of the mount's root.
`__inode_path(inode)` and `__inode_mount(inode)` are these of an inode's first name in the first
place where its file system is mounted.
`__first_mount(super_block)` is the struct mount of that place.
`__cgroup_path(node)` is the name of a control group's `struct kernfs_node`.

bpf_d_path() is for a few functions only, so the walk is done here (cf. prepend_path() in
fs/d_path.c): names are put in front of each other up to the root of the first mount.
"""

from __future__ import annotations

from collections.abc import Callable

from dscript.lowering.generator import Generator, StringInto
from dscript.lowering.layout import round_up
from dscript.lowering.steps import Step, Words, if_below, only_if, shared, steps, words
from dscript.lowering.string_arguments import limit_of
from dscript.object.function import Function
from dscript.object.helpers import Helper
from dscript.object.values import Value, const
from dscript.program import Fault
from dscript.semantics import tree

# PATH_MAX, and NAME_MAX + 1 (include/uapi/linux/limits.h).
_PATH = 4096
_NAME = 256
# Components and mounts that are walked at most.
_DEPTH = 512

Offset = Callable[[str, str], int]

_WALK = ("dentry", "mount", "at", "read", "length", "name")


def _d_path(g: Generator, call: tree.SubroutineCall, destination: Value, capacity: int) -> None:
    f = g.f
    where = g.value(call.args[0])
    buffer = g.temporary_at(round_up(_PATH + _NAME))
    state = words(g, dentry=0, mount=0, at=_PATH - 1, read=0, length=0, name=0)
    for word, member in (("dentry", "dentry"), ("mount", "mnt")):
        offset = g.unit.kernel.offset("path", member, call.span)
        slot = f.gep(state.base, 8 * _WALK.index(word))
        result = f.helper(Helper.PROBE_READ_KERNEL, [slot, const(8), f.op("add", where, offset)])
        g.fault_if(f.icmp("ne", result, 0), Fault.BADADDR, where)
    # `mnt` points to the middle of a struct mount.
    inside = g.unit.kernel.offset("mount", "mnt", call.span)
    state["mount"] = f.op("sub", state["mount"], inside)
    if call.name == "__mount_path":
        _to_root(g, call, state)
    _walk(g, "walk_path", buffer, state, lambda f: _build(g, f, call))
    _finish(g, call, destination, capacity, buffer, state)


def _inode_path(g: Generator, call: tree.SubroutineCall, destination: Value, capacity: int) -> None:
    f, kernel = g.f, g.unit.kernel
    inode = g.value(call.args[0])
    buffer = g.temporary_at(round_up(_PATH + _NAME))
    state = words(g, dentry=0, mount=0, at=_PATH - 1, read=0, length=0, name=0)
    alias = _pointer(g, state, inode, kernel.offset("inode", "i_dentry.first", call.span))
    state["dentry"] = f.op("sub", alias, kernel.offset("dentry", "d_u", call.span))
    block = _pointer(g, state, inode, kernel.offset("inode", "i_sb", call.span))
    state["mount"] = _mount_of(g, call, state, block)
    if call.name == "__inode_mount":
        _to_root(g, call, state)
    _walk(g, "walk_path", buffer, state, lambda f: _build(g, f, call))
    _finish(g, call, destination, capacity, buffer, state)


def _first_mount(g: Generator, call: tree.SubroutineCall) -> Value:
    state = words(g, dentry=0, mount=0, at=0, read=0, length=0, name=0)
    return _mount_of(g, call, state, g.value(call.args[0]))


def _mount_of(g: Generator, call: tree.SubroutineCall, state: Words, block: Value) -> Value:
    """The first mount of a super block."""
    kernel = g.unit.kernel
    mount = _pointer(g, state, block, kernel.offset("super_block", "s_mounts", call.span))
    # Before Linux 6.18 a list that goes through the middle of the mounts.
    if kernel.has("mount", "mnt_instance"):
        mount = g.f.op("sub", mount, kernel.offset("mount", "mnt_instance", call.span))
    return mount


def _to_root(g: Generator, call: tree.SubroutineCall, state: Words) -> None:
    """From the entry to the root of its mount."""
    root = g.unit.kernel.offset("mount", "mnt.mnt_root", call.span)
    state["dentry"] = _pointer(g, state, state["mount"], root)


def _pointer(g: Generator, state: Words, base: Value, offset: int) -> Value:
    """A pointer of the kernel's at `base` + `offset`; a fault where there is none."""
    f = g.f
    where = f.op("add", base, offset)
    slot = f.gep(state.base, 8 * _WALK.index("read"))
    result = f.helper(Helper.PROBE_READ_KERNEL, [slot, const(8), where])
    g.fault_if(f.icmp("ne", result, 0), Fault.BADADDR, where)
    return state["read"]


def _cgroup_path(
    g: Generator, call: tree.SubroutineCall, destination: Value, capacity: int
) -> None:
    buffer = g.temporary_at(round_up(_PATH + 2 * _NAME))
    node = g.value(call.args[0])
    state = words(g, dentry=node, mount=0, at=_PATH - 1, read=0, length=0, name=0)
    _walk(g, "walk_cgroup", buffer, state, lambda f: _build_cgroup(g, f, call))
    _finish(g, call, destination, capacity, buffer, state)


def _walk(
    g: Generator, name: str, buffer: Value, state: Words, build: Callable[[Function], None]
) -> None:
    """Put the path's text at the end of the buffer's first part, `at` says from where."""
    g.f.store(const(0, "i8"), g.f.gep(buffer, _PATH - 1), align=1)
    function = shared(g, name, [("buffer", "ptr"), ("state", "ptr")], build)
    g.f.call(function, [buffer, state.base])


def _finish(
    g: Generator,
    call: tree.SubroutineCall,
    destination: Value,
    capacity: int,
    buffer: Value,
    state: Words,
) -> None:
    f = g.f
    f.store(const(0, "i8"), destination, align=1)
    with if_below(f, state["at"], _PATH) as at:
        f.helper(
            Helper.PROBE_READ_KERNEL_STR,
            [destination, const(limit_of(call, capacity)), f.gep(buffer, at)],
        )


def _build(g: Generator, f: Function, call: tree.SubroutineCall) -> None:
    def offset(struct: str, member: str) -> int:
        return g.unit.kernel.offset(struct, member, call.span)

    buffer, base = f.params
    state = Words(f, base, _WALK)
    with steps(f, "walk_path_step", _DEPTH, state, buffer=buffer) as s:
        c, w = s.f, s.words
        dentry, mount = w["dentry"], w["mount"]
        root = _read(s, mount, offset("mount", "mnt.mnt_root"))
        parent = _read(s, dentry, offset("dentry", "d_parent"))
        at_root = c.op("or", c.icmp("eq", dentry, root), c.icmp("eq", dentry, parent))
        with only_if(c, at_root):
            above = _read(s, mount, offset("mount", "mnt_parent"))
            s.stop_if(c.icmp("eq", above, mount))
            w["dentry"] = _read(s, mount, offset("mount", "mnt_mountpoint"))
            w["mount"] = above
            s.next()
        _prepend(s, dentry, offset("dentry", "d_name"), offset)
        w["dentry"] = parent
    _root(f, buffer, state)


def _build_cgroup(g: Generator, f: Function, call: tree.SubroutineCall) -> None:
    """Cf. kernfs_path_from_node() in fs/kernfs/dir.c; the root has no parent and no name."""
    kernel = g.unit.kernel
    # The member is __parent since Linux 6.15.
    above = "parent" if kernel.has("kernfs_node", "parent") else "__parent"
    up = kernel.offset("kernfs_node", above, call.span)
    named = kernel.offset("kernfs_node", "name", call.span)
    buffer, base = f.params
    state = Words(f, base, _WALK)
    with steps(f, "walk_cgroup_step", _DEPTH, state, buffer=buffer) as s:
        c, w = s.f, s.words
        node = w["dentry"]
        parent = _read(s, node, up)
        s.stop_if(c.icmp("eq", parent, 0))
        name = _read(s, node, named)
        text = c.gep(s.pointer("buffer"), _PATH + _NAME)
        got = c.helper(Helper.PROBE_READ_KERNEL_STR, [text, const(_NAME), name])
        s.stop_if(c.icmp("slt", got, 1))
        _put(s, c.op("sub", got, 1), text)
        w["dentry"] = parent
    _root(f, buffer, state)


def _root(f: Function, buffer: Value, state: Words) -> None:
    """The root itself is "/"."""
    with only_if(f, f.icmp("eq", state["at"], _PATH - 1)):
        f.store(const(ord("/"), "i8"), f.gep(buffer, _PATH - 2), align=1)
        state["at"] = _PATH - 2


def _read(s: Step, where: Value, offset: int) -> Value:
    """A pointer of the kernel's; the walk stops where there is none."""
    c = s.f
    slot = c.gep(s.words.base, 8 * _WALK.index("read"))
    result = c.helper(Helper.PROBE_READ_KERNEL, [slot, const(8), c.op("add", where, offset)])
    s.stop_if(c.icmp("ne", result, 0))
    return s.words["read"]


def _prepend(s: Step, dentry: Value, name_at: int, offset: Offset) -> None:
    c = s.f
    qstr = c.op("add", dentry, name_at)
    name = _read(s, qstr, offset("qstr", "name"))
    word = _read(s, qstr, offset("qstr", "len"))
    _put(s, c.op("and", word, 0xFFFFFFFF), name)


def _put(s: Step, length: Value, name: Value) -> None:
    c, w = s.f, s.words
    length = s.within(length, _NAME)
    start = c.op("sub", c.op("sub", w["at"], length), 1)
    start = s.within(start, _PATH)
    place = c.gep(s.pointer("buffer"), start)
    result = c.helper(Helper.PROBE_READ_KERNEL, [c.gep(place, 1), length, name])
    s.stop_if(c.icmp("ne", result, 0))
    c.store(const(ord("/"), "i8"), place, align=1)
    w["at"] = start


STRINGS: dict[str, StringInto] = {
    "d_path": _d_path,
    "__mount_path": _d_path,
    "__inode_path": _inode_path,
    "__inode_mount": _inode_path,
    "__cgroup_path": _cgroup_path,
}

SCALARS = {"__first_mount": _first_mount}
