"""`pcap(skb, protocol)`: the bytes of a packet, as D over the kernel's `struct sk_buff`."""

from __future__ import annotations

from dscript.dtypes.types import INT, LONG, ULONG, VOID, is_integral, is_scalar
from dscript.errors import Diagnostic
from dscript.semantics import conversions, tree
from dscript.semantics.base import Checker
from dscript.semantics.tree import Expr
from dscript.semantics.typenames import describe
from dscript.syntax import ast


def check_pcap(checker: Checker, node: ast.Call) -> Expr:
    """The action's data: the packet's first bytes, how many those are, its whole length, the
    time, and what protocol it begins with.

    What lies in pages of its own (`data_len`) is not captured, as the kernel's socket
    filters leave it to their user as well.
    """
    given, protocol = node.args
    buffer = checker.check(given)
    if not is_scalar(conversions.decay(buffer).type):
        raise _mismatch(node, 1, "struct sk_buff *", buffer)
    kind = checker.check(protocol)
    if not is_integral(kind.type):
        raise _mismatch(node, 2, "int", kind)
    room = checker.environment.settings.pcapsize
    whole = _member(given, "len")
    span = node.span
    held = ast.Binary(op="-", left=whole, right=_member(given, "data_len"), span=span)
    limit = ast.Integer(value=room, span=span)
    captured = ast.Conditional(
        condition=ast.Binary(op=">", left=held, right=limit, span=span),
        then=limit,
        otherwise=held,
        span=span,
    )
    now = ast.Identifier(name="walltimestamp", span=span)
    args = (
        conversions.convert(checker.check(_member(given, "data")), ULONG),
        conversions.convert(checker.check(captured), LONG),
        conversions.convert(checker.check(whole), LONG),
        conversions.convert(checker.check(now), LONG),
        conversions.convert(kind, INT),
    )
    return tree.ActionCall(VOID, span, "pcap", args, count=room_for(room))


def room_for(size: int) -> int:
    """Bytes of the record for a packet of up to `size`: a power of two above it, so that the
    verifier sees from a mask that the copy fits."""
    return 1 << size.bit_length()


def _member(packet: ast.Expr, name: str) -> ast.Expr:
    """`((struct sk_buff *)packet)->name`"""
    span = packet.span
    buffer = ast.StructType(kind="struct", tag="sk_buff", span=span)
    type_ = ast.TypeName(spec=buffer, derivations=(ast.PointerTo(),), span=span)
    cast = ast.Cast(type=type_, operand=packet, span=span)
    return ast.Member(base=cast, name=name, arrow=True, span=span)


def _mismatch(node: ast.Call, number: int, prototype: str, given: Expr) -> Diagnostic:
    return Diagnostic(
        "D_PROTO_ARG",
        f"pcap( ) argument #{number} is incompatible with prototype:\n"
        f"\tprototype: {prototype}\n\t argument: {describe(given.type)}",
        node.args[number - 1].span,
    )
