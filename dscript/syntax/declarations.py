"""Tokens of declarations: there a name's place says whether it is a type.

A frame is kept for every open bracket.  Where a type may begin (`wants_type`), a name is a
type; after one it is what is being declared.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from dscript.syntax import lexical_errors
from dscript.syntax.patterns import TOKEN, WORD, is_float
from dscript.syntax.scanner import Scanner
from dscript.syntax.tokens import KEYWORDS, OPERATORS, QUALIFIERS, STORAGE_WORDS, TAG_WORDS, Token

# Words that may begin a declaration without a type.
_UNTYPED = STORAGE_WORDS | QUALIFIERS

FrameKind = Literal[
    "item",  # the whole item
    "members",  # { } of a struct or union
    "enumerators",
    "translator",  # { } of a translator
    "provider",  # { } of a provider
    "parameters",  # ( ) of a function, [ ] of an inline function
    "keys",  # [ ] in a declarator: a size or key types, not known yet
    "group",  # ( ) around a declarator
    "expression",  # any bracket inside an expression
]


@dataclass(slots=True)
class _Frame:
    """`in_expression` after `=`, and after the `:` of a bit-field, up to the next `,` or `;`."""

    kind: FrameKind
    wants_type: bool = False
    in_expression: bool = False
    conditionals: int = 0  # `?` whose `:` is still to come


class DeclarationReader:
    """Reads one declaration, inline, translator or provider from where the scanner is."""

    def __init__(self, scanner: Scanner) -> None:
        self._scanner = scanner
        self._frames = [_Frame("item", wants_type=True)]
        self._previous = self._before = ""
        self._opener = ""  # first word of the item
        self._typedef = False
        self._declared = False  # the current declarator of a typedef has its name

    def read(self) -> Iterator[Token]:
        """The item's tokens, its `;` or last `}` included."""
        scanner = self._scanner
        text = scanner.text
        while self._frames:
            start = scanner.skip()
            found = TOKEN.match(text, start)
            if found is None:
                if start >= len(text):
                    return
                raise lexical_errors.explain(scanner.source, start)
            kind = found.lastgroup
            assert kind is not None
            value = found.group(kind)
            end = found.end()
            scanner.pos = end
            if kind == "word":
                type_ = self._word(value, end)
            elif kind == "operator":
                type_ = self._operator(value, end)
            else:
                value, type_ = self._other(kind, value, end)
            yield Token(type_, value, start, end)
            tagged = self._previous in ("STRUCT", "UNION", "ENUM")
            self._before = self._previous
            self._previous = "TAG" if tagged and type_ != "LBRACE" else type_

    def _other(self, kind: str, value: str, end: int) -> tuple[str, str]:
        """Value and type of a token that is neither word nor punctuation."""
        if kind == "macro":
            name = self._scanner.macro_name(value)
            if name is not None:
                return name, self._word(name, end)
        if self._frames[-1].kind == "keys":
            self._frames[-1].kind = "expression"
        if kind == "number":
            return value, "FLOAT" if is_float(value) else "INTEGER"
        return value, kind.upper()

    # ------------------------------------------------------------------------- words

    def _word(self, value: str, end: int) -> str:
        frame = self._frames[-1]
        opener = self._opener
        if not opener:
            self._opener = opener = value
        if frame.kind == "provider" and value == "probe" and self._previous != "PROBE":
            return "PROBE"
        if opener == "provider" and self._previous == "PROVIDER":
            return "IDENT"
        type_ = KEYWORDS.get(value, "IDENT")
        if self._previous in ("DOT", "ARROW"):
            return "IDENT"
        if type_ != "IDENT":
            return self._keyword(value, type_, frame)
        if self._previous in ("STRUCT", "UNION", "ENUM"):
            return "EXTERNAL" if "`" in value else "IDENT"
        if frame.in_expression or frame.kind in ("expression", "enumerators"):
            return self._scanner.name_kind(value, end, self._previous, self._before)
        if frame.kind == "keys" and frame.wants_type and not self._is_key_type(value, end):
            frame.kind = "expression"
            return self._scanner.name_kind(value, end, self._previous, self._before)
        if self._adds_to_words(value, end):
            return "TYPE_NAME"
        if frame.wants_type and not self._is_untyped(value, end):
            frame.wants_type = False
            if frame.kind == "keys":
                frame.kind = "parameters"
            return "TYPE_NAME"
        if (
            self._typedef
            and not self._declared
            and all(frame.kind in ("item", "group") for frame in self._frames)
        ):
            self._scanner.typedefs.add(value)
            self._declared = True
        return "EXTERNAL" if "`" in value else "IDENT"

    def _keyword(self, value: str, type_: str, frame: _Frame) -> str:
        if type_ == "TYPE_WORD" or value in TAG_WORDS:
            frame.wants_type = False
            if frame.kind == "keys":
                frame.kind = "parameters"
        elif type_ == "TYPEDEF":
            self._typedef = True
        elif type_ == "TRANSLATOR":
            frame.wants_type = True
        elif frame.kind == "keys" and type_ != "QUALIFIER" and value not in STORAGE_WORDS:
            frame.kind = "expression"  # sizeof …
        return type_

    def _adds_to_words(self, name: str, end: int) -> bool:
        """Whether a name is a type after others: `unsigned uint32_t x`, which is refused."""
        scanner = self._scanner
        declares = WORD.match(scanner.text, scanner.after(end)) is not None
        return declares and self._previous == "TYPE_WORD" and scanner.known_type(name)

    def _is_untyped(self, name: str, end: int) -> bool:
        """Whether a name is declared without a type, `self x;`: an int."""
        scanner = self._scanner
        if len(self._frames) > 1 or not self._previous or scanner.known_type(name):
            return False
        return self._opener in _UNTYPED and scanner.text.startswith(
            (";", ",", "[", "="), scanner.after(end)
        )

    def _is_key_type(self, name: str, end: int) -> bool:
        """Whether a name that begins an element of `[…]` is a type, not a size."""
        scanner = self._scanner
        if scanner.known_type(name):
            return True
        after = scanner.after(end)
        if scanner.text.startswith("*", after):
            return scanner.text.startswith(("]", ",", "*"), scanner.after(after + 1))
        return scanner.text.startswith(",", after) or WORD.match(scanner.text, after) is not None

    # --------------------------------------------------------------------- punctuation

    def _operator(self, value: str, end: int) -> str:
        frames = self._frames
        frame = frames[-1]
        if value in ("(", "[", "{"):
            frames.append(self._opened(value, end, frame))
        elif value in (")", "]", "}"):
            frames.pop()
            if value == "}" and len(frames) == 1 and self._opener in ("translator", "provider"):
                frames.clear()
        elif value == "=":
            frame.in_expression = True
        elif value == ":":
            if frame.conditionals:
                frame.conditionals -= 1
            elif frame.kind == "members":
                frame.in_expression = True
        elif value == "?":
            frame.conditionals += 1
        elif value == "," and not frame.conditionals:
            frame.in_expression = False
            frame.wants_type = frame.kind in ("parameters", "keys")
            if len(frames) == 1:
                self._declared = False
        elif value == ";":
            if len(frames) == 1:
                frames.clear()
            else:
                frame.in_expression = False
                frame.conditionals = 0
                frame.wants_type = frame.kind == "members"
        elif value == "<" and self._opener == "translator" and len(frames) == 1:
            frame.wants_type = True
        elif frame.kind == "keys" and frame.wants_type:
            frame.kind = "expression"
        return OPERATORS[value]

    def _opened(self, value: str, end: int, frame: _Frame) -> _Frame:
        """The frame of a bracket that was just read inside `frame`."""
        if frame.kind == "keys" and frame.wants_type:
            frame.kind = "expression"
        if frame.kind == "expression" or frame.in_expression:
            return _Frame("expression")
        if value == "{":
            return self._braces()
        if value == "[":
            kind: FrameKind = "parameters" if self._opener == "inline" else "keys"
            return _Frame(kind, wants_type=True)
        if frame.kind == "enumerators":
            return _Frame("expression")
        if self._previous in ("IDENT", "RPAR", "RSQB") or frame.kind == "provider":
            return _Frame("parameters", wants_type=True)
        scanner = self._scanner
        after = scanner.after(end)
        word = WORD.match(scanner.text, after)
        if scanner.text.startswith(")", after) or (
            word is not None
            and (
                KEYWORDS.get(word.group(), "")
                in ("TYPE_WORD", "QUALIFIER", "STRUCT", "UNION", "ENUM")
                or scanner.known_type(word.group())
            )
        ):
            return _Frame("parameters", wants_type=True)
        return _Frame("group")

    def _braces(self) -> _Frame:
        if self._previous == "ENUM" or self._before == "ENUM":
            return _Frame("enumerators")
        if len(self._frames) == 1 and self._opener == "translator":
            return _Frame("translator")
        if len(self._frames) == 1 and self._opener == "provider":
            return _Frame("provider")
        return _Frame("members", wants_type=True)
