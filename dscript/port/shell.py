"""The dtrace commands of a shell script: sh, ksh and bash as far as wrappers of D use them.

The script is not run.  It is cut into words as the shell would, a variable stands for the text
first assigned to it, and what only a run knows (options, results of commands) for `NEUTRAL`.
Every command whose words name dtrace is given out, whatever branch it stands in.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from dscript.port.mapped import Mapped

# In place of what only a run knows: a number that is also a good divisor, rate and process ID.
NEUTRAL = "1"

_NAME = re.compile(r"[A-Za-z_]\w*|[0-9@*#?$!-]")
_ASSIGNED = re.compile(r"(?:(?:export|typeset|local|readonly)\s+)?([A-Za-z_]\w*)(\+?=)")
_DEFAULT = re.compile(r"(\w+):?[-=]([\w./]+)\Z")
_HERE = re.compile(r"<<(-?)\s*(?:'([^'\n]+)'|\"([^\"\n]+)\"|\\?([\w.!%-]+))")
_REDIRECT = re.compile(r"\d*(?:>>|>&|<&|>\||>|<(?![<(]))")
_BLANK = re.compile(r"(?:[ \t]|\\\r?\n)+")
_WANTING = re.compile(r"-\w*[bcDfIiLmnoPpsUXx]")
_PRINTERS = frozenset(("print", "echo", "cat", "printf"))


@dataclass(slots=True)
class Word:
    """One word of a command.  `known` is false where all of it is an unknown value, unquoted.

    `file` is the text that `<( print … )` gives a file of.
    """

    parts: list[Mapped] = field(default_factory=list)
    known: bool = False
    quoted: bool = False
    file: Mapped | None = None

    @property
    def value(self) -> Mapped:
        return Mapped.join(self.parts)


@dataclass(slots=True)
class Command:
    """A simple command: its words, and its standard input where a here-document gives it."""

    words: list[Word] = field(default_factory=list)
    stdin: Mapped | None = None


def commands(script: Mapped) -> list[Command]:
    """All simple commands of a script, those in substitutions included."""
    reader = _Reader(script, {})
    reader.read()
    return reader.found


def dtrace_commands(script: Mapped) -> list[Command]:
    """The commands that run dtrace, their words from the one after its name on."""
    result = []
    for command in commands(script):
        at = _dtrace_word(command)
        if at is not None:
            result.append(Command(_told(command.words[at + 1 :]), command.stdin))
    return result


def _told(words: list[Word]) -> list[Word]:
    """The words without unknown values, which may be nothing, but where an option wants one."""
    kept: list[Word] = []
    for word in words:
        wanted = bool(kept) and _WANTING.fullmatch(kept[-1].value.text) is not None
        if word.known or word.file is not None or wanted:
            kept.append(word)
    return kept


def _dtrace_word(command: Command) -> int | None:
    """Which word is dtrace's name: it is followed by an option."""
    for at, word in enumerate(command.words[:-1]):
        name = word.value.text.strip().rpartition("/")[2]
        following = command.words[at + 1 :]
        option = next((w for w in following if w.known), None)
        if (
            name in ("dtrace", "dscript")
            and option is not None
            and option.value.text.startswith("-")
        ):
            return at
    return None


def _programs(before: Mapped, text: Mapped) -> int:
    """1 where a variable becomes a program that was something else, a path for instance."""
    return ("{" in text.text) - ("{" in before.text)


class _Reader:
    """Reads one text; texts within (substitutions) get a reader of their own."""

    def __init__(self, script: Mapped, variables: dict[str, Mapped]) -> None:
        self.script = script
        self.text = script.text
        self.at = 0
        self.variables = variables
        self.found: list[Command] = []
        self._command = Command()
        self._word: Word | None = None
        self._documents: list[tuple[Command, str, bool, bool]] = []

    def read(self) -> None:
        text = self.text
        while self.at < len(text):
            self._step(text[self.at])
        self._end_command()

    def _step(self, char: str) -> None:
        text = self.text
        blank = _BLANK.match(text, self.at)
        if blank is not None:
            self._end_word()
            self.at = blank.end()
        elif char == "#" and self._word is None:
            end = text.find("\n", self.at)
            self.at = len(text) if end < 0 else end
        elif char == "\n":
            self._end_command()
            self.at += 1
            self._read_documents()
        elif (here := _HERE.match(text, self.at)) is not None and text[self.at : self.at + 3] != (
            "<<<"
        ):
            self._end_word()
            quoted = here[4] is None or here[0].lstrip("<- ").startswith("\\")
            delimiter = here[2] or here[3] or here[4]
            self._documents.append((self._command, delimiter, quoted, bool(here[1])))
            self.at = here.end()
        elif text.startswith(("<(", ">("), self.at):
            self._process_substitution()
        elif (redirect := _REDIRECT.match(text, self.at)) is not None and (
            self._word is None or not redirect[0][0].isdigit()
        ):
            self._redirect(redirect.end())
        elif char in ";&|(){}" and (char not in "{}" or self._word is None):
            if char in "{}" and self.at + 1 < len(text) and text[self.at + 1] not in " \t\n;":
                self._plain(char)
                return
            self._end_command()
            self.at += 1
        else:
            self._part(char)

    # ------------------------------------------------------------------ parts of a word

    def _part(self, char: str) -> None:
        text = self.text
        word = self._open_word()
        if char == "'":
            end = text.find("'", self.at + 1)
            end = len(text) if end < 0 else end
            word.parts.append(self.script.cut(self.at + 1, end))
            word.known = word.quoted = True
            self.at = end + 1
        elif char == '"':
            self.at += 1
            word.known = word.quoted = True
            while self.at < len(text) and text[self.at] != '"':
                self._quoted(word)
            self.at += 1
        elif char == "\\" and self.at + 1 < len(text):
            word.parts.append(self.script.cut(self.at + 1, self.at + 2))
            word.known = True
            self.at += 2
        elif char in "$`":
            word.parts.append(self._expansion(word, quoted=False))
        else:
            self._plain(char)

    def _plain(self, char: str) -> None:
        word = self._open_word()
        word.parts.append(self.script.cut(self.at, self.at + 1))
        word.known = True
        self.at += 1

    def _quoted(self, word: Word) -> None:
        """One piece of what stands between double quotes."""
        text = self.text
        char = text[self.at]
        if char == "\\" and self.at + 1 < len(text) and text[self.at + 1] in '$`"\\\n':
            if text[self.at + 1] != "\n":
                word.parts.append(self.script.cut(self.at + 1, self.at + 2))
            self.at += 2
        elif char in "$`":
            word.parts.append(self._expansion(word, quoted=True))
        else:
            word.parts.append(self.script.cut(self.at, self.at + 1))
            self.at += 1

    def _expansion(self, word: Word, *, quoted: bool) -> Mapped:
        """What `$…` or a backquoted command stands for; `at` goes behind it."""
        text = self.text
        start = self.at
        if text[start] == "`":
            end = text.find("`", start + 1)
            end = len(text) if end < 0 else end
            self.at = end + 1
            self._within(start + 1, end)
            return self._unknown(word, quoted)
        follows = text[start + 1 : start + 2]
        if follows == "(":
            end = self._closing(start + 1)
            self.at = end + 1
            if text[start + 2 : start + 3] != "(":
                self._within(start + 2, end)
            return self._unknown(word, quoted)
        if follows == "'" and not quoted:
            self.at = start + 1
            return Mapped.made("")
        if follows == "{":
            end = text.find("}", start)
            end = len(text) if end < 0 else end
            self.at = end + 1
            inside = text[start + 2 : end]
            name = _NAME.match(inside)
            default = _DEFAULT.match(inside)
            if default is not None and default[1] not in self.variables:
                word.known = True
                return self.script.cut(start + 2 + default.start(2), end)
            return self._variable(name[0] if name else "", word, quoted)
        name = _NAME.match(text, start + 1)
        if name is None:
            self.at = start + 1
            word.known = True
            return self.script.cut(start, start + 1)
        self.at = name.end()
        return self._variable(name[0], word, quoted)

    def _variable(self, name: str, word: Word, quoted: bool) -> Mapped:
        value = self.variables.get(name)
        if value is None:
            if name.lower() == "dtrace":  # the usual name for the path of the command
                word.known = True
                return Mapped.made("dtrace")
            return self._unknown(word, quoted)
        if value.text or quoted:
            word.known = True
        return value

    def _unknown(self, word: Word, quoted: bool) -> Mapped:
        word.known = word.known or quoted
        return Mapped.made(NEUTRAL)

    def _within(self, start: int, end: int) -> list[Command]:
        """Read the commands of a substitution."""
        inner = _Reader(self.script.cut(start, end), self.variables)
        inner.read()
        self.found += inner.found
        return inner.found

    def _process_substitution(self) -> None:
        end = self._closing(self.at + 1)
        found = self._within(self.at + 2, end)
        self.at = end + 1
        word = self._open_word()
        for command in found:
            names = [word.value.text for word in command.words]
            if names and names[0] in _PRINTERS:
                said = [w.value for w in command.words[1:] if not w.value.text.startswith("-")]
                word.file = command.stdin or Mapped.join(said)

    def _closing(self, at: int) -> int:
        """Where the parenthesis at `at` is closed, quotes being passed over."""
        text = self.text
        depth = 0
        while at < len(text):
            char = text[at]
            if char == "\\":
                at += 1
            elif char == "'" or char == '"':
                end = text.find(char, at + 1)
                at = len(text) if end < 0 else end
            elif char == "(":
                depth += 1
            elif char == ")":
                depth -= 1
                if depth == 0:
                    return at
            at += 1
        return len(text)

    # ------------------------------------------------------------- words and commands

    def _open_word(self) -> Word:
        if self._word is None:
            self._word = Word()
        return self._word

    def _end_word(self) -> None:
        word = self._word
        if word is None:
            return
        self._word = None
        if not word.quoted and word.file is None and any(c in word.value.text for c in " \t\n"):
            # An unquoted variable is split at blanks.
            value = word.value
            for found in re.finditer(r"\S+", value.text):
                self._command.words.append(Word([value.cut(*found.span())], True))
        else:
            self._command.words.append(word)

    def _end_command(self) -> None:
        self._end_word()
        command = self._command
        if command.words:
            self._assign(command.words)
            self.found.append(command)
            self._command = Command()

    def _assign(self, words: list[Word]) -> None:
        """`name=value` words give variables their first text; program text is added to."""
        for word in words:
            value = word.value
            found = _ASSIGNED.match(value.text)
            if found is None:
                continue
            name, text = found[1], value.cut(found.end())
            before = self.variables.get(name)
            if before is not None and found[2] == "+=":
                self.variables[name] = Mapped.join((before, text))
            elif before is None or before.text in text.text or _programs(before, text) == 1:
                self.variables[name] = text

    def _redirect(self, end: int) -> None:
        """A redirection and the word it names are no part of the command."""
        self._end_word()
        blank = _BLANK.match(self.text, end)
        self.at = blank.end() if blank else end
        keep, self._command = self._command, Command()
        while self.at < len(self.text) and self.text[self.at] not in " \t\n;&|()<>":
            self._part(self.text[self.at])
        self._word, self._command = None, keep

    def _read_documents(self) -> None:
        """The here-documents whose lines begin here."""
        for command, delimiter, quoted, tabs in self._documents:
            start = self.at
            end = len(self.text)
            self.at = end
            for line in re.finditer(r"[^\n]*(?:\n|\Z)", self.text[start:]):
                bare = line[0].rstrip("\n")
                if (bare.lstrip("\t") if tabs else bare) == delimiter:
                    end = start + line.start()
                    self.at = start + line.end()
                    break
            body = self.script.cut(start, end)
            command.stdin = body if quoted else _Reader(body, self.variables).document()
        self._documents.clear()

    def document(self) -> Mapped:
        """The text read as a here-document with expansions."""
        word = Word()
        while self.at < len(self.text):
            self._quoted(word)
        return word.value
