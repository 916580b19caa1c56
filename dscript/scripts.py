"""Reading D scripts: from files, from standard input, through cpp with -C."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Mapping

from dscript import options as d_options
from dscript.errors import TracingError
from dscript.headers import stub_folder, without_functions
from dscript.source import Source

_LINE_MARK = re.compile(r'#[ \t]*(?:line[ \t]+)?([0-9]+)(?:[ \t]+"([^"\n]*)")?')


def read_script(path: str, options: Mapping[str, str]) -> Source:
    """The script in a file, `-` for standard input; preprocessed when option cpp is set.

    Bytes that are not UTF-8 are kept (surrogateescape).  Raises TracingError when the file
    cannot be read or cpp refuses it.
    """
    try:
        if path == "-":
            data = sys.stdin.buffer.read()
        else:
            with open(path, "rb") as file:
                data = file.read()
    except OSError as error:
        raise TracingError(f"failed to open {path}: {error.strerror}") from None
    return script_of(data, "<stdin>" if path == "-" else path, options)


def script_of(data: bytes, title: str, options: Mapping[str, str]) -> Source:
    """The script whose text is `data`; preprocessed when option cpp is set.

    Raises TracingError when cpp refuses it.
    """
    if d_options.flag(options, "cpp"):
        data = _preprocess(data, title, options)
    text = data.decode("utf-8", "surrogateescape")
    return Source(title, text, line_marks=tuple(_line_marks(text, title)))


def _line_marks(text: str, title: str) -> Iterator[tuple[int, str, int]]:
    """Where `# N "file"` and `#line N "file"` lines say that lines come from elsewhere."""
    if "#" not in text:
        return
    file = title
    for number, line in enumerate(text.split("\n"), 1):
        if line.startswith("#") and (found := _LINE_MARK.match(line)) is not None:
            file = found[2] or file
            yield number + 1, file, int(found[1])


def _preprocess(data: bytes, title: str, options: Mapping[str, str]) -> bytes:
    """The output of cpp with its line markers, which the parser follows.

    A `#!` line is taken out before, as in dtrace(1M), and leaves an empty line behind;
    includes are looked for beside the script.
    """
    if data.startswith(b"#!"):
        data = data[data.find(b"\n") :] if b"\n" in data else b""
    import subprocess

    program = d_options.text(options, "cpppath")
    words = [program, *_cpp_arguments(title, options), "-"]
    try:
        done = subprocess.run(words, input=data, capture_output=True, check=False)
    except OSError as error:
        raise TracingError(
            f"failed to preprocess {title}: cannot run {program}: {error.strerror}",
            "install the Debian package cpp, or name a preprocessor with -x cpppath=",
        ) from None
    said = done.stderr.decode("utf-8", "replace")
    if done.returncode != 0:
        lines = [line for line in said.splitlines() if line.strip()]
        raise TracingError(
            f"failed to preprocess {title}", lines[0].replace("<stdin>", title) if lines else None
        )
    if said:
        sys.stderr.write(said)
    text = done.stdout.replace(b'"<stdin>"', f'"{title}"'.encode("utf-8", "surrogateescape"))
    plain = without_functions(text.decode("utf-8", "surrogateescape"))
    return plain.encode("utf-8", "surrogateescape")


# C beyond D in the headers of Linux and its C library: words of GNU C.
_HEADER_MACROS = (
    "__attribute__(x)=",
    "__asm__(x)=",
    "__const=const",
    "__extension__=",
    "__inline=",
    "__inline__=",
    "__restrict=",
    "__signed__=signed",
    "__volatile__=volatile",
    "_Float128=double",
    "_Float64x=double",
    "_Float64=double",
    "_Float32x=double",
    "_Float32=float",
    "__builtin_va_list=char *",
)


def _cpp_arguments(title: str, options: Mapping[str, str]) -> list[str]:
    """What dtrace(1M) passes on, in the words of GNU cpp."""
    # D's `$1`, `@` and backquotes are no C tokens, which cpp -traditional-cpp would let
    # pass; GNU cpp in its normal mode keeps them as stray characters, too.
    # GNU C's own words are modules and functions in scripts, and must not become the number 1.
    gnu = ["-Uunix", "-Dunix=unix", "-Ulinux", "-Dlinux=linux"]
    strict = {
        "a": gnu,
        "c": ["-std=c11", "-pedantic"],
        "s": ["-traditional-cpp", *gnu],
        "t": ["-ansi"],
    }
    arguments = ["-D__SVR4", "-D__unix", "-D__linux__", "-D__dtrace__"]
    arguments += [f"-D{macro}" for macro in _HEADER_MACROS]
    arguments += strict[d_options.text(options, "stdc")]
    arguments += ["-iquote", os.path.dirname(title) or "."]
    arguments += [f"-I{folder}" for folder in d_options.texts(options, "incdir")]
    arguments += [f"-D{macro}" for macro in d_options.texts(options, "define")]
    arguments += [f"-U{macro}" for macro in d_options.texts(options, "undef")]
    arguments += ["-isystem", os.path.join(stub_folder(), "over"), "-idirafter", stub_folder()]
    if d_options.flag(options, "cpphdrs"):
        arguments.append("-H")
    return arguments
