"""C++ and Rust symbol names as people write them, by the C++ runtime library's demangler."""

from __future__ import annotations

import ctypes
import re
from functools import lru_cache

from dscript.kernel import rust_names

# Rust's older scheme looks like C++ with a hash as the last part of the path.
_RUST_HASH = re.compile(r"::h[0-9a-f]{16}$")
# A part of a path that begins with a bracket has an underscore before it.
_RUST_BRACKET = re.compile(r"(^|::)_\$")
_RUST_ESCAPES = (
    ("..", "::"),
    ("$LT$", "<"),
    ("$GT$", ">"),
    ("$RF$", "&"),
    ("$BP$", "*"),
    ("$LP$", "("),
    ("$RP$", ")"),
    ("$C$", ","),
    ("$u20$", " "),
    ("$u27$", "'"),
    ("$u5b$", "["),
    ("$u5d$", "]"),
    ("$u7b$", "{"),
    ("$u7d$", "}"),
    ("$u7e$", "~"),
)


def demangle(name: str) -> str:
    """`ns::f(int)` for `_ZN2ns1fEi`; the name itself where it is not mangled."""
    if name.startswith("_R"):
        return rust_names.demangle(name) or name
    if not name.startswith("_Z"):
        return name
    function = _demangler()
    if function is None:
        return name
    status = ctypes.c_int()
    text = function(name.encode(), None, None, ctypes.byref(status))
    if not text:
        return name
    try:
        plain = ctypes.string_at(text).decode("utf-8", "replace")
    finally:
        _free(text)
    if _RUST_HASH.search(plain):
        plain = _RUST_BRACKET.sub(r"\1$", _RUST_HASH.sub("", plain))
        for escape, meaning in _RUST_ESCAPES:
            plain = plain.replace(escape, meaning)
    return plain


def without_parameters(name: str) -> str:
    """`ns::f` for `ns::f(int)`; a parenthesis that belongs to the name stays."""
    if not name.endswith((")", ") const")):
        return name
    depth = 0
    for at in range(len(name) - 1, -1, -1):
        if name[at] == ")":
            depth += 1
        elif name[at] == "(":
            depth -= 1
            if depth == 0:
                return name[:at]
    return name


def _free(pointer: int) -> None:
    libc = ctypes.CDLL(None)
    libc.free.argtypes = [ctypes.c_void_p]
    libc.free(pointer)


@lru_cache(maxsize=1)
def _demangler() -> ctypes._NamedFuncPointer | None:
    """`__cxa_demangle` of the C++ ABI; None where the library is not installed."""
    try:
        function = ctypes.CDLL("libstdc++.so.6").__cxa_demangle
    except (OSError, AttributeError):
        return None
    function.restype = ctypes.c_void_p
    function.argtypes = [
        ctypes.c_char_p,
        ctypes.c_void_p,
        ctypes.c_void_p,
        ctypes.POINTER(ctypes.c_int),
    ]
    return function
