"""The compile-time rules of speculation (manual, chapter "Speculative Tracing")."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dscript.errors import Diagnostic
from dscript.semantics import tree

# What may not follow speculate() in a clause: aggregating and destructive actions, exit().
_FORBIDDEN = {
    "exit": "D_EXIT_SPEC",
    "raise": "D_ACT_SPEC",
    "stop": "D_ACT_SPEC",
    "chill": "D_ACT_SPEC",
    "breakpoint": "D_ACT_SPEC",
    "panic": "D_ACT_SPEC",
    "system": "D_ACT_SPEC",
    "freopen": "D_ACT_SPEC",
}
# What records no data.
_QUIET = {"speculate", "commit", "discard", "raise", "stop", "chill", "breakpoint", "panic"}


def walk_actions(body: Sequence[tree.Stmt]) -> Iterator[tree.Expr]:
    """Action calls and aggregation updates of a body, in program order."""
    for statement in body:
        if isinstance(statement, tree.If):
            yield from walk_actions(statement.then)
            yield from walk_actions(statement.otherwise)
        elif isinstance(statement, tree.Do):
            yield from _expression_actions(statement.expr)


def _expression_actions(expr: tree.Expr) -> Iterator[tree.Expr]:
    match expr:
        case tree.ActionCall() | tree.AggregationUpdate():
            yield expr
        case tree.Conditional():
            yield from _expression_actions(expr.then)
            yield from _expression_actions(expr.otherwise)
        case tree.Comma():
            for item in expr.items:
                yield from _expression_actions(item)


def check_speculation_rules(body: Sequence[tree.Stmt]) -> None:
    """One pass over the actions of a clause."""
    speculating = committed = recorded = False
    for action in walk_actions(body):
        kind = action.kind if isinstance(action, tree.ActionCall) else "aggregation"
        if speculating and kind in _FORBIDDEN:
            raise _error(_FORBIDDEN[kind], f"{kind}( ) may not follow speculate( )", action)
        if kind == "speculate":
            _before_speculate(action, speculating, committed, recorded)
            speculating = True
        elif kind == "commit":
            _before_commit(action, speculating, committed, recorded)
            committed = True
        elif kind == "aggregation":
            if speculating:
                raise _error(
                    "D_AGG_SPEC", "aggregating actions may not follow speculate( )", action
                )
            if committed:
                raise _error("D_AGG_COMM", "aggregating actions may not follow commit( )", action)
            recorded = True
        elif kind not in _QUIET:
            if committed:
                raise _error(
                    "D_DREC_COMM", "data-recording actions may not follow commit( )", action
                )
            recorded = True


def _before_speculate(
    action: tree.Expr, speculating: bool, committed: bool, recorded: bool
) -> None:
    if speculating:
        raise _error("D_SPEC_SPEC", "speculate( ) may not follow speculate( )", action)
    if committed:
        raise _error("D_SPEC_COMM", "speculate( ) may not follow commit( )", action)
    if recorded:
        raise _error("D_SPEC_DREC", "speculate( ) may not follow data-recording action(s)", action)


def _before_commit(action: tree.Expr, speculating: bool, committed: bool, recorded: bool) -> None:
    if committed:
        raise _error("D_COMM_COMM", "commit( ) may not follow commit( )", action)
    if recorded:
        raise _error("D_COMM_DREC", "commit( ) may not follow data-recording action(s)", action)


def _error(tag: str, message: str, action: tree.Expr) -> Diagnostic:
    return Diagnostic(tag, message, action.span)
