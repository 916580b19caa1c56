"""The lark parser of `grammar/d.lark`, from its saved state where there is one.

Building the LALR tables takes 100 ms and more, loading them a few.  They are saved under a
name that carries a digest of the grammar and lark's version, in the user's own cache
directory; without one, the tables are built each time.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from functools import cache
from hashlib import blake2b

import lark
from lark.lexer import Lexer as LarkLexer

from dscript import resources
from dscript.kernel import cachedir
from dscript.syntax.builder import Builder
from dscript.syntax.tokens import Token


class TokenStream(LarkLexer):
    """lark's lexer interface over tokens that are already there."""

    def __init__(self, lexer_conf: object) -> None:
        pass

    def lex(self, data: Iterator[Token]) -> Iterator[Token]:  # type: ignore[override]
        return data


@cache
def parser() -> tuple[lark.Lark, Builder]:
    """The parser, and the builder that its reductions go to."""
    grammar = resources.grammar_file().read_bytes()
    digest = blake2b(grammar, digest_size=12).hexdigest()
    name = f"parser-{lark.__version__}-{digest}"
    builder = Builder()
    saved = cachedir.read(name)
    if saved is not None:
        try:
            return load(saved, builder), builder
        except Exception:  # whatever damaged content may raise: build it again
            saved = None
    built = build(grammar.decode())
    data = save(built)
    cachedir.write(name, data)
    return load(data, builder), builder


def build(grammar: str) -> lark.Lark:
    """The parser from the grammar's text."""
    return lark.Lark(
        grammar,
        parser="lalr",
        lexer=TokenStream,
        start="program",
        keep_all_tokens=True,
        maybe_placeholders=False,
    )


def save(parser: lark.Lark) -> bytes:
    """The parser's saved state."""
    file = io.BytesIO()
    parser.save(file)  # type: ignore[no-untyped-call,unused-ignore]
    return file.getvalue()


def load(data: bytes, builder: Builder) -> lark.Lark:
    """A parser from its saved state that reduces into `builder`.

    `Lark.load` takes no transformer; the method behind it does.
    """
    instance: lark.Lark = lark.Lark.__new__(lark.Lark)
    return instance._load(io.BytesIO(data), transformer=builder)
