"""A program that could stop a CPU for good is refused.

Who waits for the ring buffer's spin lock fires contention_end with that lock held.  If a clause
there takes room for a record, it waits for the lock that its own CPU holds.  Since Linux 6.15
such locks (rqspinlock_t) give up.
"""

from __future__ import annotations

from collections.abc import Sequence

from dscript.errors import Diagnostic
from dscript.kernel import btf
from dscript.lowering.records import RecordPlan
from dscript.providers.base import ProbePoint
from dscript.semantics import tree

# Run alone, not beside other programs.
_APART = ("begin", "end")


def refuse_lockups(clauses: Sequence[tree.Clause], plans: Sequence[RecordPlan]) -> None:
    """Raises D_UNKNOWN for data recorded where spin locks are had while others record too."""
    recording = [clause for clause, plan in zip(clauses, plans, strict=True) if plan.has_record]
    held = [clause for clause in recording if any(map(_holds_a_spin_lock, clause.points))]
    if not held or btf.find(btf.Kind.TYPEDEF, "rqspinlock_t") is not None:
        return
    here = {point.probe.id for point in held[0].points if _holds_a_spin_lock(point)}
    for clause in recording:
        for point in clause.points:
            if point.probe.id not in here and point.attach.kind not in _APART:
                raise Diagnostic(
                    "D_UNKNOWN",
                    f"data may not be recorded at {held[0].points[0].probe} while {point.probe} "
                    "records too: the ring buffer has a spin lock here, and the CPU could hang",
                    held[0].span,
                    "aggregate there, and print in END",
                )


def _holds_a_spin_lock(point: ProbePoint) -> bool:
    if point.attach.derived is not None:
        return point.probe.provider == "lockstat" and point.probe.name == "spin-spin"
    return point.attach.target == "contention_end"
