"""`dscript port`: its command line."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from dscript import progress
from dscript.arguments import UsageError
from dscript.errors import TracingError, message
from dscript.port import report
from dscript.port.crowd import judge_all, read_text
from dscript.port.judge import ported_name
from dscript.port.programs import holds_no_script, programs_in
from dscript.port.survey import assume_capable_kernel
from dscript.port.verdict import Class, Verdict

USAGE = """\
Usage: dscript port [--format text|json] [--report file.md] [--write] file|folder ...

Says of D scripts made for other systems, also of those in sh and Perl scripts, whether they run
here: unchanged, with names that stand for Linux's, after edits (--write makes the edited file
beside the script), or not, and why.  Nothing is run or attached.
Exit status, of the worst file: 0 unchanged, 2 aliases, 3 edits, 4 cannot, 1 not a D script."""


class Order:
    """What was asked for."""

    def __init__(self) -> None:
        self.paths: list[str] = []
        self.report = ""
        self.write = False
        self.json = False


def main(words: Sequence[str]) -> int:
    """Run the command; its exit status.  Raises a DscriptError."""
    if any(word in ("-h", "--help") for word in words):
        print(USAGE)
        return 0
    try:
        order = parse(words)
    except UsageError as wrong:  # status 2 has a meaning of its own here
        print(message(f"{wrong}\n{USAGE}"), file=sys.stderr)
        return 1
    if sys.stderr.isatty():
        from dscript.progress_line import show_on_terminal

        show_on_terminal()
    lacking = assume_capable_kernel()
    verdicts = judge_all(_files(order.paths))
    progress.finish()
    written = {v.path: _write(v) for v in verdicts if order.write and v.ported}
    if order.json:
        print(report.json_text(verdicts))
    else:
        for verdict in verdicts:
            print(report.text(verdict, written.get(verdict.path, "")))
        if len(verdicts) != 1:
            print(f"\n{report.summary(verdicts)}")
        for text, what in lacking:
            if any(text in read_text(v.path) for v in verdicts if v.programs):
                print(
                    f"note: this kernel refuses {what}; "
                    "the scripts were looked at as for one that has them"
                )
    if order.report:
        _save(order.report, report.markdown(verdicts, " ".join(order.paths)))
    return max((verdict.cls for verdict in verdicts), default=Class.ERROR).status


def parse(words: Sequence[str]) -> Order:
    """The words after `port`.  Raises UsageError."""
    order = Order()
    rest = list(words)
    while rest:
        word = rest.pop(0)
        name, equals, value = word.partition("=")
        if name in ("--report", "--format"):
            if not equals:
                if not rest:
                    raise UsageError(f"option {name} requires an argument")
                value = rest.pop(0)
            if name == "--report":
                order.report = value
            elif value not in ("text", "json"):
                raise UsageError(f"--format {value}: not one of text json")
            else:
                order.json = value == "json"
        elif word == "--write":
            order.write = True
        elif word.startswith("-") and word != "-":
            raise UsageError(f"unknown option {word} of port")
        else:
            order.paths.append(word)
    if not order.paths:
        raise UsageError("port: no files given")
    return order


def _files(paths: Sequence[str]) -> list[str]:
    """The files given, and of folders those that hold D."""
    found: list[str] = []
    for path in paths:
        if not os.path.isdir(path):
            found.append(path)
            continue
        for folder, folders, names in os.walk(path):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for name in sorted(names):
                file = os.path.join(folder, name)
                if not os.path.islink(file) and _holds_d(file):
                    found.append(file)
    if not found:
        raise TracingError(f"no D script in {' '.join(paths)}")
    return found


def _holds_d(path: str) -> bool:
    if holds_no_script(path) or ".linux" in os.path.basename(path):
        return False
    try:
        if os.path.getsize(path) > 1 << 20:
            return False
        text = read_text(path)
    except OSError:
        return False
    return "\0" not in text and bool(programs_in(path, text))


def _write(verdict: Verdict) -> str:
    """The edited script beside the old one, as executable as that; its name."""
    name = ported_name(verdict.path)
    _save(name, verdict.ported)
    os.chmod(name, os.stat(verdict.path).st_mode & 0o777)
    return name


def _save(path: str, text: str) -> None:
    try:
        with open(path, "wb") as file:
            file.write(text.encode("utf-8", "surrogateescape"))
    except OSError as error:
        raise TracingError(f"failed to write '{path}': {error.strerror}") from None
