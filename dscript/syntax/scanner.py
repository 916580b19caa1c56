"""The text being read: where in it we are, what lies between tokens, which names are types.

The only thing D's syntax needs that a text does not show is which names are types.  Here a
name is a type when an earlier `typedef` of the same text, the caller's `is_type` or the
ending `_t` says so, or when nothing else can stand in its place.
"""

from __future__ import annotations

from collections.abc import Callable

from dscript.source import Source
from dscript.syntax.patterns import (
    ABSTRACT,
    CAST_OPERAND,
    DIRECTIVE,
    LINE_MARK,
    OPERAND_START,
    SKIP,
    TYPE_REST,
    USER_TYPE,
)
from dscript.syntax.tokens import TYPE_WORDS, MacroArguments, Token

AFTER_MEMBER = frozenset(("DOT", "ARROW"))
_BEFORE_CAST_NAME = frozenset(("LPAR", "QUALIFIER"))
_OPERAND_ENDS = frozenset(("RPAR", "RSQB", "AGGREGATION", "EXTERNAL"))


class Scanner:
    """A source and the place in it that its readers have come to.

    `macros` are the arguments whose names take the place of `$1`.
    """

    def __init__(
        self,
        source: Source,
        is_type: Callable[[str], bool] | None = None,
        macros: MacroArguments | None = None,
    ) -> None:
        self.source = source
        self.text = source.text
        self.pos = 0
        self.typedefs: set[str] = set()
        self.macros = macros
        self.deferred: list[Token] = []  # directives met inside a clause or declaration
        self._is_type = is_type

    # ------------------------------------------------------------------ names and types

    def macro_name(self, macro: str) -> str | None:
        """The name that `$1` stands for, None where it stands for none.

        Such an argument is a token of the program: a variable, a member, a tag or a type.
        """
        return None if self.macros is None else self.macros.name(macro)

    def macro_kind(self, name: str, end: int, previous: str, before: str) -> str:
        """Token type of a name that an argument brought: like one that was written there."""
        if previous in AFTER_MEMBER:
            return "IDENT"
        if name in TYPE_WORDS:
            return "TYPE_WORD"
        return self.name_kind(name, end, previous, before)

    def known_type(self, name: str) -> bool:
        """Whether a name is a type wherever a type could stand."""
        return (
            name in self.typedefs
            or USER_TYPE.fullmatch(name) is not None
            or (self._is_type is not None and self._is_type(name))
            or name.endswith("_t")
        )

    def name_kind(self, name: str, end: int, previous: str, before: str) -> str:
        """IDENT, EXTERNAL or TYPE_NAME, for a name in an expression.

        `end` is where the name ends, `previous` and `before` are the types of the two
        tokens before it.
        """
        if previous == "LESSTHAN" and before == "XLATE":
            return "TYPE_NAME"
        if previous == "TYPE_WORD" and self.known_type(name):
            # `(unsigned uint32_t)`, which the builder refuses.
            return "TYPE_NAME"
        if previous in ("STRUCT", "UNION", "ENUM"):
            return "EXTERNAL" if "`" in name else "IDENT"
        if "`" in name and USER_TYPE.fullmatch(name) is not None:
            return "TYPE_NAME"  # user code has no variables here
        if previous in _BEFORE_CAST_NAME and self._names_type(name, end, previous, before):
            return "TYPE_NAME"
        return "EXTERNAL" if "`" in name else "IDENT"

    def _names_type(self, name: str, end: int, previous: str, before: str) -> bool:
        """Whether a name after `(`, or after a qualifier, is a type."""
        if previous == "QUALIFIER" or before == "OFFSETOF":
            return True
        if before in ("IDENT", "IF"):  # an argument, a condition
            return False
        known = self.known_type(name)
        rest = TYPE_REST.match(self.text, end)
        if rest is None:
            return known and ABSTRACT.match(self.text, end) is not None
        if rest.group("stars"):
            return True
        if before == "SIZEOF" or before in _OPERAND_ENDS:
            return known
        # A variable in parentheses is followed by an operator, a cast by an operand.
        follows = CAST_OPERAND if known else OPERAND_START
        return follows.match(self.text, rest.end()) is not None

    # --------------------------------------------------------------- blanks and directives

    def after(self, pos: int) -> int:
        """Where the next token begins, from `pos` on."""
        return SKIP.match(self.text, pos).end()  # type: ignore[union-attr]

    def skip(self) -> int:
        """Go to the next token, past directives, and say where it is."""
        self.pos = self.after(self.pos)
        while self.at_directive():
            self.pos = self.after(self.pos)
        return self.pos

    def at_directive(self) -> bool:
        """Whether a `#` line stood at the next token; it is now behind us."""
        text = self.text
        pos = self.after(self.pos)
        if not text.startswith("#", pos):
            return False
        begin = text.rfind("\n", 0, pos) + 1
        if text[begin:pos].strip(" \t"):
            return False
        line = DIRECTIVE.match(text, begin)
        assert line is not None
        self.pos = line.end()
        value = line.group().strip()
        if not (pos == 0 and value.startswith("#!")) and LINE_MARK.match(value) is None:
            self.deferred.append(Token("DIRECTIVE", value, pos, self.pos))
        return True
