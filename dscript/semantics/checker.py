"""AST → typed AST: one pass over the items of a program, in order."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from dscript import options as d_options
from dscript.dtypes.types import VOID
from dscript.errors import Diagnostic, Span
from dscript.providers import Pattern, ProbePoint, by_id, match
from dscript.providers.base import Step
from dscript.semantics import tree
from dscript.semantics.declarations import declare, declare_inline
from dscript.semantics.derived import (
    by_derivation,
    condition,
    derivation,
    needs_running,
    running_points,
    step_clauses,
)
from dscript.semantics.environment import Environment, KernelNames, Settings, macro_text
from dscript.semantics.expressions import ExpressionChecker
from dscript.semantics.libraries import Libraries
from dscript.semantics.macros import undefined
from dscript.semantics.pragmas import Pragmas
from dscript.semantics.provider_declarations import declare_provider
from dscript.semantics.speculation import check_speculation_rules
from dscript.semantics.translators import declare_translator
from dscript.syntax import ast
from dscript.syntax.nodes import below

_MACRO = re.compile(r"\$\$?(\d+|[A-Za-z_][A-Za-z0-9_]*)")


def settings_from(
    options: Mapping[str, str], *, destructive: bool, zero_ok: bool, has_target: bool
) -> Settings:
    """The options that the checker and lowering look at."""
    most = d_options.count(options, "maxframes") or 127
    return Settings(
        strsize=max(1, d_options.size(options, "strsize")),
        stackframes=min(most, d_options.count(options, "stackframes") or 20),
        ustackframes=min(most, d_options.count(options, "ustackframes") or 20),
        jstackframes=min(most, d_options.count(options, "jstackframes") or 50),
        jstackstrsize=d_options.size(options, "jstackstrsize"),
        pcapsize=max(1, d_options.size(options, "pcapsize")),
        defaultargs=d_options.flag(options, "defaultargs"),
        argref=d_options.flag(options, "argref"),
        destructive=destructive or d_options.flag(options, "destructive"),
        zero_ok=zero_ok,
        compat=d_options.text(options, "compat") != "none",
        has_target=has_target,
        quiet=d_options.flag(options, "quiet"),
        flowindent=d_options.flag(options, "flowindent"),
        empty=d_options.flag(options, "empty"),
    )


def _structs(program: ast.Program) -> Iterator[ast.StructType]:
    """The structures and unions that a program's declarations tell the members of."""
    for item in program.items:
        if isinstance(item, ast.Declaration):
            spec = item.type.spec
            if isinstance(spec, ast.StructType) and spec.tag and spec.members is not None:
                yield spec


class _Elsewhere(Diagnostic):
    """A probe that another system alone has: no fault in a clause that has others."""


class ProgramChecker:
    """Checks the pieces of a program in order, sharing one environment."""

    def __init__(
        self,
        settings: Settings,
        kernel: KernelNames,
        arguments: tuple[str, ...],
        program_name: str,
        libraries: tuple[Sequence[str], str] | None = None,
    ) -> None:
        """`libraries`: the user's folders of them, and the system's ("" for the usual one)."""
        self.environment = Environment(settings, kernel, arguments, program_name)
        self.expressions = ExpressionChecker(self.environment)
        self._pragmas = Pragmas(self.environment)
        if libraries is not None:
            folders, system = libraries
            self.environment.libraries = Libraries(self.environment, self._item, folders, system)
        self.clauses: list[tree.Clause] = []
        self._steps: dict[Step, tree.Clause] = {}
        # Clauses about a thread that does not run yet when they fire, by number.
        self._of_coming: dict[int, ast.Clause] = {}
        self.matches: list[tuple[str, int]] = []
        self.notes: list[str] = []
        self._matched = 0
        self._programs: list[ast.Program] = []
        self._named: list[Pattern] | None = None
        self._many_functions: bool | None = None

    def announce(self, programs: Sequence[ast.Program]) -> None:
        """All pieces that will be checked: what probes they name matters to each other."""
        self._programs = list(programs)
        self.environment.own_tags = frozenset(
            f"{spec.kind} {spec.tag}" for program in programs for spec in _structs(program)
        )
        self._named = None
        self._many_functions = None

    def check(self, program: ast.Program, title: str) -> None:
        """One piece; `title` is how the match count names it."""
        if not any(known is program for known in self._programs):
            self.announce([*self._programs, program])
        self._matched = 0
        for item in program.items:
            self._item(item)
        said = any(not isinstance(item, ast.Pragma) for item in program.items)
        if not said and not self.environment.settings.empty:
            at = Span(program.span.source, 0, 0)
            raise Diagnostic("D_EMPTY", "empty D program translation unit", at)
        self.matches.append((title, self._matched))

    def survey(self, program: ast.Program) -> Iterator[tuple[ast.Item, Diagnostic]]:
        """Check a program to its end whatever is wrong with it: each item with its first error.

        Descriptions that match nothing are told one by one, and the clause is checked as if
        they were allowed.  The checker is of no further use then.
        """
        settings = self.environment.settings
        self.announce([*self._programs, program])
        for item in program.items:
            settings.zero_ok = False
            elsewhere: list[Diagnostic] = []
            matched = False
            for description in item.probes if isinstance(item, ast.Clause) else ():
                try:
                    matched = bool(self._match(description)) or matched
                except _Elsewhere as other:
                    elsewhere.append(other)
                except Diagnostic as wrong:
                    yield item, wrong
            yield from ((item, other) for other in elsewhere if not matched)
            settings.zero_ok = True
            try:
                self._item(item)
            except Diagnostic as wrong:
                yield item, wrong

    def finish(self, source_name: str, source_text: str, options: dict[str, str]) -> tree.Program:
        environment = self.environment
        self._pragmas.finish()
        self._keep_together()
        environment.check_arguments_used()
        for clause in self._steps.values():
            clause.index = len(self.clauses)
            self.clauses.append(clause)
        return tree.Program(
            clauses=self.clauses,
            variables=list(environment.variables.values()),
            aggregations=list(environment.aggregations.values()),
            options=options,
            matches=self.matches,
            notes=self.notes,
            remarks=environment.remarks,
            destructive=environment.settings.destructive,
            strsize=environment.settings.strsize,
            source_name=source_name,
            source_text=source_text,
        )

    def _item(self, item: ast.Item) -> None:
        match item:
            case ast.Clause():
                self._clause(item)
            case ast.Declaration():
                declare(self.expressions, item)
            case ast.Inline():
                declare_inline(self.expressions, item)
            case ast.Translator():
                declare_translator(self.expressions, item)
            case ast.Pragma():
                self._pragmas.check(item)
            case ast.ProviderDef():
                declare_provider(self.expressions, item)

    # -------------------------------------------------------------------------- clauses

    def _clause(self, item: ast.Clause) -> None:
        if item.body is None and item.predicate is None and not _on_command_line(item):
            raise Diagnostic(
                "D_SYNTAX",
                "expected predicate and/or actions following probe description",
                item.span,
            )
        groups = self._points(item)
        parts = [part for points in groups for part in by_derivation(points)]
        if any(map(derivation, parts)):
            # What args[] and argN mean differs: the clause is checked for each by itself.
            for part in parts:
                self._add(item, self._clauses_at(item, [part]))
        else:
            self._add(item, self._clauses_at(item, groups))

    def _clauses_at(self, item: ast.Clause, groups: list[list[ProbePoint]]) -> list[tree.Clause]:
        """The clause once for each group of probes, which agree on what it means."""
        self.environment.points = [point for points in groups for point in points]
        derived = derivation(self.environment.points)
        if derived is not None:
            step_clauses(self.expressions, derived, self._steps, item.span)
        filter_ = condition(self.expressions, item.span)
        predicate = None
        if item.predicate is not None:
            predicate = self.expressions.condition(item.predicate)
        body = self._statements(item.body or ())
        check_speculation_rules(body)
        return [
            tree.Clause(
                index=-1,
                points=points,
                predicate=predicate,
                body=body,
                span=item.span,
                empty=not body,
                filter=filter_,
            )
            for points in groups
        ]

    def _add(self, item: ast.Clause, clauses: Sequence[tree.Clause]) -> None:
        for clause in clauses:
            clause.index = len(self.clauses)
            self.clauses.append(clause)
            derived = derivation(clause.points)
            if derived is not None and derived.subject >= 0:
                self._of_coming[clause.index] = item

    def _keep_together(self) -> None:
        """A probe's clauses all fire behind the switch if one must: in their order, once."""
        must = {
            clause.points[0].probe
            for clause in map(self.clauses.__getitem__, self._of_coming)
            if needs_running(clause)
        }
        for index, item in self._of_coming.items():
            clause = self.clauses[index]
            if clause.points[0].probe in must:
                points = running_points(clause)
                if points is not None:
                    (self.clauses[index],) = self._clauses_at(item, [list(points)])
                    self.clauses[index].index = index

    def _statements(self, statements: Sequence[ast.Stmt]) -> tuple[tree.Stmt, ...]:
        """In order, but for actions on an aggregation that a later statement makes: what a
        clause makes is known throughout it."""
        checked: dict[int, tree.Stmt] = {}
        early = []
        for at, statement in enumerate(statements):
            try:
                checked[at] = self._statement(statement)
            except Diagnostic as wrong:
                if not wrong.tag.endswith("_AGGBAD"):
                    raise
                early.append(at)
        for at in early:
            checked[at] = self._statement(statements[at])
        return tuple(checked[at] for at in range(len(statements)))

    def _statement(self, statement: ast.Stmt) -> tree.Stmt:
        if isinstance(statement, ast.If):
            return tree.If(
                statement.span,
                self.expressions.condition(statement.condition),
                self._statements(statement.then),
                self._statements(statement.otherwise),
            )
        assert isinstance(statement, ast.ExprStmt)
        return tree.Do(statement.span, self._statement_expression(statement.expr))

    def _statement_expression(self, node: ast.Expr) -> tree.Expr:
        if isinstance(node, ast.AggregationRef):
            raise Diagnostic("D_AGG_NULL", f"expression has null effect: @{node.name}", node.span)
        expr = self.expressions.check(node)
        return as_statement(expr)

    # --------------------------------------------------------------------------- probes

    def _points(self, item: ast.Clause) -> list[list[ProbePoint]]:
        """The probes of a clause; a probe that several descriptions match fires for each.

        Each group holds every probe at most once.  System calls under other names are groups of
        their own: their arguments lie elsewhere.
        """
        groups: list[dict[int, ProbePoint]] = [{}]
        shaped: list[list[ProbePoint]] = []
        for points in self._matches(item):
            for point in points:
                if point.attach.shape is not None:
                    shaped.append([point])
                    continue
                for group in groups:
                    if point.probe.id not in group:
                        group[point.probe.id] = point
                        break
                else:
                    groups.append({point.probe.id: point})
        plain = [list(group.values()) for group in groups if group or not shaped]
        return plain + shaped

    def _matches(self, item: ast.Clause) -> list[Sequence[ProbePoint]]:
        """The points of each description; at least one must match where others may not."""
        found: list[Sequence[ProbePoint]] = []
        wrong: Diagnostic | None = None
        for description in item.probes:
            try:
                points = self._match(description)
            except _Elsewhere as other:
                points, wrong = (), wrong or other
            found.append(self._with_paths(item, description, points))
        if wrong is not None and not any(found):
            raise wrong
        return found

    def _with_paths(
        self, item: ast.Clause, description: ast.ProbeDescription, points: Sequence[ProbePoint]
    ) -> Sequence[ProbePoint]:
        """`openat` under `open*` as `open`, in a clause that reads a path from arg0."""
        compat = self.environment.settings.compat
        if not compat or description.provider != "syscall" or not reads_path(item):
            return points
        from dscript.providers.path_calls import with_paths

        function = self._expand(description.function, description.span)
        found, remarks = with_paths(Pattern("syscall", "", function, description.name), points)
        self.environment.remarks.extend(remarks)
        return found

    def _match(self, description: ast.ProbeDescription) -> Sequence[ProbePoint]:
        fields = [
            self._expand(field, description.span)
            for field in (
                description.provider,
                description.module,
                description.function,
                description.name,
            )
        ]
        if description.fields == 0:  # a probe ID
            pattern, found = description.name, by_id(int(description.name))
        else:
            pattern = str(Pattern(*fields))
            found = match(
                Pattern(*fields),
                compat=self.environment.settings.compat,
                named=self._descriptions,
            )
        self.notes.extend(found.notes)
        self.environment.remarks.extend(found.remarks)
        # A probe of several sources is one probe.
        self._matched += len({point.probe.id for point in found.points})
        if found.points or found.covered or self.environment.settings.zero_ok:
            return self._in_one_program(found.points)
        message = f"probe description {pattern} does not match any probes"
        if found.reason:
            message = f"{message}: {found.reason}"
        kind = _Elsewhere if found.elsewhere else Diagnostic
        raise kind("D_PDESC_ZERO", message, description.span, found.suggestion)

    def _in_one_program(self, points: Sequence[ProbePoint]) -> Sequence[ProbePoint]:
        """Where another description names many functions, all are probed as many are: the clauses
        of a function that both name stay in their order."""
        if not any(point.attach.kind in ("fentry", "fexit") for point in points):
            return points
        from dscript.providers.fbt import PROVIDER

        if self._many_functions is None:
            self._many_functions = any(
                PROVIDER.many(Pattern(*(self._expand(field, each.span) for field in fields)))
                for each in self._all_descriptions()
                if each.provider in PROVIDER.names
                for fields in ((each.provider, each.module, each.function, each.name),)
            )
        return [PROVIDER.among_many(p) for p in points] if self._many_functions else points

    def _all_descriptions(self) -> Iterator[ast.ProbeDescription]:
        for program in self._programs:
            for item in program.items:
                if isinstance(item, ast.Clause):
                    yield from item.probes

    def _descriptions(self) -> Sequence[Pattern]:
        """The descriptions of all pieces, as they are written."""
        if self._named is None:
            self._named = [
                Pattern(each.provider, each.module, each.function, each.name)
                for each in self._all_descriptions()
            ]
        return self._named

    def _expand(self, text: str, span: Span) -> str:
        """Macro variables inside a probe description field."""

        def value(found: re.Match[str]) -> str:
            name = found.group(1)
            if name.isdigit():
                return self.environment.argument(int(name), span) or ""
            known = macro_text(name)
            if name == "target" and self.environment.settings.target:
                known = str(self.environment.settings.target)
            if known is None:
                raise undefined(name, span)
            return known

        return _MACRO.sub(value, text) if "$" in text else text


def _on_command_line(item: ast.Clause) -> bool:
    """Options -n, -f, -m and -P take a bare probe description; a file does not."""
    return item.span.source is None or item.span.source.is_command_line


def as_statement(expr: tree.Expr) -> tree.Expr:
    """An expression in statement position: `stack();` and `sym(x);` are actions there."""
    if isinstance(expr, tree.StackValue):
        return tree.ActionCall(VOID, expr.span, expr.kind, (expr,))
    if isinstance(expr, tree.SymbolValue):
        return tree.ActionCall(VOID, expr.span, "symbol", (expr,))
    if isinstance(expr, tree.Conditional):
        expr.then = as_statement(expr.then)
        expr.otherwise = as_statement(expr.otherwise)
    return expr


def reads_path(item: ast.Clause) -> bool:
    """Whether a clause takes arg0 for the address of a string: `copyinstr(arg0)`."""
    return any(
        isinstance(node, ast.Call)
        and node.name == "copyinstr"
        and bool(node.args)
        and isinstance(node.args[0], ast.Identifier)
        and node.args[0].name == "arg0"
        for node in below((item.predicate, item.body))
    )
