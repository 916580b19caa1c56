"""Source text → tokens.

What a piece of D text is depends on where it stands, so there are three readers:

* at the top of a program (`Lexer._items`) probe descriptions are whole tokens, and the
  first words of an item tell a clause from a declaration;
* inside predicates and bodies (`Lexer._code`) they are expressions and statements;
* inside declarations (`dscript.syntax.declarations`) a name's place says whether it is a
  type.

What they have in common is `dscript.syntax.scanner`: the place that is read, and which names
are types.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from dscript.errors import Diagnostic, Span
from dscript.source import Source
from dscript.syntax import lexical_errors
from dscript.syntax.declarations import DeclarationReader
from dscript.syntax.patterns import (
    DESCRIPTION,
    NEXT_CLAUSE,
    PREDICATE_TOKEN,
    PROBE_ID,
    SKIP_PREDICATE,
    TOKEN,
    WORD,
    is_float,
)
from dscript.syntax.scanner import AFTER_MEMBER, Scanner
from dscript.syntax.tokens import (
    DECLARATION_WORDS,
    KEYWORDS,
    OPERATORS,
    TAG_WORDS,
    MacroArguments,
    Token,
)


class Lexer(Scanner):
    """Reads one source; `tokens()` may be called once.

    `digits` says that the text begins with a probe ID (`-i`).
    """

    def __init__(
        self,
        source: Source,
        is_type: Callable[[str], bool] | None = None,
        *,
        digits: bool = False,
        macros: MacroArguments | None = None,
    ) -> None:
        super().__init__(source, is_type, macros)
        self.body_opened: int | None = None  # where the clause body being read begins
        self.predicate_opened: int | None = None  # and the predicate
        self.last: Token | None = None  # the token given out last
        self.before: Token | None = None  # and the one before it
        self._digits = digits

    # ------------------------------------------------------------------ top of a program

    def tokens(self) -> Iterator[Token]:
        """All tokens in order; raises `Diagnostic` where the text has none."""
        for token in self._items():
            self.before, self.last = self.last, token
            yield token

    def _items(self) -> Iterator[Token]:
        if self._digits:
            yield self._probe_id()
            yield from self._clause(self.pos)
        while True:
            pos = self.skip()
            if self.deferred:
                yield from self.deferred
                self.deferred.clear()
            if pos >= len(self.text):
                return
            if self.text[pos] == ";":
                self.pos = pos + 1
                yield Token("SEMICOLON", ";", pos, pos + 1)
            elif self._declares(pos):
                yield from DeclarationReader(self).read()
            else:
                yield from self._clause(pos)

    def _probe_id(self) -> Token:
        start = self.skip()
        end = start
        while end < len(self.text) and self.text[end].isdecimal():
            end += 1
        if end == start:
            span = Span(self.source, start, max(start, len(self.text)))
            raise Diagnostic("D_PDESC_INVAL", "a probe ID is a number", span)
        self.pos = end
        return Token("DESCRIPTION", self.text[start:end], start, end)

    def _declares(self, pos: int) -> bool:
        """Whether the item at `pos` is a declaration (else it is a clause)."""
        text = self.text
        word = WORD.match(text, pos)
        if word is None:
            return False
        description = DESCRIPTION.match(text, pos)
        end = pos if description is None else description.end()
        name = word.group()
        follows = text[word.end() : end]  # more of what could be a probe description
        if follows.startswith(("*", "[")) and ":" not in follows:
            known = name in DECLARATION_WORDS or self.known_type(name)
            return known and (follows[0] == "*" or name in TAG_WORDS)
        if follows:
            return False
        if name in DECLARATION_WORDS:
            return True
        after = self.after(end)
        if text.startswith("*", after):
            return True
        if text.startswith("(", after):  # type (*name)(…), not name(argument)
            return text.startswith("*", self.after(after + 1))
        second = DESCRIPTION.match(text, after)
        return second is not None and ":" not in second.group() and text[after] not in "-$.?[]!\\"

    def _clause(self, pos: int) -> Iterator[Token]:
        """Descriptions, predicate and body, up to the end of the body."""
        text = self.text
        while True:  # the description at `pos`, unless it has been read, and what follows
            if pos != self.pos or not self._digits:
                description = DESCRIPTION.match(text, pos) or PROBE_ID.match(text, pos)
                if description is None:
                    yield from self._code(None)  # not D: the parser says so at this token
                    return
                self.pos = description.end()
                yield Token("DESCRIPTION", description.group(), pos, self.pos)
            self._digits = False
            after = self.skip()
            if not text.startswith(",", after):
                break
            self.pos = after + 1
            yield Token("COMMA", ",", after, after + 1)
            pos = self.skip()
            if pos >= len(text):
                return
        if text.startswith("/", after) and not text.startswith("/*", after):
            self.pos = after + 1
            yield Token("PREDICATE_OPEN", "/", after, after + 1)
            self.predicate_opened = after
            yield from self._code("/")
            if self.last is not None and self.last.type == "PREDICATE_CLOSE":
                self.predicate_opened = None
            after = self.skip()
        if text.startswith(("{", "<"), after):
            self.pos = after + 1
            self.body_opened = after
            yield Token("BODY_OPEN", text[after], after, after + 1)
            yield from self._code("}" if text[after] == "{" else ">")
            if self.last is not None and self.last.type == "BODY_CLOSE":
                self.body_opened = None
        elif text.startswith(("(", "=", ")", "}", ">", "@", "+", "|", "&"), after):
            yield from self._code(None)

    # ------------------------------------------------------------- expressions and bodies

    def _code(self, closer: str | None) -> Iterator[Token]:
        """Tokens of a predicate (`/`), of a body (`}`, `>`), or of text that is neither.

        The closing token is the last one; None reads on to the end.
        """
        text = self.text
        match = (PREDICATE_TOKEN if closer == "/" else TOKEN).match
        keywords, operators = KEYWORDS, OPERATORS
        braces = brackets = 0
        before = previous = "BODY_OPEN"
        while True:
            found = match(text, self.pos)
            if found is None:
                if self.at_directive():
                    continue
                if self.after(self.pos) >= len(text):
                    return
                raise lexical_errors.explain(self.source, self.pos)
            kind = found.lastgroup
            end = found.end()
            if kind == "word":
                value = found.group("word")
                start = end - len(value)
                type_ = keywords.get(value, "IDENT")
                if previous in AFTER_MEMBER:
                    type_ = "IDENT"
                elif type_ == "IDENT":
                    type_ = self.name_kind(value, end, previous, before)
            elif kind == "operator":
                value = found.group("operator")
                start = end - len(value)
                type_ = operators[value]
                if value in "()[]{};>/":
                    if value == "(" or value == "[":
                        brackets += 1
                    elif value == ")" or value == "]":
                        brackets -= 1
                    elif value == "{":
                        braces += 1
                    elif value == "}":
                        if braces == 0 and closer == "}":
                            type_, brackets = "BODY_CLOSE", 0
                        braces -= 1
                    elif brackets > 0 or braces > 0:
                        pass
                    elif value == ">" and closer == ">":
                        if self._closes_angle(end, previous):
                            type_ = "BODY_CLOSE"
                    elif value == "/" and closer == "/" and self._closes_predicate(end):
                        type_ = "PREDICATE_CLOSE"
            else:
                assert kind is not None
                value = found.group(kind)
                start = end - len(value)
                type_ = kind.upper()
                if type_ == "NUMBER":
                    type_ = "FLOAT" if is_float(value) else "INTEGER"
                elif type_ == "MACRO":
                    name = self.macro_name(value)
                    if name is not None:
                        value, type_ = name, self.macro_kind(name, end, previous, before)
            self.pos = end
            yield Token(type_, value, start, end)
            if type_ == "BODY_CLOSE" or type_ == "PREDICATE_CLOSE":
                return
            before, previous = previous, type_

    def _closes_angle(self, end: int, previous: str) -> bool:
        """Whether a `>` outside brackets ends a `< … ; >` body."""
        return previous in ("SEMICOLON", "RBRACE", "BODY_OPEN") or self.after(end) >= len(self.text)

    def _closes_predicate(self, end: int) -> bool:
        """Whether the `/` before `end` closes its predicate: a body, clause or nothing follows."""
        after = SKIP_PREDICATE.match(self.text, end).end()  # type: ignore[union-attr]
        return (
            after >= len(self.text)
            or self.text[after] in "{;/<"
            or NEXT_CLAUSE.match(self.text, after) is not None
        )
