"""A failed object load as one sentence, with the verifier's log kept in a private file."""

from __future__ import annotations

import os
import re
import tempfile
from errno import E2BIG, EINVAL, ENOMEM

from dscript.errors import TracingError
from dscript.runtime import bpf

_SOURCE_LINE = re.compile(r"^; (?P<text>.*?)(?: @ (?P<file>[^@]*):(?P<line>\d+))?$")
_FAILED_PROGRAM = re.compile(r"prog '([^']+)': BPF program load failed")
_FAILED_MAP = re.compile(r"map '([^']+)': failed to create")
# Lines of a log that are never the reason: state dumps, statistics, register lists.
_NOISE = re.compile(
    r"^(\d+: \(|processed \d+ insns|verification time|stack depth|from \d+ to|R\d+_?w?=|;|$)"
)
_INSTRUCTION = re.compile(r"^\d+: ")


def load_failure(code: int, log: str, messages: list[str]) -> TracingError:
    """The error for a refused `bpf_object__load`; `code` is a positive errno."""
    text = "\n".join(messages)
    program = _FAILED_PROGRAM.search(text)
    if program is None:
        failed_map = _FAILED_MAP.search(text)
        if failed_map is not None:
            return _map_failure(code, failed_map[1])
        last = messages[-1] if messages else "no reason given"
        return TracingError(f"the program cannot be loaded: {bpf.explain(code)}", last)
    if not log.strip():
        return TracingError(
            f"the kernel refuses to load the BPF program '{program[1]}': {bpf.explain(code)}"
        )
    return _rejected(program[1], log, text)


# Beginnings of the names of maps, and the option that each has its size from.
_MAP_SIZES = (("records", "bufsize"), ("aggregation_", "aggsize"), ("array_", "dynvarsize"))


def _map_failure(code: int, name: str) -> TracingError:
    option = next((option for start, option in _MAP_SIZES if name.startswith(start)), None)
    if option is not None and code in (E2BIG, EINVAL, ENOMEM):
        return TracingError(
            f"the kernel does not give as much memory as {option} asks for", f"lower -x {option}"
        )
    return TracingError(f"the kernel refuses to create map '{name}': {bpf.explain(code)}")


# Limits that a D program can meet without any fault of ours: words of the log, what they
# mean, what to do.
_LIMITS = (
    (
        "number of maps per program has reached the limit",
        "too many variables at one probe: the kernel lets a program use 64 maps",
        "an associative array takes one, an aggregation with keys two",
    ),
    (
        "BPF program is too large",
        "the program is too long for the kernel's verifier",
        "a million instructions may be followed: use shorter strings (-x strsize) or fewer clauses",
    ),
)


def _rejected(program: str, log: str, messages: str) -> TracingError:
    for words, meaning, cure in _LIMITS:
        if words in log:
            return TracingError(meaning, cure)
    path = _save(f"{messages}\n\n{log}")
    where = source_line(log)
    place = f"for {where}" if where else f"'{program}'"
    return TracingError(
        f"the kernel's verifier refuses the code generated {place}: {reason(log)}",
        f"this is a fault of dscript, please report it; the verifier's log is in {path}",
    )


def source_line(log: str) -> str:
    """`file:line` of the last source comment before the end of a log.

    Kernels before 6.8 write the source text alone; then it is that text in quotes.
    """
    for line in reversed(log.splitlines()):
        found = _SOURCE_LINE.match(line)
        if found is not None:
            return f"{found['file']}:{found['line']}" if found["file"] else f"'{found['text']}'"
    return ""


def reason(log: str) -> str:
    """The verifier's own sentence: the last line that is neither code nor statistics."""
    for line in reversed(log.splitlines()):
        if not _NOISE.match(line) and not _INSTRUCTION.match(line):
            return line.strip()
    return "no reason given"


def _save(text: str) -> str:
    """Path of a new file of mode 0600 (mkstemp) that holds `text`, or why there is none."""
    try:
        fd, path = tempfile.mkstemp(prefix="dscript-verifier-", suffix=".log")
        with os.fdopen(fd, "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        return f"no file ({error.strerror})"
    return path
