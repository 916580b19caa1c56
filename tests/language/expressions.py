"""Random integer expressions that D and C write alike, for the differential test.

Every expression is well defined in C on LP64: divisors are odd by construction, shift counts
stay below the width, and gcc compiles with -fwrapv, since D's arithmetic wraps.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass

# D and C spell these alike; C gets them from <stdint.h>.
TYPES = {
    "char": (1, True),
    "unsigned char": (1, False),
    "short": (2, True),
    "unsigned short": (2, False),
    "int": (4, True),
    "unsigned int": (4, False),
    "long": (8, True),
    "unsigned long": (8, False),
    "long long": (8, True),
    "unsigned long long": (8, False),
    "int8_t": (1, True),
    "uint16_t": (2, False),
    "int32_t": (4, True),
    "uint64_t": (8, False),
}
_INTERESTING = (0, 1, 2, 3, 7, 10, 127, 128, 255, 256, 32767, 32768, 65535, 1 << 31)

_COMPOUND = ("+", "-", "*", "/", "%", "&", "|", "^", "<<", ">>")
_BINARY = (*_COMPOUND, "<", "<=", ">", ">=", "==", "!=", "&&", "||")


@dataclass(frozen=True, slots=True)
class Variable:
    name: str
    type: str
    value: int


class Generator:
    """Expressions over a set of typed variables with known values."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.variables = [
            Variable(f"v{n}", type_, self._value(*TYPES[type_])) for n, type_ in enumerate(TYPES)
        ]
        # What assignments, steps and compound assignments change.
        self.targets = [Variable(f"t{n}", type_, 0) for n, type_ in enumerate(TYPES)]

    def _value(self, size: int, signed: bool) -> int:
        bits = 8 * size
        value = self.random.choice(
            (
                self.random.getrandbits(bits),
                self.random.choice(_INTERESTING),
                (1 << bits) - self.random.randint(1, 5),
                (1 << bits - 1) - self.random.randint(-2, 2),
            )
        )
        value &= (1 << bits) - 1
        return value - (1 << bits) if signed and value >> bits - 1 else value

    def expression(self, depth: int) -> str:
        pick = self.random.random()
        if depth == 0 or pick < 0.1:
            return self._leaf()
        if pick < 0.2:
            op = self.random.choice(("-", "~", "!", "+"))
            return f"({op} {self.expression(depth - 1)})"
        if pick < 0.3:
            return f"(({self.random.choice(list(TYPES))}){self.expression(depth - 1)})"
        if pick < 0.37:
            parts = (self.expression(depth - 1) for _ in range(3))
            return "({} ? {} : {})".format(*parts)
        return self._binary(depth - 1)

    def _binary(self, depth: int) -> str:
        left, right = self.expression(depth), self.expression(depth)
        op = self.random.choice(_BINARY)
        return f"({left} {op} {_operand(op, right)})"

    def statement(self, depth: int) -> str:
        """An expression, perhaps one that changes a variable of its own.

        Each of these variables is written once and read at most once after a comma: C leaves
        no order open.
        """
        pick = self.random.random()
        if pick < 0.7:
            return self.expression(depth)
        target = self.random.choice(self.targets).name
        first = f"{target} = {self._leaf()}"
        if pick < 0.75:
            return f"({target} = {self.expression(depth)})"
        if pick < 0.85:
            step = self.random.choice(("{}++", "{}--", "++{}", "--{}")).format(target)
            return f"({first}, {step})" if pick < 0.8 else f"({first}, {step}, {target})"
        op = self.random.choice(_COMPOUND)
        change = f"{target} {op}= {_operand(op, self.expression(depth))}"
        return f"({first}, {change})" if pick < 0.92 else f"({first}, {change}, {target} + 1)"

    def _leaf(self) -> str:
        if self.random.random() < 0.75:
            return self.random.choice(self.variables).name
        value = self.random.choice(
            (*_INTERESTING, self.random.getrandbits(16), self.random.getrandbits(40))
        )
        form = self.random.choice(("{}", "0x{:x}", "0{:o}", "{}U", "{}L", "{}ULL"))
        return form.format(value)


def _operand(op: str, right: str) -> str:
    """The right operand as the operator can have it, whatever its value."""
    if op in "/%":
        # Odd, and never -1: neither zero nor an overflowing quotient.
        return f"(({right} & 0x3e) | 5)"
    return f"({right} & 31)" if op in ("<<", ">>") else right


def c_program(generator: Generator, expressions: list[str]) -> str:
    """Prints every expression as a signed 64-bit number and its size, one a line."""
    lines = ["#include <stdio.h>", "#include <stdint.h>", "typedef signed char D_char;"]
    declared = [*generator.variables, *generator.targets]
    lines += [f"volatile {_c(v.type)} {v.name};" for v in declared]
    lines += ["int main(void) {"]
    lines += [
        f"{v.name} = ({_c(v.type)}){v.value & (1 << 64) - 1}ULL;" for v in generator.variables
    ]
    lines += [
        f'printf("%lld %d\\n", (long long)({_cast(e)}), (int)sizeof({_cast(e)}));'
        for e in expressions
    ]
    return "\n".join([*lines, "return 0; }", ""])


def _c(type_: str) -> str:
    return "signed char" if type_ == "char" else type_


def _cast(expression: str) -> str:
    return expression.replace("((char)", "((signed char)")


def d_program(generator: Generator, expressions: list[str], scope: str) -> str:
    """The same in D; variables are of `scope` ("", "this", "self"), or constants ("inline")."""
    prefix = f"{scope}->" if scope in ("this", "self") else ""
    lines = []
    for v in generator.variables:
        if scope == "inline":
            lines.append(f"inline {v.type} {v.name} = ({v.type}){v.value & (1 << 64) - 1};")
        else:
            lines.append(f"{scope} {v.type} {v.name};")
    kept = "" if scope == "inline" else scope
    lines += [f"{kept} {t.type} {t.name};" for t in generator.targets]
    if scope != "inline":
        sets = " ".join(
            f"{prefix}{v.name} = ({v.type}){v.value & (1 << 64) - 1};" for v in generator.variables
        )
        lines.append(f"BEGIN {{ {sets} }}")
    for at in range(0, len(expressions), 4):
        traced = " ".join(
            f'printf("%d %d\\n", (long long)({_scoped(e, prefix)}), sizeof({_scoped(e, prefix)}));'
            for e in expressions[at : at + 4]
        )
        lines.append(f"BEGIN {{ {traced} }}")
    return "\n".join([*lines, "BEGIN { exit(0); }", ""])


def _scoped(expression: str, prefix: str) -> str:
    if not prefix:
        return expression
    return re.sub(r"\b[vt]\d+\b", lambda m: prefix + m.group(0), expression)
