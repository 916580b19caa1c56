"""Expressions and probes of other systems rewritten, as edits of the program's text.

A rule's pattern is D with `$x` for any expression.  It is compared with the tree, so that
blanks and casts do not count, and a variable stands for what its clause assigns to it once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import cast

from dscript.errors import Span
from dscript.port.foreign import Foreign, Move, rewrites
from dscript.source import Source
from dscript.syntax import ast
from dscript.syntax.parser import parse

_STATEMENT_END = re.compile(r"[\s)]*;")

# (pattern, what takes its place, why)
Rules = list[tuple[ast.Expr, str, str]]

# Results that are strings.
_TEXTS = ("d_path(", "stringof(", "fds[")


@dataclass(frozen=True, slots=True)
class Change:
    """Characters `start` to `end` of a program's source become `text`."""

    start: int
    end: int
    text: str
    why: str


def idioms(clause: ast.Clause, source: Source) -> list[Change]:
    """The expressions of a clause that are rules of `rewrites.toml`."""
    rules = [(expression(rule.old), rule.new, rule.why) for rule in rewrites()]
    return _Rewriter(clause, source).changes(rules)


def carried(clauses: Iterable[tuple[ast.Clause, Mapping[Span, Foreign]]]) -> Rules:
    """Rules for variables that moved clauses assign an argument: `self->vp = args[0]`.

    They hold in other clauses, where the variable has what Linux passes.  A variable of two
    meanings has none.
    """
    rules: dict[str, Rules] = {}
    doubtful: set[str] = set()
    for clause, found in clauses:
        moves = [entry.move for entry in found.values()]
        for node in walk(clause):
            if not isinstance(node, ast.Assign) or not isinstance(node.target, ast.Scoped):
                continue
            name = f"{node.target.scope}->{node.target.name}"
            argument = _argument_number(node.value)
            if argument is None or not moves or moves[0] is None:
                if not _is_null(node.value):
                    doubtful.add(name)
                continue
            new = _of_variable(moves[0], argument, name)
            if rules.setdefault(name, new) != new:
                doubtful.add(name)
    return [rule for name, made in rules.items() if name not in doubtful for rule in made]


def _argument_number(node: ast.Expr) -> int | None:
    """N of `args[N]` and `argN`, casts apart."""
    while isinstance(node, ast.Cast):
        node = node.operand
    if isinstance(node, ast.Index) and node.base == expression("args"):
        index = node.indices[0]
        return index.value if isinstance(index, ast.Integer) else None
    if isinstance(node, ast.Identifier) and _is_argument(node) and node.name != "args":
        return int(node.name[3:])
    return None


def _of_variable(move: Move, argument: int, name: str) -> Rules:
    """The rules of a move for one argument, said of the variable that has it."""
    word = f"args[{argument}]"
    return [
        (expression(old.replace(word, name)), new.replace(word, name), f"{name} is {word}")
        for old, new in move.arguments.items()
        if word in old and old != word
    ]


def moved(
    clause: ast.Clause, source: Source, found: Mapping[Span, Foreign], variables: Rules
) -> list[Change] | None:
    """The clause with its foreign probes moved to those of Linux, arguments and all.

    `found` are the foreign ones by the spans of their descriptions, `variables` the rules of
    `carried`.  None where that is not mechanical: a probe without a move, or a use of arguments
    that the move does not know.
    """
    moves = {span: entry.move for span, entry in found.items()}
    first = next(iter(moves.values()), None)
    if first is None or any(move is None for move in moves.values()):
        return None
    if len(moves) != len(clause.probes) and first.arguments:
        return None
    changes: list[Change] = []
    for probe in clause.probes:
        entry = found.get(probe.span)
        if entry is None or entry.move is None:
            continue
        text = _moved_probe(probe, entry.move)
        if text is None or dict(entry.move.arguments) != dict(first.arguments):
            return None
        why = f"{entry.name} {entry.sentence}"
        if text not in [change.text for change in changes]:
            changes.append(Change(probe.span.start, probe.span.end, text, why))
        else:
            return None
    if all(probe.name == "return" for probe in clause.probes):
        rules = variables
    else:
        rules = [(expression(old), new, "its argument") for old, new in _spellings(first)]
        rules += variables
    rewriter = _Rewriter(clause, source)
    changes += rewriter.changes(rules)
    if any(_is_argument(node) for node in rewriter.left):
        return None
    return changes


def _spellings(move: Move) -> Iterator[tuple[str, str]]:
    """The rules for arguments, with `arg0` cast to a pointer as good as `args[0]`."""
    for old, new in move.arguments.items():
        yield old, new
        if "args[" in old:
            other = re.sub(r"args\[(\d)\]", r"arg\1", old)
            yield other, other if new == old else new


def _moved_probe(probe: ast.ProbeDescription, move: Move) -> str | None:
    if move.only and probe.name != move.only:
        return None
    if move.probe:
        return move.probe
    return f"fbt::{move.function}:{probe.name}"


def _is_argument(node: ast.Node) -> bool:
    """Whether a node is `args` or one of `arg0` … `arg9`."""
    return isinstance(node, ast.Identifier) and (
        node.name == "args" or (node.name.startswith("arg") and node.name[3:].isdigit())
    )


@lru_cache(maxsize=1024)
def expression(text: str) -> ast.Expr:
    """The tree of one expression."""
    program = parse(Source("rule", f"BEGIN {{ x = {text}; }}"))
    clause = cast(ast.Clause, program.items[0])
    statement = cast(ast.ExprStmt, (clause.body or ())[0])
    return cast(ast.Assign, statement.expr).value


class _Rewriter:
    """Applies rules to one clause; `left` are the nodes outside of what was rewritten."""

    def __init__(self, clause: ast.Clause, source: Source) -> None:
        self.clause = clause
        self.source = source
        self.left: list[ast.Node] = []
        self._assigned = _definitions(clause)

    def changes(self, rules: Rules) -> list[Change]:
        roots: list[ast.Node] = list(self.clause.body or ())
        if self.clause.predicate is not None:
            roots.append(self.clause.predicate)
        return [
            change
            for root in roots
            for change in self._visit(root, rules, root is self.clause.predicate)
        ]

    def _visit(self, node: ast.Node, rules: Rules, truth: bool) -> Iterator[Change]:
        """`truth`: the node is a condition, where a pointer may stand but no string."""
        if isinstance(node, ast.Cast) and node.operand == expression("curthread"):
            yield Change(*self._extent(node), "curthread", "its members need no foreign type")
            return
        step = self._step(node, rules)
        if step is not None:
            yield step
            return
        for pattern, new, why in () if isinstance(node, ast.Scoped) else rules:
            bound: dict[str, ast.Expr] = {}
            if new and self._matches(pattern, node, bound):
                start, end = self._extent(node)
                text = self._filled(new, bound)
                if truth and text.startswith(_TEXTS):
                    text = f'{text} != ""'
                if text != self.source.text[start:end]:
                    yield Change(start, end, text, why)
                return
        self.left.append(node)
        for child in children(node):
            yield from self._visit(child, rules, _is_condition(node, child))

    def _step(self, node: ast.Node, rules: Rules) -> Change | None:
        """A condition on a step that leads nowhere here holds; its assignment is left out."""
        match node:
            case ast.Conditional(condition=condition):
                holds = self._holds(condition, rules)
                if holds is None:
                    return None
                kept = node.then if holds else node.otherwise
                return Change(*self._extent(node), self._text(kept, rules), "it is always there")
            case ast.ExprStmt(expr=ast.Assign(op="=", target=ast.Scoped(), value=value)):
                why = self._nowhere(value, rules)
                if why is None:
                    return None
                return Change(*self._statement(node), "", f"{why} is looked up by fds[]")
        return None

    def _holds(self, node: ast.Expr, rules: Rules) -> bool | None:
        """Whether a condition on a step is true; None for any other condition."""
        if isinstance(node, ast.Binary) and node.op in ("==", "!=") and _is_null(node.right):
            return None if self._nowhere(node.left, rules) is None else node.op == "!="
        return None if self._nowhere(node, rules) is None else True

    def _nowhere(self, node: ast.Expr, rules: Rules) -> str | None:
        """What a step on the way is, None for any other expression."""
        for pattern, new, why in rules:
            if not new and self._matches(pattern, node, {}):
                return why
        return None

    def _statement(self, node: ast.Node) -> tuple[int, int]:
        """Where a statement stands, with its semicolon and what indents it."""
        text = self.source.text
        rest = _STATEMENT_END.match(text, node.span.end)
        start = node.span.start
        while text[start - 1] in " \t":
            start -= 1
        return start, node.span.end if rest is None else rest.end()

    def _text(self, node: ast.Node, rules: Rules) -> str:
        """The text of a node with its changes made."""
        first, end = self._extent(node)
        parts = []
        at = first
        for change in sorted(self._visit(node, rules, False), key=lambda c: c.start):
            parts += [self.source.text[at : change.start], change.text]
            at = change.end
        return "".join([*parts, self.source.text[at:end]])

    def _extent(self, node: ast.Node) -> tuple[int, int]:
        """Where a node stands, with the parentheses that its first operand begins with."""
        text = self.source.text
        start, end = node.span.start, node.span.end
        open_ = text.count(")", start, end) - text.count("(", start, end)
        while open_ > 0 and start > 0:
            start -= 1
            open_ -= text[start] == "("
        return start, end

    def _filled(self, new: str, bound: Mapping[str, ast.Expr]) -> str:
        for name in sorted(bound, key=len, reverse=True):
            node = bound[name]
            start, end = self._extent(node.operand if isinstance(node, ast.Cast) else node)
            new = new.replace(f"${name}", self.source.text[start:end])
        return new

    def _matches(self, pattern: object, node: object, bound: dict[str, ast.Expr]) -> bool:
        while isinstance(pattern, ast.Cast):
            pattern = pattern.operand
        if isinstance(pattern, ast.Macro) and not pattern.text:
            if not isinstance(node, ast.Expr):
                return False
            return bound.setdefault(pattern.name, node) == node
        while isinstance(node, ast.Cast):
            node = node.operand
        if isinstance(node, ast.Conditional) and _is_null(node.otherwise):
            return self._matches(pattern, node.then, bound)
        if isinstance(node, ast.Scoped) and not isinstance(pattern, ast.Scoped):
            value = self._assigned.get((node.scope, node.name))
            return value is not None and self._matches(pattern, value, bound)
        if isinstance(pattern, tuple) and isinstance(node, tuple):
            pairs = zip(pattern, node, strict=False)
            return len(pattern) == len(node) and all(self._matches(a, b, bound) for a, b in pairs)
        if not isinstance(pattern, ast.Node) or type(pattern) is not type(node):
            return pattern == node
        if isinstance(pattern, ast.TypeName):
            return True  # of sizeof: what is foreign there is the type
        names = [item.name for item in fields(pattern) if item.compare]
        return all(
            self._matches(getattr(pattern, name), getattr(node, name), bound) for name in names
        )


def _is_null(node: ast.Expr) -> bool:
    while isinstance(node, ast.Cast):
        node = node.operand
    zero = isinstance(node, ast.Integer) and node.value == 0
    return zero or (isinstance(node, ast.Identifier) and node.name == "NULL")


def _is_condition(node: ast.Node, child: ast.Node) -> bool:
    """Whether a child of a node is taken as true or false."""
    match node:
        case ast.Binary(op=op):
            return op in ("&&", "||", "^^")
        case ast.Unary(op=op):
            return op == "!"
        case ast.Conditional(condition=condition) | ast.If(condition=condition):
            return child is condition
    return False


def _definitions(clause: ast.Clause) -> dict[tuple[str, str], ast.Expr]:
    """What variables of the clause are assigned, where that is done once."""
    found: dict[tuple[str, str], list[ast.Expr]] = {}
    for node in walk(clause):
        if isinstance(node, ast.Assign) and isinstance(node.target, ast.Scoped):
            key = node.target.scope, node.target.name
            found.setdefault(key, []).append(node.value)
    return {key: values[0] for key, values in found.items() if len(values) == 1}


def children(node: ast.Node) -> Iterator[ast.Node]:
    """The nodes directly below one, in the order of its fields."""
    for item in fields(node):
        value = getattr(node, item.name)
        if isinstance(value, ast.Node):
            yield value
        elif isinstance(value, tuple):
            yield from (child for child in value if isinstance(child, ast.Node))


def walk(node: ast.Node) -> Iterator[ast.Node]:
    """A node and all below it."""
    yield node
    for child in children(node):
        yield from walk(child)
