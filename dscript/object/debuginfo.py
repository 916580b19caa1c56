"""Debug information as metadata text: what LLVM's BPF backend turns into `.BTF`.

The D text rides in `DIFile(source:)`, so BTF line info, and with it the verifier's log,
shows D lines.  A function without named parameters makes the kernel refuse the BTF of the
whole object, hence `retainedNodes` on every subprogram.
"""

from __future__ import annotations

from collections.abc import Sequence

from dscript.object.values import quoted

# btf_line_info packs (line << 10 | column) in 32 bits (include/uapi/linux/btf.h users,
# BPF_LINE_INFO_LINE_NUM): larger values would spill into each other.
_MAX_COLUMN = (1 << 10) - 1
_MAX_LINE = (1 << 22) - 1


class Metadata:
    """The numbered metadata nodes of a module, plain nodes deduplicated by their text."""

    def __init__(self) -> None:
        self.nodes: list[str] = []
        self._known: dict[str, str] = {}
        self.named: dict[str, list[str]] = {}

    def reserve(self) -> str:
        """A reference to a node that `define` fills in later (for cycles)."""
        self.nodes.append("")
        return f"!{len(self.nodes) - 1}"

    def define(self, reference: str, text: str) -> None:
        self.nodes[int(reference[1:])] = text

    def node(self, text: str) -> str:
        """Reference to the uniqued node of that text."""
        known = self._known.get(text)
        if known is None:
            self.nodes.append(text)
            known = self._known[text] = f"!{len(self.nodes) - 1}"
        return known

    def list_of(self, references: Sequence[str]) -> str:
        return self.node("!{" + ", ".join(references) + "}")

    def text(self) -> str:
        lines = [f"!{name} = !{{{', '.join(refs)}}}" for name, refs in self.named.items()]
        lines += [f"!{number} = {text}" for number, text in enumerate(self.nodes)]
        return "\n".join(lines) + "\n"


class DebugInfo:
    """Compile unit, types, subprograms, locations and global variables of one module."""

    def __init__(self, source_name: str, source_text: str) -> None:
        self.metadata = metadata = Metadata()
        name = quoted(source_name.encode(errors="surrogateescape"))
        source = quoted(source_text.encode(errors="surrogateescape"))
        self.file = metadata.node(f'!DIFile(filename: {name}, directory: "", source: {source})')
        self.unit = metadata.reserve()
        self._globals: list[str] = []
        self._types: dict[str, str] = {}
        self._prototypes: dict[tuple[str, ...], str] = {}
        self._locations: dict[tuple[str, int, int], str] = {}
        metadata.named["llvm.dbg.cu"] = [self.unit]
        metadata.named["llvm.module.flags"] = [
            metadata.node('!{i32 2, !"Debug Info Version", i32 3}'),
        ]

    # Types

    def basic(self, name: str, bits: int, encoding: str = "DW_ATE_signed") -> str:
        return self.metadata.node(
            f'!DIBasicType(name: "{name}", size: {bits}, encoding: {encoding})'
        )

    @property
    def c_int(self) -> str:
        return self.basic("int", 32)

    @property
    def c_char(self) -> str:
        return self.basic("char", 8, "DW_ATE_signed_char")

    @property
    def unsigned_long(self) -> str:
        return self.basic("unsigned long", 64, "DW_ATE_unsigned")

    def type_of(self, llvm_type: str) -> str:
        """The debug type of a parameter or result; "null" for void."""
        known = self._types.get(llvm_type)
        if known is None:
            known = self._types[llvm_type] = self._new_type(llvm_type)
        return known

    def _new_type(self, llvm_type: str) -> str:
        match llvm_type:
            case "void":
                return "null"
            case "ptr":
                return self.pointer("null")
            case "i64":
                return self.basic("long", 64)
            case "i32":
                return self.c_int
            case "i16":
                return self.basic("short", 16)
            case "i8":
                return self.c_char
            case "i1":
                return self.basic("_Bool", 8, "DW_ATE_boolean")
        raise ValueError(f"no debug type for {llvm_type}")

    def pointer(self, base: str) -> str:
        return self.metadata.node(
            f"!DIDerivedType(tag: DW_TAG_pointer_type, baseType: {base}, size: 64)"
        )

    def array(self, element: str, element_bits: int, count: int) -> str:
        node = self.metadata.node
        elements = self.metadata.list_of([node(f"!DISubrange(count: {count})")])
        return node(
            f"!DICompositeType(tag: DW_TAG_array_type, baseType: {element}, "
            f"size: {element_bits * count}, elements: {elements})"
        )

    def blob(self, size: int) -> str:
        """`size` bytes: u64 words where that fits, chars otherwise."""
        if size % 8 == 0 and size:
            return self.array(self.unsigned_long, 64, size // 8)
        return self.array(self.c_char, 8, size)

    def pointer_struct(self, members: Sequence[tuple[str, str]]) -> str:
        """An anonymous struct of 8-byte members (name, type): how BTF describes a map."""
        node = self.metadata.node
        fields = [
            node(
                f'!DIDerivedType(tag: DW_TAG_member, name: "{name}", file: {self.file}, '
                f"baseType: {base}, size: 64, offset: {64 * index})"
            )
            for index, (name, base) in enumerate(members)
        ]
        return node(
            f"!DICompositeType(tag: DW_TAG_structure_type, file: {self.file}, "
            f"size: {64 * len(fields)}, elements: {self.metadata.list_of(fields)})"
        )

    # Things with a name

    def global_variable(self, name: str, type: str) -> str:
        """Reference for `!dbg` of a global."""
        variable = self.metadata.reserve()
        self.metadata.define(
            variable,
            f'distinct !DIGlobalVariable(name: "{name}", scope: {self.unit}, file: {self.file}, '
            f"line: 1, type: {type}, isLocal: false, isDefinition: true)",
        )
        expression = self.metadata.node(
            f"!DIGlobalVariableExpression(var: {variable}, expr: !DIExpression())"
        )
        self._globals.append(expression)
        return expression

    def external_variable(self, name: str, type: str) -> str:
        """Reference for `!dbg` of a variable that another program defines."""
        variable = self.metadata.node(
            f'!DIGlobalVariable(name: "{name}", scope: {self.unit}, file: {self.file}, '
            f"line: 1, type: {type}, isLocal: false, isDefinition: false)"
        )
        return self.metadata.node(
            f"!DIGlobalVariableExpression(var: {variable}, expr: !DIExpression())"
        )

    def opaque_struct(self, name: str) -> str:
        """A structure of which only the name counts."""
        return self.metadata.node(
            f'!DICompositeType(tag: DW_TAG_structure_type, name: "{name}", size: 64, '
            f"elements: {self.metadata.list_of([])})"
        )

    def subprogram(
        self,
        name: str,
        params: Sequence[tuple[str, str]],
        result: str,
        *,
        line: int,
        local: bool,
    ) -> str:
        """Reference for `!dbg` of a function definition; params are (name, LLVM type)."""
        metadata = self.metadata
        line = max(1, min(line, _MAX_LINE))
        subprogram = metadata.reserve()
        names = [
            metadata.node(
                f'!DILocalVariable(name: "{param}", arg: {number}, scope: {subprogram}, '
                f"file: {self.file}, line: {line}, type: {self.type_of(type)})"
            )
            for number, (param, type) in enumerate(params, 1)
        ]
        flags = "DISPFlagDefinition | DISPFlagOptimized"
        if local:
            flags += " | DISPFlagLocalToUnit"
        metadata.define(
            subprogram,
            f'distinct !DISubprogram(name: "{name}", scope: {self.file}, file: {self.file}, '
            f"line: {line}, type: {self._prototype(params, result)}, scopeLine: {line}, "
            f"flags: DIFlagPrototyped, spFlags: {flags}, unit: {self.unit}, "
            f"retainedNodes: {metadata.list_of(names)})",
        )
        return subprogram

    def external(self, name: str, params: Sequence[tuple[str, str]], result: str) -> str:
        """Reference for `!dbg` of a declared kernel function."""
        return self.metadata.node(
            f'!DISubprogram(name: "{name}", scope: {self.file}, file: {self.file}, line: 1, '
            f"type: {self._prototype(params, result)}, flags: DIFlagPrototyped, "
            "spFlags: DISPFlagOptimized)"
        )

    def _prototype(self, params: Sequence[tuple[str, str]], result: str) -> str:
        key = (result, *(type for _, type in params))
        known = self._prototypes.get(key)
        if known is None:
            types = self.metadata.list_of([self.type_of(type) for type in key])
            known = self.metadata.node(f"!DISubroutineType(types: {types})")
            self._prototypes[key] = known
        return known

    def location(self, scope: str, line: int, column: int) -> str:
        """Reference to a place in `scope` (a subprogram); lines and columns from 1."""
        key = (scope, line, column)
        known = self._locations.get(key)
        if known is None:
            self.metadata.nodes.append(
                f"!DILocation(line: {max(1, min(line, _MAX_LINE))}, "
                f"column: {max(0, min(column, _MAX_COLUMN))}, scope: {scope})"
            )
            known = self._locations[key] = f"!{len(self.metadata.nodes) - 1}"
        return known

    def text(self) -> str:
        """The metadata of the module, to follow its functions."""
        metadata = self.metadata
        metadata.define(
            self.unit,
            f"distinct !DICompileUnit(language: DW_LANG_C11, file: {self.file}, "
            'producer: "dscript", isOptimized: true, runtimeVersion: 0, '
            f"emissionKind: DebugDirectivesOnly, globals: {metadata.list_of(self._globals)})",
        )
        return metadata.text()
