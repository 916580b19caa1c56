"""The one table of D options: name, type, default, meaning, what each does here.

Options come from the environment (`DSCRIPT_OPT_NAME`), from `#pragma D option` and from
the command line (`-x`), each overriding the one before; the dynamic ones also from
`setopt()` while tracing.  Values stay text, as written ("" for a flag without a value),
until a reader asks for one by its type; `check` has made sure by then that they parse.

Names, types and defaults are those of the manual's chapter "Options and Tunables".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple

from dscript.errors import Diagnostic, Span
from dscript.nearest import nearest

# What a value is: `size` bytes with k m g t; `rate` a frequency or time, kept as its period
# in nanoseconds; `count` an integer; `flag` on or off; `text` anything; `choice` one word.
ValueKind = Literal["size", "rate", "count", "flag", "text", "choice", "version"]


class Option(NamedTuple):
    """One D option.

    `default` is written as a user would write it ("" where unset).  `dynamic` says that
    setopt() may change it while tracing.  `multiple` options gather their values, one a
    line.  `early` options matter before a program is read, so that it cannot set them.
    `harmless` says in a few words why the option is accepted and changes nothing; `missing`
    says why it cannot be set at all, and setting it is then an error.  `most` is the
    greatest size or count, "" for any.
    """

    name: str
    kind: ValueKind
    default: str
    meaning: str
    dynamic: bool = False
    choices: tuple[str, ...] = ()
    multiple: bool = False
    early: bool = False
    harmless: str = ""
    missing: str = ""
    most: str = ""


_OPTIONS = (
    # How much room there is.
    Option("aggsize", "size", "4m", "memory for the keys of each aggregation generation"),
    Option("bufsize", "size", "4m", "size of the record buffer"),
    Option("dynvarsize", "size", "1m", "memory for associative arrays"),
    Option("nspec", "count", "1", "number of speculations"),
    Option("specsize", "size", "32k", "size of each speculation"),
    Option("strsize", "size", "256", "longest string, with its final NUL", most="1m"),
    Option("scratchsize", "size", "8k", "memory for alloca(), copyin() and bcopy()", most="64k"),
    Option("pcapsize", "size", "1514", "bytes of a packet that pcap() takes", most="16k"),
    Option("unwind", "choice", "eh_frame",
           "follow user stacks by unwind tables, or by frame pointers", choices=("eh_frame", "fp")),
    Option("maxframes", "count", "127", "most frames of a stack without a size of its own"),
    Option("stackframes", "count", "20", "frames of stack()"),
    Option("ustackframes", "count", "20", "frames of ustack()"),
    Option("jstackframes", "count", "50", "frames of jstack()"),
    Option("jstackstrsize", "size", "512", "",
           harmless="names of frames are looked up, not recorded"),
    Option("pgmax", "count", "8", "", harmless="symbols are kept, not processes"),
    # How records are buffered and read.
    Option("bufpolicy", "choice", "switch", "buffer policy", choices=("switch", "fill", "ring")),
    Option("bufresize", "choice", "auto", "resizing policy", choices=("auto", "manual"),
           harmless="the kernel gives the size asked for or refuses it"),
    Option("switchrate", "rate", "1hz", "how often records are read; as they come if not set",
           dynamic=True),
    Option("aggrate", "rate", "1hz", "how often aggregations are read", dynamic=True),
    Option("statusrate", "rate", "1hz", "how often drops are looked at", dynamic=True),
    Option("cleanrate", "rate", "2hz", "how often variables of ended threads are reclaimed",
           dynamic=True),
    Option("cpu", "count", "", "trace this CPU only"),
    # What the output looks like.
    Option("quiet", "flag", "", "print only what the program prints (-q)", dynamic=True),
    Option("flowindent", "flag", "", "indent by function entry and return (-F)", dynamic=True),
    Option("rawbytes", "flag", "", "print strings and other bytes as tables", dynamic=True),
    Option("stackindent", "count", "14", "columns before a stack frame", dynamic=True, most="1k"),
    Option("noresolve", "flag", "", "print user addresses as numbers", dynamic=True),
    Option("quietresize", "flag", "", "say nothing of buffers made smaller", dynamic=True,
           harmless="buffers are never made smaller"),
    Option("aggsortkey", "flag", "", "sort aggregations by key", dynamic=True),
    Option("aggsortkeypos", "count", "0", "key that sorts first", dynamic=True),
    Option("aggsortpos", "count", "0", "aggregation that sorts first in printa()", dynamic=True),
    Option("aggsortrev", "flag", "", "sort in descending order", dynamic=True),
    Option("aggzoom", "flag", "", "scale pictures to their largest bar", dynamic=True),
    Option("agghist", "flag", "", "draw a bar beside each number of an aggregation", dynamic=True),
    Option("aggpack", "flag", "", "print each distribution on one line", dynamic=True),
    Option("encoding", "choice", "", "characters of bars: blocks of utf8, or ascii alone",
           choices=("ascii", "utf8")),
    # What the program may do.
    Option("destructive", "flag", "", "allow destructive actions (-w)"),
    Option("grabanon", "flag", "", "", missing="anonymous tracing does not exist here"),
    Option("setenv", "text", "", "NAME=VALUE for the command of -c", multiple=True),
    Option("unsetenv", "text", "", "NAME not passed to the command of -c", multiple=True),
    Option("evaltime", "choice", "exec", "how far the command of -c runs before it is held",
           choices=("exec", "preinit", "postinit", "main")),
    Option("lockmem", "text", "", "", harmless="BPF memory is not counted against the limit"),
    # Whom it is about.
    Option("debugdir", "text", "/usr/lib/debug", "folder of the debug files of user code"),
    Option("follow", "flag", "", "probes of a process also fire in those that it forks"),
    Option("cgroup", "text", "", "trace only what runs in this control group or below it"),
    Option("pidns", "choice", "tracer", "whose process IDs pid and tid are",
           choices=("tracer", "init")),
    # How programs are compiled.
    Option("compat", "choice", "auto", "renamed functions and names of other systems",
           choices=("auto", "none")),
    Option("defaultargs", "flag", "", "absent $1… are 0 or an empty string"),
    Option("errtags", "flag", "", "show the error tag in messages"),
    Option("droptags", "flag", "", "show the kind of drop in messages"),
    Option("empty", "flag", "", "allow a program that says nothing"),
    Option("zdefs", "flag", "", "allow descriptions that match nothing (-Z)"),
    Option("verbose", "flag", "", "say how probes are attached (-v)"),
    Option("version", "version", "1.13", "version of D", harmless="there is one version"),
    Option("stdc", "choice", "a", "how strictly cpp follows ISO C", choices=("a", "c", "s", "t"),
           early=True),
    Option("cpp", "flag", "", "preprocess scripts (-C)", early=True),
    Option("cpphdrs", "flag", "", "list included files on stderr (-H)", early=True),
    Option("cpppath", "text", "cpp", "the preprocessor to run", early=True),
    Option("define", "text", "", "macro for cpp (-D)", multiple=True, early=True),
    Option("undef", "text", "", "macro taken from cpp (-U)", multiple=True, early=True),
    Option("incdir", "text", "", "folder searched for #include (-I)", multiple=True, early=True),
    Option("libdir", "text", "", "folder searched for D libraries (-L)", multiple=True,
           early=True),
    Option("syslibdir", "text", "", "folder of D libraries instead of dscript's own", early=True),
    Option("nolibs", "flag", "", "use no D libraries"),
    Option("ctypes", "text", "", "", missing="types come from the kernel's BTF"),
    Option("dtypes", "text", "", "", missing="types come from the kernel's BTF"),
    Option("iregs", "count", "8", "", harmless="LLVM allocates registers"),
    Option("tregs", "count", "8", "", harmless="LLVM allocates registers"),
    Option("linkmode", "choice", "kernel", "", choices=("kernel", "primary", "dynamic", "static"),
           harmless="symbols are always looked up in the running kernel"),
    Option("linktype", "choice", "elf", "", choices=("elf", "dof"),
           harmless="the object written is always an ELF file"),
    Option("strip", "flag", "", "", harmless="debug information costs nothing at run time"),
    Option("argref", "flag", "", "arguments that the program does not name are no error"),
    Option("temporal", "flag", "", "", harmless="records come in the order they were made in"),
    Option("preallocate", "size", "0", "", harmless="the kernel takes memory for maps at once"),
    Option("core", "flag", "", "", harmless="the kernel decides about core files"),
    Option("late", "choice", "dynamic", "", choices=("static", "dynamic"),
           harmless="types are looked up in the running kernel"),
    Option("lazyload", "flag", "", "", harmless="programs are never kept in other programs"),
    Option("kdefs", "flag", "", "", harmless="unknown kernel symbols are always errors"),
    Option("udefs", "flag", "", "", harmless="unknown user symbols are always errors"),
    Option("knodefs", "flag", "", "", missing="a kernel symbol must exist to be read"),
    Option("unodefs", "flag", "", "", missing="a user symbol must exist to be read"),
    Option("ldpath", "text", "", "", harmless="objects are written without a linker"),
    Option("aggpercpu", "flag", "", "", harmless="what is printed is over all CPUs anyway"),
    Option("amin", "text", "", "", missing="stability attributes are not computed"),
    Option("pspec", "flag", "", "", missing="an unclear description is never a probe's name"),
    Option("tree", "count", "0", "", missing="write --emit ast for the syntax tree"),
)  # fmt: skip

OPTIONS: Mapping[str, Option] = {option.name: option for option in _OPTIONS}

# Version of D that the manual describes.
NEWEST_VERSION = (1, 13)

_SIZE_SUFFIXES = {"k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}

# Nanoseconds in one unit, by the suffixes of rates and of profile and tick probes.
NANOSECONDS = {
    "ns": 1,
    "nsec": 1,
    "us": 1_000,
    "usec": 1_000,
    "ms": 1_000_000,
    "msec": 1_000_000,
    "s": 1_000_000_000,
    "sec": 1_000_000_000,
    "m": 60_000_000_000,
    "min": 60_000_000_000,
    "h": 3_600_000_000_000,
    "hour": 3_600_000_000_000,
    "d": 86_400_000_000_000,
    "day": 86_400_000_000_000,
}
_SECOND = 1_000_000_000
_MAX = (1 << 63) - 1

_ON = frozenset(("", "1", "on", "yes", "true", "set", "enable", "enabled"))
_OFF = frozenset(("0", "off", "no", "false", "unset", "disable", "disabled"))


def parse_size(text: str) -> int:
    """Bytes of `4m`, `512`, `0x1000`…; raises ValueError."""
    number, suffix = _number(text)
    factor = 1 if not suffix else _SIZE_SUFFIXES.get(suffix.lower(), 0)
    if factor == 0 or number * factor > _MAX:
        raise ValueError(text)
    return number * factor


def parse_rate(text: str) -> int:
    """Period in nanoseconds of `10hz`, `10` (also hertz), `500ms`…; 0 stays 0."""
    number, suffix = _number(text)
    if suffix.lower() in ("", "hz"):
        if number > _SECOND:
            raise ValueError(text)
        return _SECOND // number if number else 0
    unit = NANOSECONDS.get(suffix.lower(), 0)
    if unit == 0 or number * unit > _MAX:
        raise ValueError(text)
    return number * unit


def parse_flag(text: str) -> bool:
    """On for no value at all; raises ValueError for anything but on and off words."""
    word = text.lower()
    if word in _ON:
        return True
    if word in _OFF:
        return False
    raise ValueError(text)


def parse_count(text: str) -> int:
    """A non-negative integer, with the size suffixes."""
    return parse_size(text)


def problem(name: str, value: str) -> tuple[str, str | None] | None:
    """(reason, hint) why an option does not exist, is not had here or refuses the value."""
    option = OPTIONS.get(name)
    if option is None:
        close = nearest(name, OPTIONS)
        return "Invalid option name", f"did you mean {close}?" if close else None
    if option.missing:
        return f"not supported: {option.missing}", None
    return _value_problem(option, value)


def check(name: str, value: str, span: Span | None = None) -> Option:
    """The option, once it is known to exist, to work here and to take this value.

    Raises D_PRAGMA_OPTSET otherwise.
    """
    wrong = problem(name, value)
    if wrong is None and span is not None and OPTIONS[name].early:
        wrong = "it cannot be set from within a program", f"give it on the command line: -x {name}"
    if wrong is None:
        return OPTIONS[name]
    reason, hint = wrong
    setting = f"'{name}' to '{value}'" if value and name in OPTIONS else f"'{name}'"
    raise Diagnostic("D_PRAGMA_OPTSET", f"failed to set option {setting}: {reason}", span, hint)


def add(options: dict[str, str], name: str, value: str, span: Span | None = None) -> None:
    """Check an option and put it into `options`."""
    option = check(name, value, span)
    if option.kind == "rate" and not value:
        return
    if option.multiple and name in options:
        options[name] += f"\n{value}"
    else:
        options[name] = value


def setting_problem(name: str, value: str) -> str | None:
    """Why setopt() cannot set this option while tracing; None when it can."""
    wrong = problem(name, value)
    if wrong is not None:
        return wrong[0]
    if OPTIONS[name].kind == "rate" and not value:
        return "Invalid value for specified option"
    return None if OPTIONS[name].dynamic else "Operation illegal when tracing is active"


def merge(*layers: Mapping[str, str]) -> dict[str, str]:
    """Later layers win: environment, pragmas, command line."""
    merged: dict[str, str] = {}
    for layer in layers:
        merged.update(layer)
    return merged


def from_environment(environ: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Options of `DSCRIPT_OPT_NAME=value` variables, checked."""
    options: dict[str, str] = {}
    for variable, value in environ:
        if variable.startswith("DSCRIPT_OPT_"):
            add(options, variable.removeprefix("DSCRIPT_OPT_").lower(), value)
    return options


def size(options: Mapping[str, str], name: str) -> int:
    """Value in bytes of a size, set or default."""
    return parse_size(options.get(name, OPTIONS[name].default))


def period(options: Mapping[str, str], name: str) -> int:
    """Value in nanoseconds of a rate, set or default; 0 is "as often as possible"."""
    return parse_rate(options.get(name, OPTIONS[name].default))


def count(options: Mapping[str, str], name: str) -> int | None:
    """Value of a count, set or default; None where there is neither."""
    text = options.get(name, OPTIONS[name].default)
    return parse_count(text) if text else None


def flag(options: Mapping[str, str], name: str) -> bool:
    """Whether a flag is on."""
    return name in options and parse_flag(options[name])


def text(options: Mapping[str, str], name: str) -> str:
    """Value of a text or choice, set or default."""
    return options.get(name, OPTIONS[name].default)


def texts(options: Mapping[str, str], name: str) -> tuple[str, ...]:
    """Values of an option that may be given several times."""
    return tuple(options[name].split("\n")) if name in options else ()


def _value_problem(option: Option, value: str) -> tuple[str, str | None] | None:
    """(message, hint) for a value the option does not take."""
    if option.kind == "text":
        return None if value else ("a value is needed", f"write {option.name}=VALUE")
    if option.kind == "version":
        return _version_problem(value)
    if option.kind == "rate" and not value:
        return None  # as if it were not set
    if option.kind == "choice":
        if value in option.choices:
            return None
        return "Invalid value for specified option", f"one of: {' '.join(option.choices)}"
    parse = {"size": parse_size, "rate": parse_rate, "count": parse_count, "flag": parse_flag}
    hints = {
        "size": "a number of bytes, perhaps with k, m, g or t",
        "rate": "a number with hz, or a time with ns, us, ms, s, m, h or d",
        "count": "a number",
        "flag": "a flag takes no value, or on or off",
    }
    try:
        parse[option.kind](value)
    except ValueError:
        return "Invalid value for specified option", hints[option.kind]
    if option.most and parse_size(value) > parse_size(option.most):
        return "Invalid value for specified option", f"at most {option.most}"
    return None


def _version_problem(value: str) -> tuple[str, str | None] | None:
    """A version has two or three numbers; those after the newest do not exist yet."""
    parts = value.split(".")
    if not 2 <= len(parts) <= 3 or not all(p.isascii() and p.isdigit() for p in parts):
        return "Invalid version string", "write version=MAJOR.MINOR"
    numbers = tuple(map(int, parts))
    if numbers[0] < 1 or numbers > NEWEST_VERSION:
        return "Version is not supported", f"the newest is {OPTIONS['version'].default}"
    return None


def _number(text: str) -> tuple[int, str]:
    """The integer (decimal, or hexadecimal with 0x) at the start and what follows it."""
    digits = text[2:] if text[:2].lower() == "0x" else text
    base, allowed = (16, "0123456789abcdefABCDEF") if digits != text else (10, "0123456789")
    end = len(digits) - len(digits.lstrip(allowed))
    if end == 0 or end > 20:
        raise ValueError(text)
    return int(digits[:end], base), digits[end:]
