"""BPF programs: which clauses run where, and the entry code around them.

Clauses that fire at the same place of the kernel share one program there, in program order.
The system-call tracepoints serve every call: the program switches on the call's number.
Probes of one kind with the same list of clauses share a program through attach cookies.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from dscript.errors import Diagnostic
from dscript.lowering import call_names as names
from dscript.lowering import compat_calls, scratch, string_search
from dscript.lowering.clause_generator import ClauseGenerator
from dscript.lowering.clauses import lower_clause, report_function
from dscript.lowering.following import check_followed
from dscript.lowering.generator import Firing, Unit, count_drop
from dscript.lowering.layout import State
from dscript.lowering.records import RecordPlan
from dscript.object.function import Function
from dscript.object.helpers import Helper
from dscript.object.values import NULL, Value, const
from dscript.program import Activity, AttachKind, Attachment, DropKind, StateLayout
from dscript.providers.base import ArgumentType, Context, ProbePoint
from dscript.semantics import tree

# The kernel takes at most 256 functions a program; the rest is for helpers and ERROR.
MAX_CLAUSE_FUNCTIONS = 160
# Clauses of one program beyond which it is split where that can be done.
SPLIT_CLAUSES = 100

_SECTIONS: dict[AttachKind, str] = {
    "begin": "syscall",
    "end": "syscall",
    "raw_tp": "raw_tp/{}",
    "tp_btf": "tp_btf/{}",
    "perf_tp": "tp/{}",
    "profile": "perf_event",
    "tick": "perf_event",
    "counter": "perf_event",
    "fentry": "fentry/{}",
    "fexit": "fexit/{}",
    "kprobe": "kprobe",
    "kretprobe": "kretprobe",
    "kprobe_multi": "kprobe.multi",
    "kretprobe_multi": "kretprobe.multi",
    "uprobe": "kprobe",
    "uretprobe": "kretprobe",
    "uprobe_multi": "kprobe",
    "uretprobe_multi": "kretprobe",
}

# Kinds whose links carry a cookie, the probe's key, so that one program serves many.
_USER_KINDS = frozenset(("uprobe", "uretprobe", "uprobe_multi", "uretprobe_multi"))
_COOKIED = _USER_KINDS | {"kprobe", "kretprobe", "kprobe_multi", "kretprobe_multi"}

_FunctionKey = tuple[Firing, tuple[int, ...], tuple[ArgumentType, ...]]


@dataclass(slots=True)
class Group:
    """One program to be: its place and, for each probe, the clauses in order.

    `by_probe` maps the probe's key to clause indices; `selectors` a call number to the key.
    """

    kind: AttachKind
    context: Context
    target: str
    period_ns: int
    by_probe: dict[int, tuple[int, ...]] = field(default_factory=dict)
    points: dict[int, ProbePoint] = field(default_factory=dict)
    selectors: dict[int, int] = field(default_factory=dict)


def group_points(clauses: list[tree.Clause], *, follow: bool = False) -> list[Group]:
    """Programs in the order of the clauses that first need them.  ERROR is not among them.

    With `follow` each process that is probed has programs of its own.
    """
    at_place: dict[tuple[object, ...], dict[int, list[int]]] = {}
    points: dict[tuple[tuple[object, ...], int], ProbePoint] = {}
    for clause in clauses:
        for point in clause.points:
            attach, key = point.attach, point.probe.id
            if attach.shape is not None:
                key = attach.shape.key  # what is dispatched on is the call
            place: tuple[object, ...] = (attach.kind, attach.target, attach.period_ns)
            if attach.derived is not None:
                # Every probe derived from a tracepoint has a program of its own there.
                place = (*place, attach.derived, key)
            elif attach.selector is None and attach.kind not in _COOKIED:
                # One tracepoint may be a probe of two providers, sdt and rawtp.
                place = (*place, key)
            at_place.setdefault(place, {}).setdefault(key, []).append(clause.index)
            points[place, key] = point
    groups: dict[tuple[object, ...], Group] = {}
    for place, probes in at_place.items():
        for key, indices in probes.items():
            point = points[place, key]
            name = place
            if point.attach.kind in _COOKIED:
                name = (point.attach.kind, point.attach.context, tuple(indices))
                if follow:
                    name = (*name, process_of(point))
            group = groups.get(name)
            if group is None:
                attach = point.attach
                group = groups[name] = Group(
                    attach.kind, attach.context, attach.target, attach.period_ns
                )
            group.by_probe[key] = tuple(indices)
            group.points[key] = point
            if point.attach.selector is not None:
                group.selectors[point.attach.selector] = key
    return _in_order(list(groups.values()))


def process_of(point: ProbePoint) -> int:
    """The process that a probe in user code is for, 0 for all; the same for all its places."""
    return point.attach.places[0].pid if point.attach.places else 0


def _in_order(groups: list[Group]) -> list[Group]:
    """Derived probes of one tracepoint in the order their providers give (off before on)."""
    derived = [group for group in groups if _derived(group)]
    ordered = iter(sorted(derived, key=lambda group: next(iter(group.by_probe))))
    return [next(ordered) if _derived(group) else group for group in groups]


def _derived(group: Group) -> bool:
    return any(point.attach.derived is not None for point in group.points.values())


def split_large(groups: list[Group]) -> list[Group]:
    """Long lists of clauses as several programs at one place, run in order.

    The verifier rewrites a program instruction by instruction and moves all that follows each
    time: loading takes time quadratic in a program's length.  Only places that keep the
    order of attachment take part.  Clause-local variables would be lost in between: the
    caller leaves programs that have any alone.
    """
    result: list[Group] = []
    for group in groups:
        distinct = sorted({index for indices in group.by_probe.values() for index in indices})
        if group.kind not in ("begin", "end", "raw_tp") or len(distinct) <= SPLIT_CLAUSES:
            result.append(group)
            continue
        for start in range(0, len(distinct), SPLIT_CLAUSES):
            result.append(_part(group, set(distinct[start : start + SPLIT_CLAUSES])))
    return result


def _part(group: Group, members: set[int]) -> Group:
    """The group with only some of its clauses."""
    part = Group(group.kind, group.context, group.target, group.period_ns)
    for key, indices in group.by_probe.items():
        kept = tuple(index for index in indices if index in members)
        if kept:
            part.by_probe[key] = kept
            part.points[key] = group.points[key]
    part.selectors = {n: key for n, key in group.selectors.items() if key in part.by_probe}
    return part


class ProgramBuilder:
    """Emits the programs of a unit; clause functions are shared between them."""

    def __init__(self, unit: Unit, plans: list[RecordPlan], error: list[tree.Clause]) -> None:
        self.unit = unit
        self.plans = plans
        self.attachments: list[Attachment] = []
        self._functions: dict[
            tuple[Firing, tuple[int, ...], tuple[ArgumentType, ...]], Function
        ] = {}
        self._uses_scratch: set[str] = set()
        self._exits: set[str] = set()
        self._error_exits = False  # whether a fault may end tracing
        self._report: Function | None = None
        self._error_needs_scratch = False
        self._error = error

    # -------------------------------------------------------------------------- programs

    def build(self, number: int, group: Group, arguments: tuple[ArgumentType, ...]) -> None:
        unit = self.unit
        name = f"probe_{number}"
        section = _SECTIONS[group.kind].format(group.target)
        lists = self._prepare(group, arguments)
        filter_ = self._filter(f"filter_{number}", group, arguments)
        f = unit.module.function(name, [("ctx", "ptr")], section=section)
        leave = f.block("leave")
        if group.kind == "begin":  # one of several: exit() may have been in one before
            self._leave_after_exit(f)
        elif group.kind != "end":
            self._check_activity(f, leave)
            if group.kind != "tick":
                self._check_cgroup(f, leave, group)
            process = process_of(next(iter(group.points.values())))
            if unit.follow and process:
                check_followed(unit, f, process, leave)
        state = f.alloca(unit.layout.state_size, name="state")
        f.memset(state, unit.layout.state_size)
        if filter_ is not None:
            mine = f.block("mine")
            f.cbr(f.icmp("ne", f.call(filter_, [f.params[0], state]), 0), mine, leave)
            f.at(mine)
        release = self._take_scratch(f, leave, lists)
        self._dispatch(f, group, state, release, lists)
        f.at(leave)
        f.ret(0)
        self.attachments.append(_attachment(name, group, follow=unit.follow))

    def _prepare(
        self, group: Group, arguments: tuple[ArgumentType, ...]
    ) -> dict[tuple[int, ...], list[Function]]:
        """Functions for each distinct list of clauses of the group."""
        lists = dict.fromkeys(group.by_probe.values())
        distinct = {index for indices in lists for index in indices}
        chunk = -(-len(distinct) // MAX_CLAUSE_FUNCTIONS)
        result: dict[tuple[int, ...], list[Function]] = {}
        for indices in lists:
            # Chunks follow the clause numbers, so that lists can share them.
            chunks: dict[int, list[int]] = {}
            for index in indices:
                chunks.setdefault(index // chunk, []).append(index)
            result[indices] = [
                self._function(group.context, tuple(part), arguments) for part in chunks.values()
            ]
        return result

    def _filter(
        self, name: str, group: Group, arguments: tuple[ArgumentType, ...]
    ) -> Function | None:
        """Whether a firing of the event is the group's derived probe: a function of its own.

        Scratch is not taken for other firings.  A fault means that it is not the probe.
        """
        clause = self.unit.program.clauses[next(iter(group.by_probe.values()))[0]]
        if clause.filter is None:
            return None
        f = self.unit.module.function(name, [("ctx", "ptr"), ("state", "ptr")])
        ctx, state = f.params
        plan = self.plans[clause.index]
        g = ClauseGenerator(
            self.unit, f, ctx, state, NULL, group.context, plan, arguments=arguments
        )
        g.subject = _subject(clause)
        g.fault_label = g.skip_label = f.block("faulted")
        g.at(clause.span)
        f.ret(f.zext(g.truth(clause.filter), "i64"))
        assert not g.uses_scratch, clause.points[0].probe
        f.at(g.fault_label)
        f.ret(0)
        return f

    def _check_activity(self, f: Function, leave: str) -> None:
        """Nothing fires before BEGIN is done, nor after exit()."""
        active = f.block("active")
        word = f.load("i64", f.gep(self.unit.bss, StateLayout.ACTIVITY), volatile=True)
        f.cbr(f.icmp("eq", word, int(Activity.ACTIVE)), active, leave)
        f.at(active)
        if self.unit.cpu is not None:
            here = f.block("here")
            cpu = f.op("and", f.helper(Helper.GET_SMP_PROCESSOR_ID, []), 0xFFFFFFFF)
            f.cbr(f.icmp("eq", cpu, self.unit.cpu), here, leave)
            f.at(here)

    def _check_cgroup(self, f: Function, leave: str, group: Group) -> None:
        """Option cgroup: only tasks of the control group.  Ticks belong to no task."""
        cgroup = self.unit.cgroup
        if cgroup is None:
            return
        point = next(iter(group.points.values()))
        derived = point.attach.derived
        if derived is not None and derived.subject >= 0:
            raise Diagnostic(
                "D_PRAGMA_OPTSET",
                f"{point.probe} cannot be limited to a control group: the thread it fires for is "
                "not running yet",
                None,
                "compare cgroup or cgroup_path in a predicate instead of setting the option cgroup",
            )
        inside = f.block("cgroup")
        result = f.helper(Helper.CURRENT_TASK_UNDER_CGROUP, [cgroup, const(0)])
        f.cbr(f.icmp("eq", result, 1), inside, leave)
        f.at(inside)

    def _take_scratch(
        self, f: Function, leave: str, lists: dict[tuple[int, ...], list[Function]]
    ) -> tuple[Value, Value, Value] | None:
        functions = {g.name for members in lists.values() for g in members}
        if not functions & self._uses_scratch and not self._error_needs_scratch:
            return None
        none_free, have = f.block("noscratch"), f.block("scratch")
        taken = scratch.acquire(f, none_free)
        f.br(have)
        f.at(none_free)
        count_drop(f, self.unit.drops, DropKind.SCRATCH)
        f.br(leave)
        f.at(have)
        if self.unit.layout.this_scratch:
            f.memset(taken[0], self.unit.layout.this_scratch)
        if self.unit.scratch.tokens_size:
            string_search.forget_tokens(f, f.gep(taken[0], self.unit.scratch.tokens))
        return taken

    def _dispatch(
        self,
        f: Function,
        group: Group,
        state: Value,
        taken: tuple[Value, Value, Value] | None,
        lists: dict[tuple[int, ...], list[Function]],
    ) -> None:
        end = f.block("end")
        blocks = {indices: f.block("list") for indices in lists}
        clauses = self.unit.program.clauses
        renames = any(names.shape(clauses[at]) for indices in lists for at in indices)
        if group.selectors:
            # Probe keys are the calls' IDs, which grow by 2 with the number.
            call = compat_calls.own_number(f, self.unit, self._call_number(f, group), state)
            first = next(iter(group.selectors))
            base = group.selectors[first] - 2 * first
            f.store(f.op("add", f.op("shl", call, 1), base), f.gep(state, State.PROBE))
            cases = {n: blocks[group.by_probe[key]] for n, key in group.selectors.items()}
            self._switch(f, call, cases, end)
        elif group.kind in _COOKIED and len(group.by_probe) > 1:
            cookie = f.helper(Helper.GET_ATTACH_COOKIE, [f.params[0]])
            f.store(f.op("and", cookie, 0xFFFFFFFF), f.gep(state, State.PROBE))
            f.br(next(iter(blocks.values())))
        else:
            f.store(const(next(iter(group.by_probe))), f.gep(state, State.PROBE))
            f.br(next(iter(blocks.values())))
        for indices, label in blocks.items():
            f.at(label)
            self._run(f, lists[indices], state, taken, end, renames, group.kind != "end")
        f.at(end)
        if taken is not None:
            scratch.release(f, taken[1], taken[2])
        f.ret(0)

    def _call_number(self, f: Function, group: Group) -> Value:
        if group.context == "syscall_entry":
            return f.ctx_load(f.params[0], 8)
        # sys_exit gives no number; the registers keep it (orig_ax; syscallno on arm64).
        regs = f.ctx_load(f.params[0], 0)
        offset = 280 if self.unit.kernel.machine == "aarch64" else 120
        place = f.slot("call", 8)
        f.store(const(-1), place)
        f.helper(Helper.PROBE_READ_KERNEL, [place, const(8), f.op("add", regs, offset)])
        number = f.load("i64", place)
        return f.op("and", number, 0xFFFFFFFF) if offset == 280 else number

    def _switch(self, f: Function, call: Value, cases: dict[int, str], end: str) -> None:
        """Many calls with one list of clauses: a range test instead of hundreds of cases."""
        known = self.unit.syscall_count
        targets = set(cases.values())
        if len(targets) == 1 and len(cases) >= known:
            top = max(cases)
            f.cbr(f.icmp("ule", call, top), targets.pop(), end)
        else:
            f.switch(call, end, cases)

    def _run(
        self,
        f: Function,
        functions: list[Function],
        state: Value,
        taken: tuple[Value, Value, Value] | None,
        end: str,
        renames: bool,
        stops: bool,
    ) -> None:
        """Call the clauses in order.  `stops`: after exit() no other clause of the firing runs."""
        slot = NULL if taken is None else taken[0]
        # A clause for a call under another name leaves that one's number behind when it faults.
        probe = f.load("i64", f.gep(state, State.PROBE)) if renames else None
        for function in functions:
            faulted, following = f.block("faulted"), f.block("following")
            result = f.call(function, [f.params[0], state, slot])
            f.cbr(f.icmp("ne", result, 0), faulted, following)
            f.at(faulted)
            f.call(self._error_report(), [f.params[0], state, slot])
            f.br(following)
            f.at(following)
            if probe is not None:
                f.store(probe, f.gep(state, State.PROBE))
            if stops and (function.name in self._exits or self._error_exits):
                following = f.block("more")
                word = f.load("i64", f.gep(self.unit.bss, StateLayout.ACTIVITY), volatile=True)
                f.cbr(f.icmp("eq", word, int(Activity.DRAINING)), end, following)
                f.at(following)
        f.br(end)

    # ------------------------------------------------------------------- clause functions

    def _function(
        self, firing: Firing, indices: tuple[int, ...], arguments: tuple[ArgumentType, ...]
    ) -> Function:
        key = (firing, indices, arguments)
        known = self._functions.get(key)
        if known is not None:
            return known
        # A clause of its own leaves the report to the program, so that the stack frames of
        # the clause and of ERROR's clauses are not in use at once.
        report = self._error_report() if firing != "error" and len(indices) > 1 else None
        unit = self.unit
        name = f"clause_{'_'.join(map(str, indices[:1]))}_{firing}"
        if name in {f.name for f in self._functions.values()}:
            name += f"_{len(self._functions)}"
        params = [("ctx", "ptr"), ("state", "ptr"), ("scratch", "ptr")]
        f = unit.module.function(name, params)
        ctx, state, slot = f.params
        for at, index in enumerate(indices):
            clause = unit.program.clauses[index]
            g = ClauseGenerator(
                unit, f, ctx, state, slot, firing, self.plans[index], arguments=arguments
            )
            g.subject = _subject(clause)
            lower_clause(g, clause, report)
            if g.uses_scratch:
                self._uses_scratch.add(name)
            unit.temporary_top = max(unit.temporary_top, g.temporary_top)
            if g.exits:
                self._exits.add(name)
            # All of ERROR's clauses run, as do END's.
            stops = firing != "error" and (g.exits or self._error_exits)
            if stops and at + 1 < len(indices):
                self._leave_after_exit(f)
            f.fence()
        f.ret(0)
        self._functions[key] = f
        return f

    def _leave_after_exit(self, f: Function) -> None:
        gone, stay = f.block("gone"), f.block("stay")
        word = f.load("i64", f.gep(self.unit.bss, StateLayout.ACTIVITY), volatile=True)
        f.cbr(f.icmp("eq", word, int(Activity.DRAINING)), gone, stay)
        f.at(gone)
        f.ret(0)
        f.at(stay)

    def prepare_error(self) -> None:
        """Emit the fault report first: whether it needs scratch matters to every program."""
        self._error_report()

    def _error_report(self) -> Function:
        if self._report is None:
            clauses = None
            if self._error:
                clauses = self._function("error", tuple(c.index for c in self._error), ())
            self._report = report_function(self.unit, "report_error", clauses)
            # An ERROR clause that needs scratch makes every program take some.
            self._error_needs_scratch = clauses is not None and clauses.name in self._uses_scratch
            self._error_exits = clauses is not None and clauses.name in self._exits
        return self._report


def _subject(clause: tree.Clause) -> int:
    derived = clause.points[0].attach.derived if clause.points else None
    return -1 if derived is None else derived.subject


def _attachment(name: str, group: Group, *, follow: bool) -> Attachment:
    targets: list[str] = []
    cookies: list[int] = []
    if group.kind in _USER_KINDS:
        for key, point in group.points.items():
            for place in point.attach.places:
                # Statically defined probes want the place's number (lower._defined_arguments).
                number = len(targets) if group.context == "usdt" else place.within
                pid = -place.pid if follow else place.pid
                targets.append(f"{pid} {place.offset} {place.semaphore} {place.path}")
                cookies.append(key | number << 32)
    elif group.kind in _COOKIED:
        targets = [point.attach.target for point in group.points.values()]
        cookies = list(group.points)
    elif group.target:
        targets = [group.target]
    probes = tuple(group.by_probe)
    return Attachment(name, group.kind, probes, tuple(targets), tuple(cookies), group.period_ns)
