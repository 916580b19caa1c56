"""What D's string subroutines give, computed in Python from the manual's descriptions.

Arguments are at most `size - 1` characters after they are cut, as are results.
"""

from __future__ import annotations

import os.path
import re
import string
from collections.abc import Callable


def cut(text: str, size: int) -> str:
    return text[: size - 1]


def basename(text: str) -> str:
    """basename(1), "." of the empty path."""
    stripped = text.rstrip("/")
    if not stripped:
        return "/" if text else "."
    return stripped.rpartition("/")[2]


def dirname(text: str) -> str:
    """dirname(1)."""
    stripped = text.rstrip("/")
    if not stripped:
        return "/" if text else "."
    head, slash, _ = stripped.rpartition("/")
    if not slash:
        return "."
    return head.rstrip("/") or "/"


def cleanpath(text: str) -> str:
    """No "//", "/./" or "/../"; a "/.." at the end leaves the slash; ".." at the root stays there.

    A ".." takes away what came before up to a slash, even without one in front.
    """
    out = ""
    text = re.sub("/+", "/", text)
    at = 0
    while at < len(text):
        rest = text[at:]
        if rest.startswith("/./"):
            text = text[:at] + text[at + 2 :]
        elif rest.startswith("/../") or rest == "/..":
            out = out.rpartition("/")[0]
            if rest == "/..":
                return out + "/"
            text = text[:at] + text[at + 3 :]
        else:
            out += text[at]
            at += 1
            continue
        text = text[:at] + re.sub("^/+", "/", text[at:])
    return out


def index(text: str, sought: str, start: int = 0) -> int:
    return text.find(sought, min(max(start, 0), len(text)))


def rindex(text: str, sought: str, start: int | None = None) -> int:
    if start is None:
        return text.rfind(sought)
    if start < 0:
        return 0 if not sought else -1
    return text.rfind(sought, 0, start + len(sought))


def strchr(text: str, code: int) -> str:
    at = text.find(chr(code)) if code else -1
    return text[at:] if at >= 0 else ""


def strrchr(text: str, code: int) -> str:
    at = text.rfind(chr(code)) if code else -1
    return text[at:] if at >= 0 else ""


def strstr(text: str, sought: str) -> str:
    at = text.find(sought)
    return text[at:] if at >= 0 else ""


def substr(text: str, start: int, length: int | None = None) -> str:
    """Perl's substr; what begins after the end is empty."""
    if start < 0:
        start += len(text)
        if start < 0:
            if length is None:
                return text
            if start + length <= 0:
                return ""
            length += start
            start = 0
    if start >= len(text):
        return ""
    if length is None:
        return text[start:]
    end = start + length if length >= 0 else len(text) + length
    return text[start : max(start, end)]


def lltostr(value: int, base: int = 10) -> str:
    """Base 10 is signed; 8 and 16 have C's prefixes."""
    if base == 10:
        return str(value)
    digits = ""
    rest = value & 0xFFFFFFFFFFFFFFFF
    while rest:
        digits = (string.digits + string.ascii_lowercase)[rest % base] + digits
        rest //= base
    if base == 16:
        return "0x" + (digits or "0")
    if base == 8:
        return "0" + digits
    return digits or "0"


def strtoll(text: str, base: int = 10) -> int:
    """Blanks, sign, 0x in base 16, digits; wraps at 64 bits."""
    text = text.lstrip(" \t")
    negative = text.startswith("-")
    if text[:1] in ("-", "+"):
        text = text[1:]
    if base == 16 and re.match("0[xX][0-9a-fA-F]", text):
        text = text[2:]
    value = 0
    for c in text:
        digit = (string.digits + string.ascii_lowercase).find(c.lower()) if c.isascii() else -1
        if not 0 <= digit < base:
            break
        value = value * base + digit
    value = -value if negative else value
    return (value + (1 << 63)) % (1 << 64) - (1 << 63)


def strtok_all(text: str, delimiters: str, count: int) -> list[str]:
    """The first token and what NULL gives after it; NULL prints as nothing."""
    if delimiters:
        tokens = [t for t in re.split("[" + re.escape(delimiters) + "]+", text) if t]
    else:
        tokens = [text] if text else []
    return (tokens + [""] * count)[:count]


def toupper(text: str) -> str:
    return "".join(chr(ord(c) - 32) if c in string.ascii_lowercase else c for c in text)


def tolower(text: str) -> str:
    return "".join(chr(ord(c) + 32) if c in string.ascii_uppercase else c for c in text)


def strjoin(a: str, b: str) -> str:
    return a + b


STRINGS: dict[str, Callable[..., str]] = {
    f.__name__: f
    for f in (
        basename, dirname, cleanpath, strchr, strrchr, strstr, substr, lltostr, toupper, tolower,
        strjoin,
    )
}  # fmt: skip
NUMBERS: dict[str, Callable[..., int]] = {f.__name__: f for f in (index, rindex, strtoll)} | {
    "strlen": len
}

assert os.path.basename("/a/b") == basename("/a/b")
