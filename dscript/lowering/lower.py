"""Typed AST → LLVM text of one BPF object, and the plan that goes with it."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Set
from dataclasses import replace
from typing import NamedTuple

from dscript import options as d_options
from dscript.dtypes.types import EnumType, IntType
from dscript.kernel import syscalls
from dscript.kernel.usdt_operands import Location
from dscript.lowering import following, prefault, scratch
from dscript.lowering.copying import HEAP_USERS
from dscript.lowering.generator import Unit
from dscript.lowering.kernel import KernelLayout
from dscript.lowering.layout import lay_out, round_up
from dscript.lowering.lockups import refuse_lockups
from dscript.lowering.programs import ProgramBuilder, group_points, split_large
from dscript.lowering.records import RecordPlan, plan_record
from dscript.lowering.scratch import ScratchSizes
from dscript.lowering.string_search import saved_size
from dscript.lowering.vtime import vtime_program
from dscript.object.helpers import MapType
from dscript.object.ir import Module
from dscript.object.values import Value
from dscript.program import (
    CGROUP_MAP,
    Aggregation,
    Attachment,
    ClauseRecord,
    DropKind,
    DynamicVariable,
    Field,
    LoadWord,
    Probe,
)
from dscript.providers import arguments as probe_arguments
from dscript.providers.base import ArgumentType, ProbePoint
from dscript.semantics import tree
from dscript.semantics.aggregations import layout_of
from dscript.semantics.walk import walk_clause, walk_program

_ERROR = Probe(3, "dtrace", "", "", "ERROR")
_MIN_AGGREGATION_ENTRIES = 64
# Keyed aggregations with two maps of their own each; a program may use 64 maps.
_MAX_OWN_MAPS = 12


class Lowered(NamedTuple):
    """Module text and everything of the compiled program but the object's bytes."""

    text: str
    probes: dict[int, Probe]
    clauses: tuple[ClauseRecord, ...]
    attachments: tuple[Attachment, ...]
    aggregations: tuple[Aggregation, ...]
    dynamic_variables: tuple[DynamicVariable, ...]
    copies: bool
    load_words: tuple[LoadWord, ...]
    system_words: int
    unwinds: bool


def lower(program: tree.Program, options: Mapping[str, str]) -> Lowered:
    """Lower a whole program."""
    module = Module(program.source_name, program.source_text)
    layout = lay_out(program, module, d_options.size(options, "dynvarsize"))
    unit = Unit(
        module=module,
        program=program,
        layout=layout,
        kernel=KernelLayout(),
        bss=Value("@state_blob", "ptr"),
        records=_records_map(module, options),
        drops=module.map("drops", MapType.PERCPU_ARRAY, 4, 8, len(DropKind)),
        scratch=ScratchSizes(),
        flowindent=d_options.flag(options, "flowindent"),
        syscall_count=len(syscalls.table()),
        nspec=d_options.size(options, "nspec"),
        cpu=d_options.count(options, "cpu"),
        host_pids=d_options.text(options, "pidns") == "init",
        unwind=d_options.text(options, "unwind") == "eh_frame",
    )
    heap = round_up(d_options.size(options, "scratchsize")) if _calls(program, HEAP_USERS) else 0
    if "cgroup" in options:
        unit.cgroup = module.map(CGROUP_MAP, MapType.CGROUP_ARRAY, 4, 4, 1)
    unit.scratch.fix(layout.this_scratch, heap, _tokens_size(program))
    unit.aggregation_plans = _plan_aggregations(program.aggregations)
    unit.aggregation_maps = _aggregation_maps(unit, options)
    probes = _number_probes(unit)
    unit.error_reads_epid = _error_reads_epid(program)
    following.declare(unit, program, options)
    plans = [plan_record(clause) for clause in program.clauses]
    refuse_lockups(program.clauses, plans)
    # setopt() may turn flowindent on, for which records have to name their thread.
    unit.flowindent |= any(action.kind == "setopt" for plan in plans for action in plan.actions)
    builder = _build_programs(unit, plans)
    if unit.needs_vtime:
        builder.attachments.insert(0, vtime_program(unit))
    if unit.followed is not None:
        # Known before a clause can ask for it, forgotten after the last has.
        builder.attachments.insert(0, following.fork_program(unit))
        builder.attachments.append(following.exit_program(unit))
    _finish_memory(unit)
    return Lowered(
        text=module.text(),
        probes=probes,
        clauses=tuple(
            plan.clause_record(unit.epids[at], _keys(program.clauses[at]))
            for at, plan in enumerate(plans)
        ),
        attachments=tuple(builder.attachments),
        aggregations=tuple(unit.aggregation_plans),
        dynamic_variables=tuple(layout.dynamic),
        copies=_calls(program, prefault.COPIES),
        load_words=tuple(unit.load_words),
        system_words=unit.system_words,
        unwinds="unwind" in unit.helpers,
    )


def _records_map(module: Module, options: Mapping[str, str]) -> Value:
    """The kernel wants a ring buffer of a power of two pages."""
    wanted = max(d_options.size(options, "bufsize"), os.sysconf("SC_PAGE_SIZE"))
    if d_options.text(options, "bufpolicy") == "ring":
        # The records that are kept lie elsewhere; this is how they get there.
        wanted = max(wanted, d_options.parse_size(d_options.OPTIONS["bufsize"].default))
    size = 1 << (wanted - 1).bit_length()
    return module.map("records", MapType.RINGBUF, 0, 0, size)


def _tokens_size(program: tree.Program) -> int:
    return saved_size(program.strsize) if _calls(program, {"strtok"}) else 0


def _calls(program: tree.Program, names: Set[str]) -> bool:
    return any(
        isinstance(node, tree.SubroutineCall) and node.name in names
        for node in walk_program(program)
    )


def _error_reads_epid(program: tree.Program) -> bool:
    return any(
        isinstance(node, tree.Builtin) and node.name == "arg1"
        for clause in program.clauses
        if any(point.probe.id == _ERROR.id for point in clause.points)
        for node in walk_clause(clause)
    )


def _keys(clause: tree.Clause) -> tuple[int, ...]:
    """Keys of a clause's probes in the order of their enabled probe IDs; () for a single one."""
    keys = tuple(point.probe.id for point in clause.points)
    return keys if len(keys) > 1 else ()


def _number_probes(unit: Unit) -> dict[int, Probe]:
    """Probes by key (their ID), and an enabled probe ID for each clause's first probe."""
    probes: dict[int, Probe] = {_ERROR.id: _ERROR}
    epid = 1
    for clause in unit.program.clauses:
        unit.epids[clause.index] = epid
        epid += max(1, len(clause.points))
        for point in clause.points:
            probe = point.probe
            probes[probe.id] = probe
            unit.probe_ids[probe.id] = probe.id
            unit.probe_names[probe.id] = (
                probe.provider,
                probe.module,
                probe.function,
                probe.name,
            )
    return probes


# --------------------------------------------------------------------------- aggregations


def _aggregation(variable: tree.AggregationVariable, slot: int, shared: bool) -> Aggregation:
    fields = []
    hashed = _is_hashed(variable)
    offset = 8 if shared else 0
    for at, kind in enumerate(variable.key_kinds):
        made = _key_field(variable, at, kind, offset)
        fields.append(made)
        offset += round_up(made.size)
    words = layout_of(variable)
    assert variable.function
    name = f"aggregation_{variable.id}"
    if not hashed:
        name = f"aggregations_{words}"
    elif shared:
        name = f"aggregations_{offset}_{words}"
    return Aggregation(
        id=variable.id,
        name=variable.name,
        function=variable.function,
        keys=tuple(fields),
        key_size=offset,
        value_words=words,
        params=variable.params,
        maps=(f"{name}_a", f"{name}_b"),
        signed=variable.signed,
        slot=slot,
        shared=shared,
    )


def _is_hashed(variable: tree.AggregationVariable) -> bool:
    """Whether its values lie in a hash.

    Weights may add up to zeroes, of which an array cannot tell whether there was a value:
    there such an aggregation without keys has its id as the key.
    """
    return bool(variable.keys) or variable.weighted


def _plan_aggregations(variables: list[tree.AggregationVariable]) -> list[Aggregation]:
    """Keyless aggregations of one width share an array; many keyed ones share hash maps."""
    shared = sum(bool(variable.keys) for variable in variables) > _MAX_OWN_MAPS
    slots: Counter[int] = Counter()
    plans = []
    for variable in variables:
        words = layout_of(variable)
        slot = 0
        if not _is_hashed(variable):
            slot = slots[words]
            slots[words] += 1
        by_id = shared if variable.keys else variable.weighted
        plans.append(_aggregation(variable, slot, by_id))
    return plans


def _key_field(
    variable: tree.AggregationVariable, at: int, kind: tree.KeyKind, offset: int
) -> Field:
    type_ = variable.keys[at].resolve()
    if kind == "stack":
        return Field("stack", offset, 8 * variable.key_frames[at])
    if kind == "ustack":
        return Field("ustack", offset, 8 + 8 * variable.key_frames[at])
    if kind == "string":
        part = variable.key_parts[at]
        if part:
            return Field("probe", offset, 4, type_name="string", part=part)
        size = round_up(max(1, variable.key_capacities[at]))
        return Field("string", offset, size, type_name="string")
    if kind == "int":
        signed = isinstance(type_, EnumType) or (isinstance(type_, IntType) and type_.signed)
        return Field("int", offset, type_.size, signed, str(variable.keys[at]))
    size = 16 if kind.startswith("u") else 8
    return Field(kind, offset, size)


def _aggregation_maps(unit: Unit, options: Mapping[str, str]) -> list[tuple[Value, Value]]:
    """Two generations each; as many keys as `aggsize` bytes hold."""
    made: dict[tuple[str, str], tuple[Value, Value]] = {}
    arrays = Counter(plan.maps for plan in unit.aggregation_plans if not plan.key_size)
    room = d_options.size(options, "aggsize")
    cpus = os.cpu_count() or 1
    for plan in unit.aggregation_plans:
        if plan.maps in made:
            continue
        value_size = 8 * plan.value_words
        if plan.key_size:
            # 64 bytes is about what the kernel's own bookkeeping of an entry takes.
            entry = round_up(plan.key_size) + value_size * cpus + 64
            entries = max(_MIN_AGGREGATION_ENTRIES, room // entry)
            kind, key_size = MapType.PERCPU_HASH, plan.key_size
        else:
            entries, kind, key_size = arrays[plan.maps], MapType.PERCPU_ARRAY, 4
        pair = [unit.module.map(n, kind, key_size, value_size, entries) for n in plan.maps]
        made[plan.maps] = (pair[0], pair[1])
    return [made[plan.maps] for plan in unit.aggregation_plans]


# ------------------------------------------------------------------------------- programs


def _build_programs(unit: Unit, plans: list[RecordPlan]) -> ProgramBuilder:
    """ERROR's clauses go into the function that reports faults, the others into programs."""
    error = [c for c in unit.program.clauses if any(p.probe.id == _ERROR.id for p in c.points)]
    ordinary = [_without_error(c) for c in unit.program.clauses]
    groups = group_points([clause for clause in ordinary if clause.points], follow=unit.follow)
    # Programs of their own share neither clause-local variables nor what strtok() keeps.
    if not (unit.layout.this or unit.layout.this_in_scratch or unit.scratch.tokens_size):
        groups = split_large(groups)
    _find_exclusive(unit, [set().union(*map(set, g.by_probe.values())) for g in groups], error)
    builder = ProgramBuilder(unit, plans, error)
    builder.prepare_error()
    for number, group in enumerate(groups):
        arguments = _arguments(list(group.points.values()))
        builder.build(number, group, arguments)
        plan = plans[next(iter(group.by_probe.values()))[0]]
        first = prefault.prefault_program(unit, plan, group, builder.attachments[-1], arguments)
        if first is not None:
            builder.attachments.insert(-1, first)
    return builder


def _without_error(clause: tree.Clause) -> tree.Clause:
    points = [point for point in clause.points if point.probe.id != _ERROR.id]
    return replace(clause, points=points)


def _arguments(points: list[ProbePoint]) -> tuple[ArgumentType, ...]:
    """Argument places, where the context alone does not tell them."""
    point = points[0]
    if point.attach.context in ("raw_tp", "perf_tp"):
        return tuple(probe_arguments(point))
    if point.attach.context == "usdt":
        return _defined_arguments(points)
    return ()


def _defined_arguments(points: list[ProbePoint]) -> tuple[ArgumentType, ...]:
    """Where each argument lies, by the number that a place has in its program."""
    places = [place for point in points for place in point.attach.places]
    most = max(len(place.arguments) for place in places)
    nothing = Location(8, False, "constant")  # an argument that this place does not have
    return tuple(
        ArgumentType(
            "",
            "int64_t",
            locations=tuple(
                place.arguments[at] if at < len(place.arguments) else nothing for place in places
            ),
        )
        for at in range(most)
    )


def _find_exclusive(unit: Unit, groups: list[set[int]], error: list[tree.Clause]) -> None:
    """Aggregations that one program alone updates; ERROR's clauses run in any."""
    users: dict[int, set[int]] = {}
    for clause in unit.program.clauses:
        programs = {at for at, members in enumerate(groups) if clause.index in members}
        if clause in error:
            programs |= {-1, -2}
        for node in walk_clause(clause):
            if isinstance(node, tree.AggregationUpdate):
                users.setdefault(node.aggregation.id, set()).update(programs)
    unit.exclusive = {id_ for id_, programs in users.items() if len(programs) == 1}


# --------------------------------------------------------------------------------- memory


def _finish_memory(unit: Unit) -> None:
    """What could only be sized after lowering."""
    unit.module.bss("state_blob", unit.layout.bss_size)
    if unit.load_words:
        unit.module.load_words(len(unit.load_words))
    size = unit.scratch.temporaries + unit.temporary_top
    if size:
        scratch.declare(unit.module, round_up(size), os.cpu_count() or 1)
