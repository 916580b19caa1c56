"""Tokens, and the tables of words and operators they are made from.

Token types are the terminal names of `grammar/d.lark`.
"""

from __future__ import annotations

from collections.abc import Sequence


class Token:
    """One token: what lark's parser asks of its own class, without its cost.

    `start` and `end` are character offsets into the source text.
    """

    __slots__ = ("end", "start", "type", "value")

    # What lark reads from the last token for errors at the end of the input.
    line = column = end_line = end_column = None

    def __init__(self, type: str, value: str, start: int, end: int) -> None:
        self.type = type
        self.value = value
        self.start = start
        self.end = end

    @property
    def start_pos(self) -> int:
        return self.start

    @property
    def end_pos(self) -> int:
        return self.end

    def __repr__(self) -> str:
        return f"{self.type}({self.value!r})"


class MacroArguments:
    """The arguments of a script, as far as the syntax asks for them: those that are names.

    `used` collects the numbers of those that took the place of a token.
    """

    def __init__(self, arguments: Sequence[str]) -> None:
        self._arguments = arguments
        self.used: set[int] = set()

    def misses(self, macro: str) -> bool:
        """Whether `$1` names an argument that was not given."""
        digits = macro[1:]
        return digits.isdecimal() and int(digits) > len(self._arguments)

    def name(self, macro: str) -> str | None:
        """The name that `$1` stands for; None for numbers, other text and other macros."""
        digits = macro[1:]
        if not digits.isdecimal() or not 0 < int(digits) <= len(self._arguments):
            return None
        text = self._arguments[int(digits) - 1]
        if not (text.isascii() and text.isidentifier()):
            return None
        self.used.add(int(digits))
        return text


OPERATORS = {
    "->": "ARROW",
    "++": "INCREMENT",
    "--": "DECREMENT",
    "<<": "SHIFT_LEFT",
    ">>": "SHIFT_RIGHT",
    "<=": "LESS_EQUAL",
    ">=": "GREATER_EQUAL",
    "==": "EQUALS",
    "!=": "NOT_EQUALS",
    "&&": "AND_AND",
    "||": "OR_OR",
    "^^": "XOR_XOR",
    "...": "ELLIPSIS",
    "+=": "ASSIGN_OP",
    "-=": "ASSIGN_OP",
    "*=": "ASSIGN_OP",
    "/=": "ASSIGN_OP",
    "%=": "ASSIGN_OP",
    "&=": "ASSIGN_OP",
    "|=": "ASSIGN_OP",
    "^=": "ASSIGN_OP",
    "<<=": "ASSIGN_OP",
    ">>=": "ASSIGN_OP",
    ";": "SEMICOLON",
    ",": "COMMA",
    "(": "LPAR",
    ")": "RPAR",
    "{": "LBRACE",
    "}": "RBRACE",
    "[": "LSQB",
    "]": "RSQB",
    "=": "EQUAL",
    "?": "QMARK",
    ":": "COLON",
    "|": "VBAR",
    "^": "CIRCUMFLEX",
    "&": "AMPERSAND",
    "<": "LESSTHAN",
    ">": "MORETHAN",
    "+": "PLUS",
    "-": "MINUS",
    "*": "STAR",
    "/": "SLASH",
    "%": "PERCENT",
    "~": "TILDE",
    "!": "BANG",
    ".": "DOT",
}

# D's type keywords.  `string` is one; `_Complex` and `_Imaginary` are reserved, and the
# type checker refuses them.
TYPE_WORDS = frozenset(
    ("void", "char", "short", "int", "long", "float", "double", "signed", "unsigned", "string")
) | {"_Bool", "_Complex", "_Imaginary"}
QUALIFIERS = frozenset(("const", "volatile", "restrict", "userland"))
STORAGE_WORDS = frozenset(("typedef", "extern", "static", "auto", "register", "self", "this"))
TAG_WORDS = frozenset(("struct", "union", "enum"))

# Words that open a top-level item other than a clause.
ITEM_WORDS = frozenset(("inline", "translator", "provider"))
DECLARATION_WORDS = TYPE_WORDS | QUALIFIERS | STORAGE_WORDS | TAG_WORDS | ITEM_WORDS

# Statements of C that D reserves and does not have.
FORBIDDEN_WORDS = frozenset(
    ("break", "case", "continue", "default", "do", "for", "goto", "return", "switch", "while")
)

KEYWORDS = (
    dict.fromkeys(TYPE_WORDS, "TYPE_WORD")
    | dict.fromkeys(QUALIFIERS, "QUALIFIER")
    | {word: word.upper() for word in STORAGE_WORDS | TAG_WORDS | ITEM_WORDS}
    | {word: word.upper() for word in ("if", "else", "sizeof", "stringof", "offsetof", "xlate")}
    | dict.fromkeys(FORBIDDEN_WORDS, "FORBIDDEN")
)
