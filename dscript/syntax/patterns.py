"""Regular expressions of D's tokens and of what decides between readings of them."""

from __future__ import annotations

import re

# Repeated groups are atomic ones, `(?>(?:...)*)`: Python before 3.11.5 goes wrong on possessive
# groups that can backtrack inside (python/cpython#106052).
#
# Blanks, comments and continued lines.  A comment inside a comment is an error, so the
# pattern for comments does not match one.
_COMMENT = r"/\*(?>(?:[^*/]++|\*(?!/)|/(?!\*))*)\*/"
_SKIP = rf"(?>(?:[ \t\r\n\f\v]++|{_COMMENT}|//[^\n]*+|\\\r?\n)*)"
# Where a predicate may end, `//*` is its slash and a comment.
_SKIP_PREDICATE = _SKIP.replace("//[^", r"//(?!\*)[^")

# A name, perhaps scoped by a module: one of the kernel, or an object of user code, whose name
# has dots and whose types may be tagged or in namespaces (libgeo.so.1`geo::Point).
_PROCESS = r"pid(?:\d++|\$target)`"
_OBJECT = (
    rf"(?:(?>(?:{_PROCESS})?)(?:a\.out|lib\w*+(?:\+\+|[\w.+-]*?\.so\b)[\w.]*+)|{_PROCESS}\w++)`"
)
_TAG = r"(?:struct|union|enum|class)[ \t]++"
USER_TYPE = re.compile(
    rf"(?:{_OBJECT}(?>(?:{_TAG})?)|[A-Za-z_]\w*+`{_TAG})[A-Za-z_]\w*+(?>(?:::\w++)*)", re.ASCII
)
_WORD = rf"(?:{USER_TYPE.pattern}|[A-Za-z_]\w*+(?>(?:`\w++(?>(?:::\w++)*))*))"
_TOKEN = (
    rf"(?:(?P<word>{_WORD})"
    r"|(?P<operator>(?!/\*)(?:<<=|>>=|\.\.\.|->|\+\+|--|<<|>>|&&|\|\||\^\^|[-+*/%&|^<>=!]=|"
    r"\.(?!\d)|[-;,(){}\[\]=?:|^&<>+*/%~!]))"
    r"|(?P<number>(?:0[xX]\w*+|(?:\d++\.?+\d*+|\.\d++)(?>(?:[eE][-+]?+\d++)?)\w*+))"
    r'|(?P<string>"(?>(?:[^"\\\n]++|\\[^\n])*)")'
    r"|(?P<macro>\$\$?+\w++)"
    r"|(?P<aggregation>@(?>(?:[A-Za-z_]\w*+)?))"
    r"|(?P<character>'(?>(?:[^'\\\n]++|\\[^\n])*)')"
    r"|(?P<external>`[A-Za-z_]\w*+(?>(?:`\w++)*)))"
)
TOKEN = re.compile(_SKIP + _TOKEN, re.ASCII)
PREDICATE_TOKEN = re.compile(_SKIP_PREDICATE + _TOKEN, re.ASCII)
SKIP = re.compile(_SKIP)

# One probe description, and the ones whose second field is a path.
DESCRIPTION = re.compile(
    r"(?:uprobe|uretprobe|usdt|pid(?:\d++|\$\w++)):/[^\s:{},;]*+(?>(?::[-$:0-9A-Za-z_.`?*\\\[\]!@+]*+)?)"
    r"|[-$:A-Za-z_.?*\\\[\]!][-$:0-9A-Za-z_.`?*\\\[\]!]*+"
)
# A probe by its number.
PROBE_ID = re.compile(r"\d++(?![\w.:])", re.ASCII)
WORD = re.compile(_WORD, re.ASCII)
DIRECTIVE = re.compile(r"[ \t]*+#(?>(?:\\\r?\n|[^\n])*)")
LINE_MARK = re.compile(r"[ \t]*+#[ \t]*+(?:(?:line\b[ \t]*+)?\d|\Z)")
# What follows a `/` that closes a predicate when it is not punctuation: the next clause.
_FIELD = r"[-$\w.?*\[\]!`]*+"
NEXT_CLAUSE = re.compile(
    rf"[-$:\w.?*\[\]!`]*+{_SKIP}\{{|{_FIELD}:(?:{_FIELD}:{_FIELD}:|:)", re.ASCII
)

# After `(name`: the rest of a type, `)` or stars and `)`.
TYPE_REST = re.compile(rf"{_SKIP}(?P<stars>(?>(?:(?:\*|const\b|volatile\b|restrict\b){_SKIP})*))\)")
OPERAND_START = re.compile(rf"{_SKIP}(?:[\w\"'$@`~]|!(?!=)|\()", re.ASCII)
CAST_OPERAND = re.compile(
    rf"{_SKIP}(?:[\w\"'$@`~(]|!(?!=)|-(?![>=])|\+(?!=)|\*(?!=)|&(?![&=])|\.\d)", re.ASCII
)
ABSTRACT = re.compile(rf"{_SKIP}(?>(?:\*{_SKIP}|const\b{_SKIP}|volatile\b{_SKIP})*)[(\[]")
SKIP_PREDICATE = re.compile(_SKIP_PREDICATE)
_FLOAT = re.compile(r"(?!0[xX])(?:\d*\.|\d+[eE])")


def is_float(number: str) -> bool:
    """Whether a numeric token is a floating-point constant."""
    return _FLOAT.match(number) is not None
