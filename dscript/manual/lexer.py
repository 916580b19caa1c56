"""A Pygments lexer for D, registered as `dscript` in the package's entry points.

`pygmentize -l dscript script.d`, and code blocks marked `dscript` in documents.
"""

from __future__ import annotations

from typing import ClassVar

from pygments.lexer import RegexLexer, default, include, words
from pygments.token import (
    Comment,
    Keyword,
    Name,
    Number,
    Operator,
    Punctuation,
    String,
    Whitespace,
)

from dscript.builtins.actions import ACTIONS, AGGREGATING_FUNCTIONS
from dscript.builtins.subroutines import SUBROUTINES
from dscript.builtins.variables import BUILTIN_VARIABLES

_TYPE_WORDS = (
    "char", "double", "enum", "float", "int", "long", "short", "signed", "string", "struct",
    "union", "unsigned", "void", "const", "volatile", "static", "extern", "register", "auto",
    "restrict", "userland",
)  # fmt: skip
_KEYWORDS = (
    "if", "else", "inline", "translator", "xlate", "provider", "probe", "typedef", "sizeof",
    "offsetof", "stringof", "counter", "import", "attributes",
)  # fmt: skip
_FUNCTIONS = sorted({*ACTIONS, *AGGREGATING_FUNCTIONS, *(n for n in SUBROUTINES if n[0] != "_")})
_VARIABLES = (*BUILTIN_VARIABLES, "args", "uregs", "fds", "curpsinfo", "curlwpsinfo", "curcpu")


class DScriptLexer(RegexLexer):
    """The D language of DTrace.

    A line at the top of a program is a probe description, a declaration or a directive;
    what stands in braces, or between the slashes of a predicate, are expressions.
    """

    name = "DTrace D"
    aliases: ClassVar[list[str]] = ["dscript", "dtrace-d"]
    filenames: ClassVar[list[str]] = []  # *.d is the other language D's as well
    mimetypes: ClassVar[list[str]] = ["text/x-dtrace"]
    url = "docs/language.md"
    version_added = ""

    tokens: ClassVar = {
        "blank": [
            (r"\A#!.*$", Comment.Hashbang),
            (r"^[ \t]*#.*$", Comment.Preproc),
            (r"[ \t]+|[\r\n\f\v]+", Whitespace),
            (r"/\*(?:[^*]|\*(?!/))*\*/", Comment.Multiline),
            (r"//.*$", Comment.Single),
        ],
        "root": [
            include("blank"),
            (words(("provider", "translator"), suffix=r"\b"), Keyword, "declaration"),
            (
                r"(BEGIN|END|ERROR)\b",
                Name.Label,
            ),
            # A description has a colon or a dash-rate: syscall::open*:entry, profile-97, tick-1s.
            (r"[\w$*?.\[\]!`+-]*:[\w$*?.:\[\]!`+~<>(){}-]*?(?=[\s,/{<]|$)", Name.Label),
            (r"(?:tick|profile)-[\w$]+", Name.Label),
            (r"/", Operator, "predicate"),
            (r"[{<]", Punctuation, "body"),
            (r",", Punctuation),
            default("declaration"),
        ],
        "predicate": [(r"/(?=\s*(?:[{<;/]|$))", Operator, "#pop"), include("expression")],
        "body": [
            (r"\{", Punctuation, "#push"),
            (r">\s*(?=$|[\w*$]+:)", Punctuation, "#pop"),
            (r"\}", Punctuation, "#pop"),
            include("expression"),
        ],
        "declaration": [
            (r";", Punctuation, "#pop"),
            (r"\{", Punctuation, "braces"),
            include("expression"),
        ],
        "braces": [
            (r"\{", Punctuation, "#push"),
            (r"\}", Punctuation, "#pop"),
            include("expression"),
        ],
        "expression": [
            include("blank"),
            (r'"(?:\\.|[^"\\\n])*"', String.Double),
            (r"'(?:\\.|[^'\\\n])*'", String.Char),
            (r"0[xX][0-9a-fA-F]+[uUlL]*", Number.Hex),
            (r"\d+\.\d*(?:[eE][+-]?\d+)?[fFlL]?", Number.Float),
            (r"0[0-7]+[uUlL]*\b", Number.Oct),
            (r"\d+[uUlL]*", Number.Integer),
            (r"@\w*", Name.Variable.Global),
            (r"\$\$?\w+", Name.Variable.Magic),
            (r"(?:(?<=\bself->)|(?<=\bthis->))\w+", Name.Variable.Instance),
            (r"(?<=->)\w+|(?<=[\w)\]]\.)[A-Za-z_]\w*", Name.Attribute),
            (r"(?:\w+)?`\w+", Name.Entity),
            (words(_TYPE_WORDS, prefix=r"\b", suffix=r"\b"), Keyword.Type),
            (words(_KEYWORDS, prefix=r"\b", suffix=r"\b"), Keyword),
            (r"\b(?:self|this)\b", Keyword),
            (words(_FUNCTIONS, prefix=r"\b", suffix=r"(?=\s*\()"), Name.Builtin),
            (words(_VARIABLES, prefix=r"\b", suffix=r"\b"), Name.Builtin.Pseudo),
            (r"\b\w+_t\b", Keyword.Type),
            (r"\w+", Name),
            (r"\+\+|--|[&|^<>=]{2}|[-+*/%&|^~!<>=?:]", Operator),
            (r"[()\[\],.;]", Punctuation),
        ],
    }
