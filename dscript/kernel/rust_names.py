"""Rust's symbol names, version 0 of the mangling (RFC 2603), as people write them.

Hashes of crates and disambiguators are left out: `core::str::trim::<char>`.
"""

from __future__ import annotations

from collections.abc import Callable

_BASIC = {
    "a": "i8", "b": "bool", "c": "char", "d": "f64", "e": "str", "f": "f32", "h": "u8",
    "i": "isize", "j": "usize", "l": "i32", "m": "u32", "n": "i128", "o": "u128", "s": "i16",
    "t": "u16", "u": "()", "v": "...", "x": "i64", "y": "u64", "z": "!", "p": "_",
}  # fmt: skip
_SIGNED = frozenset("asxlni")
_UNSIGNED = frozenset("htmyoj")
_DIGITS = {c: n for n, c in enumerate("0123456789abcdefghijklmnopqrstuvwxyz")} | {
    c: n + 36 for n, c in enumerate("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
}
# References back may be nested, and the text they give can grow without end.
_DEEPEST, _LONGEST = 200, 10_000


def demangle(name: str) -> str | None:
    """The name that `_R…` stands for; None where it is not a valid one."""
    if not name.startswith("_R"):
        return None
    try:
        # What a linker or LLVM appended is no part of it.
        return _Parser(name[2:].partition(".")[0]).path(in_value=True)
    except (_Bad, IndexError, ValueError, KeyError, UnicodeError):
        return None


class _Bad(Exception):
    """It breaks the grammar."""


class _Parser:
    """A recursive descent over the RFC's grammar; `text` begins behind the `_R`."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.depth = 0
        self.lifetimes = 0  # that binders around have introduced

    # -- the alphabet

    def next(self) -> str:
        self.at += 1
        return self.text[self.at - 1]

    def takes(self, letter: str) -> bool:
        if self.text[self.at : self.at + 1] != letter:
            return False
        self.at += 1
        return True

    def base62(self) -> int:
        value, digits = 0, 0
        while (letter := self.next()) != "_":
            value = value * 62 + _DIGITS[letter]
            digits += 1
        return value + 1 if digits else 0

    def disambiguator(self) -> int:
        return self.base62() + 1 if self.takes("s") else 0

    def identifier(self) -> str:
        encoded = self.takes("u")
        start = self.at
        if not self.takes("0"):
            while self.text[self.at : self.at + 1].isdigit():
                self.at += 1
        length = int(self.text[start : self.at])
        self.takes("_")
        found = self.text[self.at : self.at + length]
        self.at += length
        if len(found) != length:
            raise _Bad
        if encoded:
            head, delimiter, tail = found.rpartition("_")
            found = (head + "-" * bool(delimiter) + tail).encode().decode("punycode")
        return found

    def back(self, read: str, **how: bool) -> str:
        """What an earlier place says, read again as the same kind of thing."""
        target, here = self.base62(), self.at
        if target >= here:
            raise _Bad
        self.at = target
        found: str = getattr(self, read)(**how)
        self.at = here
        if len(found) > _LONGEST:
            raise _Bad
        return found

    # -- paths

    def path(self, in_value: bool = False) -> str:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise _Bad
        try:
            return self._path(in_value)
        finally:
            self.depth -= 1

    def _path(self, in_value: bool) -> str:
        match self.next():
            case "C":
                self.disambiguator()
                return self.identifier()
            case "M":
                self.implementation()
                return f"<{self.type()}>"
            case "X":
                self.implementation()
                return f"<{self.type()} as {self.path()}>"
            case "Y":
                return f"<{self.type()} as {self.path()}>"
            case "N":
                return self.nested(in_value)
            case "I":
                outer = self.path(in_value)
                arguments = ", ".join(self.until_end("generic"))
                return f"{outer}{'::' if in_value else ''}<{arguments}>"
            case "B":
                return self.back("path", in_value=in_value)
        raise _Bad

    def implementation(self) -> None:
        """Where an `impl` stands, which is not shown."""
        self.disambiguator()
        self.path()

    def nested(self, in_value: bool) -> str:
        namespace = self.next()
        outer = self.path(in_value)
        number = self.disambiguator()
        inner = self.identifier()
        if namespace.isupper():
            kind = {"C": "closure", "S": "shim"}.get(namespace, namespace)
            return f"{outer}::{{{kind}{':' * bool(inner)}{inner}#{number}}}"
        return f"{outer}::{inner}" if inner else outer

    def until_end(self, read: str) -> list[str]:
        found: list[str] = []
        while not self.takes("E"):
            found.append(getattr(self, read)())
        return found

    def generic(self) -> str:
        if self.takes("L"):
            return self.lifetime()
        return self.constant() if self.takes("K") else self.type()

    def lifetime(self) -> str:
        index = self.base62()
        if not index:
            return "'_"
        return self.lifetime_name(self.lifetimes - index)

    @staticmethod
    def lifetime_name(number: int) -> str:
        if number < 0:
            raise _Bad
        return f"'{chr(ord('a') + number)}" if number < 26 else f"'_{number}"

    # -- types

    def type(self) -> str:
        letter = self.next()
        if letter in _BASIC:
            return _BASIC[letter]
        match letter:
            case "A":
                return f"[{self.type()}; {self.constant()}]"
            case "S":
                return f"[{self.type()}]"
            case "T":
                members = self.until_end("type")
                return f"({', '.join(members)}{',' if len(members) == 1 else ''})"
            case "R" | "Q":
                lifetime = self.lifetime() if self.takes("L") else "'_"
                shown = "" if lifetime == "'_" else f"{lifetime} "
                return f"&{shown}{'mut ' if letter == 'Q' else ''}{self.type()}"
            case "P" | "O":
                return f"*{'const' if letter == 'P' else 'mut'} {self.type()}"
            case "F":
                return self.bound(self.function)
            case "D":
                bounds = self.bound(lambda: " + ".join(self.until_end("dynamic")))
                if not self.takes("L"):
                    raise _Bad
                lifetime = self.lifetime()
                return f"dyn {bounds}" + ("" if lifetime == "'_" else f" + {lifetime}")
            case "B":
                return self.back("type")
        self.at -= 1
        return self.path()

    def bound(self, read: Callable[[], str]) -> str:
        """What is read under the lifetimes that a binder introduces."""
        count = self.base62() + 1 if self.takes("G") else 0
        names = [self.lifetime_name(self.lifetimes + n) for n in range(count)]
        self.lifetimes += count
        found = read()
        self.lifetimes -= count
        return f"for<{', '.join(names)}> {found}" if names else found

    def function(self) -> str:
        unsafe = "unsafe " if self.takes("U") else ""
        abi = ""
        if self.takes("K"):
            name = "C" if self.takes("C") else self.identifier().replace("_", "-")
            abi = f'extern "{name}" '
        parameters = ", ".join(self.until_end("type"))
        result = self.type()
        return f"{unsafe}{abi}fn({parameters})" + ("" if result == "()" else f" -> {result}")

    def dynamic(self) -> str:
        """A trait, perhaps with `<…, Name = Type>`."""
        trait = self.path()
        settings = []
        while self.takes("p"):
            settings.append(f"{self.identifier()} = {self.type()}")
        if not settings:
            return trait
        if trait.endswith(">"):
            return f"{trait[:-1]}, {', '.join(settings)}>"
        return f"{trait}<{', '.join(settings)}>"

    # -- constants

    def constant(self) -> str:
        kind = self.next()
        if kind == "B":
            return self.back("constant")
        if kind == "p":
            return "_"
        negative = self.takes("n")
        end = self.text.index("_", self.at)
        digits, self.at = self.text[self.at : end], end + 1
        value = int(digits or "0", 16)
        if kind in _SIGNED or kind in _UNSIGNED:
            return f"{'-' * negative}{value}"
        if kind == "b":
            return "true" if value else "false"
        if kind == "c":
            return repr(chr(value))
        raise _Bad
