"""C headers for declared probes (manual, chapter "Statically Defined Tracing for User
Applications"): `dscript -h -s provider.d`.

Every probe becomes a macro that leaves a `nop` and a note in the format of SystemTap's
<sys/sdt.h>, so that any tracer for Linux finds it, and a macro that tells whether someone
listens: the kernel counts the probe's semaphore up while a probe is attached.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from dscript.dtypes.types import EnumType, IntType, PointerType, StringType, Type
from dscript.errors import TracingError

# What a provider's probes are: types of their arguments by probe name.
Probes = Mapping[str, Sequence[Type]]

_MOST_ARGUMENTS = 12  # of a note, as <sys/sdt.h> has them

_HEAD = """\
/*
 * Probes of {title}, made by dscript -h.
 *
 * Compile with -DDSCRIPT_NO_PROBES to leave them out.
 */
#ifndef {guard}
#define {guard}

#if !defined(DSCRIPT_NO_PROBES) && defined(__ELF__) && defined(__GNUC__) && \\
    (defined(__x86_64__) || defined(__aarch64__))
#define DSCRIPT_PROBES_ 1
#endif

#ifdef DSCRIPT_PROBES_
#ifndef DSCRIPT_PROBE_
#ifdef __cplusplus
#define DSCRIPT_C_(definition) extern "C" {{ definition }}
#else
#define DSCRIPT_C_(definition) definition
#endif
/* The note of one probe site: its address, the base, the semaphore, and three strings. */
#define DSCRIPT_PROBE_(provider, name, semaphore, arguments, ...) \\
    __asm__ __volatile__( \\
        "990: nop\\n" \\
        ".pushsection .note.stapsdt,\\"\\",\\"note\\"\\n" \\
        ".balign 4\\n" \\
        ".4byte 992f-991f, 994f-993f, 3\\n" \\
        "991: .asciz \\"stapsdt\\"\\n" \\
        "992: .balign 4\\n" \\
        "993: .8byte 990b\\n" \\
        ".8byte _.stapsdt.base\\n" \\
        ".8byte " #semaphore "\\n" \\
        ".asciz \\"" provider "\\"\\n" \\
        ".asciz \\"" name "\\"\\n" \\
        ".asciz \\"" arguments "\\"\\n" \\
        "994: .balign 4\\n" \\
        ".popsection\\n" \\
        ".ifndef _.stapsdt.base\\n" \\
        ".pushsection .stapsdt.base,\\"aG\\",\\"progbits\\",.stapsdt.base,comdat\\n" \\
        ".weak _.stapsdt.base\\n" \\
        ".hidden _.stapsdt.base\\n" \\
        "_.stapsdt.base: .space 1\\n" \\
        ".size _.stapsdt.base, 1\\n" \\
        ".popsection\\n" \\
        ".endif\\n" \\
        : : __VA_ARGS__)
#define DSCRIPT_SEMAPHORE_(name) \\
    DSCRIPT_C_(__attribute__((weak, used, visibility("hidden"), section(".probes"))) \\
               volatile unsigned short name;)
#endif
#endif
"""


def header_text(providers: Mapping[str, Probes], title: str) -> str:
    """The header for the providers that a script declares.

    Raises TracingError for arguments that a note cannot describe.
    """
    guard = "".join(c if c.isalnum() else "_" for c in title.upper())
    parts = [_HEAD.format(title=title, guard=f"DSCRIPT_{guard}_")]
    for provider, probes in providers.items():
        parts.extend(_probe(provider, name, types) for name, types in probes.items())
    parts.append(f"\n#endif /* DSCRIPT_{guard}_ */\n")
    return "".join(parts)


def semaphores(providers: Mapping[str, Probes]) -> Iterator[str]:
    """The symbol of every probe's semaphore."""
    for provider, probes in providers.items():
        for name in probes:
            yield _semaphore(provider, name)


def _semaphore(provider: str, name: str) -> str:
    return f"{provider}_{_noted(name)}_semaphore"


def _noted(name: str) -> str:
    """A name as notes and symbols have it: the hyphen is a double underscore."""
    return name.replace("-", "__")


def _macro(provider: str, name: str) -> str:
    """`MYSERV_QUERY_RECEIVE` for `myserv` and `query-receive`."""
    return f"{provider}_{name}".replace("__", "_").replace("-", "_").upper()


def _probe(provider: str, name: str, types: Sequence[Type]) -> str:
    if len(types) > _MOST_ARGUMENTS:
        raise TracingError(
            f"probe {provider}:{name} has {len(types)} arguments; a note holds {_MOST_ARGUMENTS}"
        )
    macro, semaphore = _macro(provider, name), _semaphore(provider, name)
    names = [f"a{number}" for number in range(len(types))]
    operands = [_operand(f"{provider}:{name}", type_, at) for at, type_ in enumerate(types)]
    arguments = " ".join(f"{size}@%[d{at}]" for at, (size, _) in enumerate(operands))
    inputs = ", ".join(
        f'[d{at}] "nor"(({cast})({argument}))'
        for at, ((_, cast), argument) in enumerate(zip(operands, names, strict=True))
    )
    unused = " ".join(f"(void)sizeof({argument});" for argument in names)
    call = f'DSCRIPT_PROBE_("{provider}", "{_noted(name)}", {semaphore}, "{arguments}", {inputs})'
    if not types:
        call = f'DSCRIPT_PROBE_("{provider}", "{_noted(name)}", {semaphore}, "", )'
    parameters = ", ".join(names)
    return f"""
/* {provider}:::{name} */
#ifdef DSCRIPT_PROBES_
DSCRIPT_SEMAPHORE_({semaphore})
#define {macro}({parameters}) \\
    do {{ \\
        {call}; \\
    }} while (0)
#define {macro}_ENABLED() __builtin_expect({semaphore} != 0, 0)
#else
#define {macro}({parameters}) do {{ {unused} }} while (0)
#define {macro}_ENABLED() 0
#endif
"""


def _operand(probe: str, type_: Type, at: int) -> tuple[str, str]:
    """Size with sign as a note has it, and the C type that the argument is converted to."""
    plain = type_.resolve()
    if isinstance(plain, PointerType | StringType):
        return "8", "const void *"
    if isinstance(plain, EnumType):
        return "-4", "int"
    if isinstance(plain, IntType):
        kinds = {1: "char", 2: "short", 4: "int", 8: "long"}
        sign = "-" if plain.signed else ""
        return f"{sign}{plain.size}", f"{'signed' if sign else 'unsigned'} {kinds[plain.size]}"
    raise TracingError(
        f"argument {at} of probe {probe} has type {type_}: a probe site takes integers, "
        "pointers and strings",
        "pass a pointer to it",
    )
