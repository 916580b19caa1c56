"""BPF objects for the runtime's tests, from hand-written LLVM IR.

`build` adds to a module body what every compiled program has: the `records` and `drops`
maps, the control words in `.bss` (`@state`), load-time words in `.rodata` (`@words`), and
the debug information from which LLVM makes the BTF that libbpf wants.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass

import llvmlite.binding as llvm

HASH, ARRAY, PERCPU_HASH, PERCPU_ARRAY, RINGBUF = 1, 2, 5, 6, 27
# A system call number that exists nowhere: sys_enter fires for it all the same, and only
# the processes of this test run make it.
MAGIC = 20_000 + os.getpid() % 1_000_000

# Debug information `build` gives: a program, a callback of two arguments, and line 3 of
# test.d within the program.
PROGRAM, CALLBACK, LOCATION = "!4", "!9", "!15"


@dataclass(frozen=True)
class MapDef:
    name: str
    kind: int
    key_size: int
    value_size: int
    max_entries: int

    def members(self) -> list[tuple[str, int]]:
        sizes = [("key_size", self.key_size), ("value_size", self.value_size)]
        return [
            ("type", self.kind),
            ("max_entries", self.max_entries),
            *[(name, size) for name, size in sizes if size],
        ]


class _Metadata:
    def __init__(self) -> None:
        self.nodes: list[str] = []

    def add(self, text: str, *, distinct: bool = False) -> str:
        self.nodes.append(("distinct " if distinct else "") + text)
        return f"!{len(self.nodes) - 1}"

    def reserve(self) -> int:
        self.nodes.append("")
        return len(self.nodes) - 1


def _array(meta: _Metadata, element: str, bits: int, count: int) -> str:
    subrange = meta.add(f"!{{!DISubrange(count: {count})}}")
    return meta.add(
        f"!DICompositeType(tag: DW_TAG_array_type, baseType: {element}, "
        f"size: {bits * count}, elements: {subrange})"
    )


def _variable(meta: _Metadata, name: str, file: str, unit: str, kind: str) -> str:
    variable = meta.add(
        f'!DIGlobalVariable(name: "{name}", scope: {unit}, file: {file}, line: 1, '
        f"type: {kind}, isLocal: false, isDefinition: true)",
        distinct=True,
    )
    return meta.add(f"!DIGlobalVariableExpression(var: {variable}, expr: !DIExpression())")


def _subprogram(meta: _Metadata, name: str, file: str, unit: str, types: list[str]) -> str:
    """A function of result `types[0]` whose parameters have the other types."""
    function = meta.reserve()
    listing = meta.add("!{" + ", ".join(types) + "}")
    signature = meta.add(f"!DISubroutineType(types: {listing})")
    arguments = [
        meta.add(
            f'!DILocalVariable(name: "p{number}", arg: {number}, scope: !{function}, '
            f"file: {file}, line: 1, type: {kind})"
        )
        for number, kind in enumerate(types[1:], 1)
    ]
    retained = meta.add("!{" + ", ".join(arguments) + "}")
    local = "DISPFlagLocalToUnit | " if name == "callback" else ""
    meta.nodes[function] = (
        f'distinct !DISubprogram(name: "{name}", scope: {file}, file: {file}, line: 1, '
        f"type: {signature}, unit: {unit}, spFlags: {local}DISPFlagDefinition, "
        f"retainedNodes: {retained})"
    )
    return f"!{function}"


def _map_type(meta: _Metadata, definition: MapDef, integer: str, file: str) -> str:
    struct = meta.reserve()
    members = []
    for index, (name, value) in enumerate(definition.members()):
        array = _array(meta, integer, 32, value)
        pointer = meta.add(f"!DIDerivedType(tag: DW_TAG_pointer_type, baseType: {array}, size: 64)")
        members.append(
            meta.add(
                f'!DIDerivedType(tag: DW_TAG_member, name: "{name}", scope: !{struct}, '
                f"file: {file}, line: 1, baseType: {pointer}, size: 64, offset: {64 * index})"
            )
        )
    elements = meta.add("!{" + ", ".join(members) + "}")
    meta.nodes[struct] = (
        f"distinct !DICompositeType(tag: DW_TAG_structure_type, file: {file}, line: 1, "
        f"size: {64 * len(members)}, elements: {elements})"
    )
    return f"!{struct}"


def build(
    body: str,
    maps: Iterable[MapDef] = (),
    *,
    ring_size: int = 1 << 20,
    words: int = 1,
    source: str = "",
) -> bytes:
    """ELF bytes of a module.

    `body` may use `@state`, `@words`, the maps by name, and PROGRAM, CALLBACK, LOCATION.
    """
    definitions = [
        MapDef("records", RINGBUF, 0, 0, ring_size),
        MapDef("drops", PERCPU_ARRAY, 4, 8, 7),
        *maps,
    ]
    meta = _Metadata()
    unit_index = meta.reserve()
    unit = f"!{unit_index}"
    escaped = source.replace("\\", "\\5C").replace('"', "\\22").replace("\n", "\\0A")
    text = f', source: "{escaped}"' if source else ""
    file = meta.add(f'!DIFile(filename: "test.d", directory: ""{text})')
    integer = meta.add('!DIBasicType(name: "int", size: 32, encoding: DW_ATE_signed)')
    long = meta.add('!DIBasicType(name: "long", size: 64, encoding: DW_ATE_signed)')
    program = _subprogram(meta, "program", file, unit, [integer, long])
    callback = _subprogram(meta, "callback", file, unit, [long, long, long])
    location = meta.add(f"!DILocation(line: 3, column: 1, scope: {program})")
    assert (program, callback, location) == (PROGRAM, CALLBACK, LOCATION)
    globals_, lines = [], []
    for name, count, constant in (("state", 16, False), ("words", words, True)):
        node = _variable(meta, name, file, unit, _array(meta, long, 64, count))
        globals_.append(node)
        section = ".rodata" if constant else ".bss"
        lines.append(
            f"@{name} = dso_local {'constant' if constant else 'global'} [{count} x i64] "
            f'zeroinitializer, section "{section}", align 8, !dbg {node}'
        )
    for definition in definitions:
        node = _variable(
            meta, definition.name, file, unit, _map_type(meta, definition, integer, file)
        )
        globals_.append(node)
        size = len(definition.members())
        lines.append(
            f"@{definition.name} = dso_local global [{size} x ptr] zeroinitializer, "
            f'section ".maps", align 8, !dbg {node}'
        )
    listing = meta.add("!{" + ", ".join(globals_) + "}")
    meta.nodes[unit_index] = (
        f"distinct !DICompileUnit(language: DW_LANG_C99, file: {file}, isOptimized: true, "
        f"runtimeVersion: 0, emissionKind: FullDebug, globals: {listing})"
    )
    flags = meta.add('!{i32 2, !"Debug Info Version", i32 3}')
    names = [d.name for d in definitions] + ["state", "words"]
    used = ", ".join(f"ptr @{name}" for name in names)
    module = "\n".join(
        [
            'target triple = "bpf"',
            'target datalayout = "e-m:e-p:64:64-i64:64-i128:128-n32:64-S128"',
            *lines,
            '@LICENSE = dso_local constant [4 x i8] c"GPL\\00", section "license"',
            f"@llvm.compiler.used = appending global [{len(names) + 1} x ptr] "
            f'[{used}, ptr @LICENSE], section "llvm.metadata"',
            body,
            f"!llvm.dbg.cu = !{{{unit}}}",
            f"!llvm.module.flags = !{{{flags}}}",
            *[f"!{i} = {node}" for i, node in enumerate(meta.nodes)],
        ]
    )
    return _compile(module)


def _compile(module: str) -> bytes:
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    parsed = llvm.parse_assembly(module)
    parsed.verify()
    machine = llvm.Target.from_triple("bpf").create_target_machine(cpu="v3", opt=2)
    return machine.emit_object(parsed)


def helper(number: int) -> str:
    return f"inttoptr (i64 {number} to ptr)"


def on_magic(name: str, hit: str, *, head: str = "", debug: str = "", number: int = MAGIC) -> str:
    """A raw tracepoint program for sys_enter that runs `hit` (ending in a branch to %out)
    for system call `number` while probes are active."""
    return f"""
define dso_local i32 @{name}(ptr %ctx) section "raw_tp" {debug} {{
entry:
{head}
  %active = load volatile i64, ptr @state
  %live = icmp eq i64 %active, 1
  br i1 %live, label %test, label %out
test:
  %at = getelementptr i8, ptr %ctx, i64 8
  %id = load i64, ptr %at
  %mine = icmp eq i64 %id, {number}
  br i1 %mine, label %hit, label %out
hit:
{hit}
out:
  ret i32 0
}}
"""


def emit(suffix: str, clause: int, probe: int, value: str, *, then: str) -> str:
    """Reserve, fill and submit a 32-byte record with the u64 `value`; count a drop if full."""
    s = suffix
    return f"""
  %r{s} = call ptr {helper(131)}(ptr @records, i64 32, i64 0)
  %got{s} = icmp ne ptr %r{s}, null
  br i1 %got{s}, label %fill{s}, label %drop{s}
drop{s}:
  store i32 0, ptr %dropkey
  %d{s} = call ptr {helper(1)}(ptr @drops, ptr %dropkey)
  %gotd{s} = icmp ne ptr %d{s}, null
  br i1 %gotd{s}, label %count{s}, label %{then}
count{s}:
  %old{s} = load i64, ptr %d{s}
  %new{s} = add i64 %old{s}, 1
  store i64 %new{s}, ptr %d{s}
  br label %{then}
fill{s}:
  %cpu{s} = call i64 {helper(8)}()
  %cpuw{s} = trunc i64 %cpu{s} to i32
  store i32 {clause}, ptr %r{s}
  %p1{s} = getelementptr i8, ptr %r{s}, i64 4
  store i32 {probe}, ptr %p1{s}
  %p2{s} = getelementptr i8, ptr %r{s}, i64 8
  store i32 %cpuw{s}, ptr %p2{s}
  %p3{s} = getelementptr i8, ptr %r{s}, i64 12
  store i32 0, ptr %p3{s}
  %p4{s} = getelementptr i8, ptr %r{s}, i64 16
  store i64 0, ptr %p4{s}
  %p6{s} = getelementptr i8, ptr %r{s}, i64 24
  store i64 {value}, ptr %p6{s}
  call i64 {helper(132)}(ptr %r{s}, i64 0)
  br label %{then}
"""
