"""Built-in variables: how each is computed in a BPF program."""

from __future__ import annotations

from collections.abc import Callable

from dscript.errors import Span
from dscript.lowering import compat_calls, interrupts, unwinding, user_arguments
from dscript.lowering.generator import Generator
from dscript.lowering.layout import State
from dscript.lowering.probes import enabled_probe_id, probe_id
from dscript.lowering.threads import read_ids, task, task_load
from dscript.lowering.unwind_lookup import MAX_FRAMES
from dscript.object.helpers import F_USER_STACK, Helper
from dscript.object.values import NULL, Value, const
from dscript.semantics import tree


def scalar(g: Generator, node: tree.Builtin) -> Value:
    """The value of an integer or pointer built-in, extended to 64 bits."""
    if node.name.startswith("arg") and node.name[3:].isdigit():
        return argument(g, node.index, node.span)
    return _SCALARS[node.name](g, node.span)


def argument(g: Generator, index: int, span: Span) -> Value:
    """`arg0` … `arg9`; 0 for an argument that the probe does not have."""
    f, ctx = g.f, g.ctx
    match g.firing:
        case "syscall_entry":
            return _syscall_argument(g, index)
        case "syscall_return":
            return _result(g) if index <= 1 else const(0)
        case "raw_tp" | "tp_btf" | "fentry":
            if g.arguments and index >= len(g.arguments):
                return const(0)
            limit = len(g.arguments) or 6
            return _word(g, index) if index < limit else const(0)
        case "fexit":
            return _function_result(g) if index == 1 else const(0)
        case "kprobe":
            registers = g.unit.kernel.registers["call"]
            return f.ctx_load(ctx, registers[index]) if index < len(registers) else const(0)
        case "kretprobe":
            result = g.unit.kernel.registers["result"][0]
            return f.ctx_load(ctx, result) if index == 1 else const(0)
        case "uprobe":
            return user_arguments.function_argument(g, index)
        case "ureturn":
            return user_arguments.function_result(g, index)
        case "usdt":
            return user_arguments.defined_argument(g, index, span)
        case "perf_event":
            return _sampled_pc(g, user=index == 1) if index < 2 else const(0)
        case "perf_tp":
            return _record_field(g, index)
        case "error":
            return _error_argument(g, index)
        case _:
            return const(0)


def typed_argument(g: Generator, node: tree.ProbeArgument) -> Value:
    """`args[n]`, from where the provider says it lies, as a value of its type."""
    f, ctx, place = g.f, g.ctx, node.place
    registers = g.unit.kernel.registers
    match g.firing:
        case "syscall_entry":
            raw = _syscall_argument(g, place.word)
        case "syscall_return":
            raw = _result(g)
        case "kprobe":
            raw = f.ctx_load(ctx, registers["call"][place.word])
        case "uprobe" | "ureturn":
            raw = user_arguments.typed(g, place, node.index)
        case "usdt":
            raw = user_arguments.defined_argument(g, place.word, node.span)
        case "kretprobe":
            raw = f.ctx_load(ctx, registers["result"][0])
        case "fexit" if node.index == 1:
            raw = _function_result(g)
        case "perf_tp":
            return g.normalise(_record_field(g, node.index), node.type)
        case _:
            raw = _word(g, place.word)
    return g.normalise(raw, node.type)


def _word(g: Generator, index: int) -> Value:
    """A word of the context as a number.

    Where the kernel keeps types, the verifier takes it for a pointer and refuses arithmetic;
    what was negated is a number to it.
    """
    f = g.f
    word = f.ctx_load(g.ctx, 8 * index)
    if g.firing not in ("tp_btf", "fentry", "fexit"):
        return word
    return f.op("sub", 0, f.opaque(f.op("sub", 0, f.opaque(word))))


def _syscall_argument(g: Generator, index: int) -> Value:
    known = g.cached.get("syscall_arguments")
    registers = g.unit.kernel.registers["syscall"]
    if index >= len(registers):
        return const(0)
    if g.shape is not None and g.shape.arguments is not None:
        shown = g.shape.arguments
        place = shown[index] if index < len(shown) else "=0"
        if isinstance(place, str):
            return const(int(place[1:]))
        index = place
    f = g.f
    low = min(registers)
    if known is None:
        known = read_syscall_arguments(g)
    return f.load("i64", f.gep(known, registers[index] - low))


def read_syscall_arguments(g: Generator) -> Value:
    """All argument registers of the call at once, on the stack: one read serves them all."""
    f = g.f
    registers = g.unit.kernel.registers["syscall"]
    low, high = min(registers), max(registers) + 8
    buffer = f.slot("regs", high - low)
    regs = f.ctx_load(g.ctx, 0)
    f.helper(
        Helper.PROBE_READ_KERNEL, [buffer, const(high - low), f.to_ptr(f.op("add", regs, low))]
    )
    compat_calls.fix_arguments(g, buffer, regs)
    return buffer


def _result(g: Generator) -> Value:
    """A system call's result as DTrace shows it: -1 on error (errno tells which)."""
    f = g.f
    raw = f.ctx_load(g.ctx, 8)
    return f.select(_is_error(g, raw), const(-1), raw)


def _is_error(g: Generator, raw: Value) -> Value:
    # The kernel returns -1 … -4095 for errors (include/linux/err.h, MAX_ERRNO).
    return g.f.icmp("uge", raw, -4095)


def _function_result(g: Generator) -> Value:
    f = g.f
    place = f.slot("ret", 8)
    f.store(const(0), place)
    f.helper(Helper.GET_FUNC_RET, [g.ctx, place])
    return f.load("i64", place)


def _sampled_pc(g: Generator, *, user: bool) -> Value:
    """The sampled program counter if it was in that mode, else 0.

    Kernel addresses have the top bit set on x86-64 and aarch64.
    """
    f = g.f
    pc = f.ctx_load(g.ctx, g.unit.kernel.registers["pc"][0])
    in_kernel = f.icmp("slt", pc, 0)
    return f.select(in_kernel, const(0), pc) if user else f.select(in_kernel, pc, const(0))


def _record_field(g: Generator, index: int) -> Value:
    """Field of a tracepoint's record, as its format file places it."""
    f = g.f
    if index >= len(g.arguments):
        return const(0)
    field = g.arguments[index]
    if field.size not in (1, 2, 4, 8):
        # A longer field (an array) is known by its address.
        return g.address_of(f.gep(g.ctx, field.offset)) if field.size else const(0)
    value = f.ctx_load(g.ctx, field.offset, f"i{8 * field.size}")
    if field.size == 8:
        return value
    return f.sext(value, "i64") if field.signed else f.zext(value, "i64")


def _error_argument(g: Generator, index: int) -> Value:
    """ERROR: arg1 EPID, arg2 action, arg3 offset, arg4 fault, arg5 its value."""
    places = {
        1: State.FAULT_EPID,
        2: State.FAULT_ACTION,
        4: State.FAULT,
        5: State.FAULT_ADDRESS,
    }
    if index == 3:
        return const(-1)
    return g.f.load("i64", g.state_at(places[index])) if index in places else const(0)


# ------------------------------------------------------------------ who and where


def _ids(g: Generator) -> Value:
    """tgid << 32 | tid as the tracer's PID namespace numbers them."""
    known = g.cached.get("ids")
    return known or read_ids(g)


def _pid(g: Generator, span: Span) -> Value:
    return g.f.op("lshr", _shown_ids(g), 32)


def _tid(g: Generator, span: Span) -> Value:
    return g.f.op("and", _shown_ids(g), 0xFFFFFFFF)


def _shown_ids(g: Generator) -> Value:
    """As `_ids`, or with the option pidns=init as the initial namespace numbers them."""
    return g.pid_tgid() if g.unit.host_pids and g.subject < 0 else _ids(g)


def _ppid(g: Generator, span: Span) -> Value:
    pid = task_load(g, span, ("task_struct", "real_parent"), ("task_struct", "tgid"), type="i32")
    return g.f.sext(pid, "i64")


def _low_uid(g: Generator, span: Span) -> Value:
    if g.subject >= 0:
        return _credential("uid.val")(g, span)
    return g.f.op("and", g.f.helper(Helper.GET_CURRENT_UID_GID, []), 0xFFFFFFFF)


def _high_gid(g: Generator, span: Span) -> Value:
    if g.subject >= 0:
        return _credential("gid.val")(g, span)
    return g.f.op("lshr", g.f.helper(Helper.GET_CURRENT_UID_GID, []), 32)


def _credential(member: str) -> Callable[[Generator, Span], Value]:
    def read(g: Generator, span: Span) -> Value:
        value = task_load(g, span, ("task_struct", "cred"), ("cred", member), type="i32")
        return g.f.zext(value, "i64")

    return read


def _cpu(g: Generator, span: Span) -> Value:
    return g.f.helper(Helper.GET_SMP_PROCESSOR_ID, [])


def _ipl(g: Generator, span: Span) -> Value:
    return interrupts.level(g, task(g), span)


def _curthread(g: Generator, span: Span) -> Value:
    return g.address_of(task(g))


# ------------------------------------------------------------------------------- time


def _timestamp(g: Generator, span: Span) -> Value:
    return g.cached.get("timestamp") or g.f.helper(Helper.KTIME_GET_NS, [])


def _walltimestamp(g: Generator, span: Span) -> Value:
    known = g.cached.get("walltimestamp")
    return known or read_walltime(g)


def read_walltime(g: Generator) -> Value:
    f = g.f
    tai = f.helper(Helper.KTIME_GET_TAI_NS, [])
    return f.op("sub", tai, g.load_word("tai_offset_ns"))


def _vtimestamp(g: Generator, span: Span) -> Value:
    return g.cached.get("vtimestamp") or read_vtime(g, span)


# Entry of the per-CPU array `vtime`: task, CPU time it had when it came on, clock then.
VTIME = Value("@vtime", "ptr")


def read_vtime(g: Generator, span: Span) -> Value:
    """Nanoseconds of CPU of the thread: what it had when switched in, and the time since.

    The switch is noted by a program on sched_switch (`programs.vtime_program`); before the
    first switch on this CPU the scheduler's own sum serves, which lags by up to a tick.
    """
    g.unit.needs_vtime = True
    f = g.f
    current = task(g)
    runtime = g.unit.kernel.offset("task_struct", "se.sum_exec_runtime", span)
    total = f.opaque(f.load("i64", f.gep(current, runtime)))
    key = f.slot("vkey", 4, 4)
    f.store(const(0, "i32"), key)
    entry = f.helper(Helper.MAP_LOOKUP_ELEM, [VTIME, key], "ptr")
    start = f.current
    seen, same, done = f.block("vtime"), f.block("vsame"), f.block("vdone")
    f.cbr(f.icmp("ne", entry, NULL), seen, done)
    f.at(seen)
    owner = f.load("i64", entry)
    f.cbr(f.icmp("eq", owner, g.address_of(current)), same, done)
    f.at(same)
    # Of one clause both clocks are read once: neither is ahead of the other.
    now = g.cached.get("timestamp") or f.helper(Helper.KTIME_GET_NS, [])
    base = f.load("i64", f.gep(entry, 8))
    since = f.op("sub", now, f.load("i64", f.gep(entry, 16)))
    # Below 0 if the thread was switched out after it had read timestamp.
    exact = f.op("add", base, f.select(f.icmp("sgt", since, const(0)), since, const(0)))
    f.br(done)
    f.at(done)
    return f.phi("i64", [(total, start), (total, seen), (exact, same)])


# ----------------------------------------------------------------------------- probe


def _id(g: Generator, span: Span) -> Value:
    """The number in the ID column: a table indexed by probe key."""
    return probe_id(g)


def _epid(g: Generator, span: Span) -> Value:
    return enabled_probe_id(g)


def _errno(g: Generator, span: Span) -> Value:
    if g.firing != "syscall_return":
        return const(0)
    f = g.f
    raw = f.ctx_load(g.ctx, 8)
    return f.select(_is_error(g, raw), f.op("sub", 0, raw), const(0))


# ----------------------------------------------------------------------------- stacks


def has_stack(g: Generator) -> bool:
    """bpf_get_stack wants a context with registers; BEGIN and END run in none."""
    return g.firing not in ("syscall_program", "error")


# Frames of the tracing itself on top of the kernel stack: the clause's function, the
# program's, and how the kernel called it (bpf_trace_run*, __bpf_trace_*; the trampoline).
_OWN_FRAMES = {
    "syscall_entry": 4,
    "syscall_return": 4,
    "raw_tp": 4,
    "tp_btf": 3,
    "fentry": 3,
    "fexit": 3,
}


def own_frames(g: Generator) -> int:
    """Frames to skip so that stack() starts at the code that was probed."""
    return _OWN_FRAMES.get(g.firing, 0)


def _caller(g: Generator, span: Span) -> Value:
    return _frame(g, own_frames(g) + 1, 0)


def _ucaller(g: Generator, span: Span) -> Value:
    """The return address: exact where a user function begins or is left, else by frames."""
    if g.firing not in ("uprobe", "ureturn") or g.unit.kernel.machine != "x86_64":
        return _frame(g, 1, F_USER_STACK)
    f = g.f
    address = f.slot("ucaller", 8)
    exact, framed, done = f.block("exact"), f.block("framed"), f.block("ucaller")
    f.cbr(user_arguments.is_outside(g), exact, framed)
    f.at(exact)
    f.store(user_arguments.return_address(g), address)
    f.br(done)
    f.at(framed)
    # The kernel's own return probe has come back already: the first frame is the caller.
    f.store(_frame(g, 1 if g.firing == "uprobe" else 0, F_USER_STACK), address)
    f.br(done)
    f.at(done)
    return f.load("i64", address)


def _frame(g: Generator, number: int, flags: int) -> Value:
    if not has_stack(g):
        return const(0)
    f = g.f
    if flags & F_USER_STACK and unwinding.available(g):
        return unwinding.frame(g, number)
    place = f.slot("frame", 8)
    f.store(const(0), place)
    f.helper(Helper.GET_STACK, [g.ctx, place, const(8), const(flags | number)])
    return f.load("i64", place)


def _stackdepth(g: Generator, span: Span) -> Value:
    return _depth(g, own_frames(g))


def _ustackdepth(g: Generator, span: Span) -> Value:
    return _depth(g, F_USER_STACK)


def _depth(g: Generator, flags: int) -> Value:
    if not has_stack(g):
        return const(0)
    f = g.f
    if flags & F_USER_STACK and unwinding.available(g):
        return unwinding.depth(g)
    size = MAX_FRAMES * 8
    place = g.temporary_at(size)
    got = f.helper(Helper.GET_STACK, [g.ctx, place, const(size), const(flags)])
    return f.select(f.icmp("sgt", got, 0), f.op("lshr", got, 3), const(0))


_SCALARS: dict[str, Callable[[Generator, Span], Value]] = {
    "pid": _pid,
    "tid": _tid,
    "ppid": _ppid,
    "uid": _low_uid,
    "gid": _high_gid,
    "euid": _credential("euid.val"),
    "egid": _credential("egid.val"),
    "cpu": _cpu,
    "timestamp": _timestamp,
    "vtimestamp": _vtimestamp,
    "walltimestamp": _walltimestamp,
    "id": _id,
    "epid": _epid,
    "errno": _errno,
    "caller": _caller,
    "ucaller": _ucaller,
    "stackdepth": _stackdepth,
    "ustackdepth": _ustackdepth,
    "curthread": _curthread,
    "ipl": _ipl,
}
