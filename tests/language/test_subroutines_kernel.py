"""Subroutines on network addresses, locks, paths and JSON, on this kernel."""

from __future__ import annotations

import ipaddress
import json
import os
import re
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.language.running import dscript, literal, output, values

_PHASES = (Phase.explicit, Phase.generate)
_FEW = settings(
    max_examples=5, deadline=None, suppress_health_check=list(HealthCheck), phases=_PHASES
)

# ---------------------------------------------------------------------------------- network


def _bytes(name: str, data: bytes) -> str:
    """D that makes `name` point to these bytes in scratch memory."""
    size = -(-len(data) // 8) * 8
    padded = data.ljust(size, b"\0")
    words = [int.from_bytes(padded[at : at + 8], "little") for at in range(0, size, 8)]
    stores = "".join(f"{name}[{at}] = {word}ULL; " for at, word in enumerate(words))
    return f"{name} = (uint64_t *)alloca({size}); {stores}"


def _addresses(kind: str, addresses: list[bytes], call: str) -> list[str]:
    setup = "".join(_bytes(f"this->{kind}{at}", data) for at, data in enumerate(addresses))
    calls = [f"s:{call.format(f'this->{kind}{at}')}" for at in range(len(addresses))]
    return values(calls, setup=setup)


@_FEW
@given(st.lists(st.binary(min_size=4, max_size=4), min_size=1, max_size=15))
def test_ipv4_addresses(addresses: list[bytes]) -> None:
    wanted = [str(ipaddress.IPv4Address(data)) for data in addresses]
    assert _addresses("a", addresses, "inet_ntoa({})") == wanted
    assert _addresses("a", addresses, "inet_ntop(2, {})") == wanted


def _ipv6(data: bytes, *, whole: bool) -> str:
    """RFC 1884: the first longest run of zero groups, even a single one, becomes "::"."""
    groups = [data[at : at + 2].hex().lstrip("0") or "0" for at in range(0, 16, 2)]
    embedded = str(ipaddress.IPv4Address(data[12:]))
    if data[:10] == bytes(10) and data[10:12] == b"\xff\xff":
        return f"::ffff:{embedded}" if whole else embedded
    if data[:12] == bytes(12) and int.from_bytes(data[12:], "big") > 1:
        return f"::{embedded}" if whole else embedded
    runs = [(n, start) for start in range(8) for n in range(1, 9 - start)]
    zero = [(n, start) for n, start in runs if groups[start : start + n] == ["0"] * n]
    if not zero:
        return ":".join(groups)
    n, start = max(zero, key=lambda run: (run[0], -run[1]))
    return ":".join(groups[:start]) + "::" + ":".join(groups[start + n :])


_GROUPS = st.lists(
    st.sampled_from([b"\0\0", b"\0\0", b"\0\1", b"\xff\xff", b"\x12\x34", b"\xab\x00"]),
    min_size=8,
    max_size=8,
).map(b"".join)
_EDGES = [
    bytes(16),
    bytes(15) + b"\1",
    bytes(10) + b"\xff\xff\x01\x02\x03\x04",
    bytes(12) + b"\x01\x02\x03\x04",
    b"\xfe\x80" + bytes(14),
    bytes(14) + b"\xff\xff",
]


@_FEW
@given(st.lists(_GROUPS, min_size=1, max_size=6))
def test_ipv6_addresses(addresses: list[bytes]) -> None:
    addresses = addresses + _EDGES
    alone = [_ipv6(data, whole=False) for data in addresses]
    assert _addresses("a", addresses, "inet_ntoa6({})") == alone
    assert _addresses("a", addresses, "inet_ntop(10, {})") == [
        _ipv6(data, whole=True) for data in addresses
    ]


def test_ipv6_addresses_of_the_manual() -> None:
    """The example of inet_ntoa6(): fe80::214:4fff:fe0b:76c8."""
    address = ipaddress.IPv6Address("fe80::214:4fff:fe0b:76c8").packed
    assert _addresses("a", [address], "inet_ntoa6({})") == ["fe80::214:4fff:fe0b:76c8"]


def test_link_addresses() -> None:
    data = bytes([0, 0x14, 0x4F, 0xFE, 0x0B, 0xC8, *range(100, 114)])
    assert _addresses("a", [data], "link_ntop(1, {})") == [data[:6].hex(":")]
    assert _addresses("a", [data], "link_ntop(32, {})") == [data.hex(":")]


@pytest.mark.parametrize("call", ["inet_ntop(3, p)", "link_ntop(2, p)"])
def test_another_family_is_an_illegal_operation(call: str) -> None:
    done = dscript("-qn", f"BEGIN {{ p = alloca(32); trace({call}); }} BEGIN {{ exit(0); }}")
    assert "illegal operation" in done.stderr


def test_an_address_that_cannot_be_read_is_a_fault() -> None:
    done = dscript("-qn", "BEGIN { trace(inet_ntoa((void *)16)); } BEGIN { exit(0); }")
    assert "invalid address (0x10)" in done.stderr


# ------------------------------------------------------------------------------------- JSON

_KEYS = st.sampled_from(["a", "b", "cc", "a b", "long_key", "d-e"])
_VALUES = st.recursive(
    st.one_of(
        st.integers(-1000, 1000),
        st.booleans(),
        st.none(),
        st.text('ab"\\{}[],: ', max_size=6),
        st.floats(-10, 10).map(lambda x: round(x, 2)),
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(_KEYS, inner, max_size=4)),
    max_leaves=12,
)


def _paths(value: object, prefix: str = "") -> list[tuple[str, object]]:
    found = [(prefix.removeprefix("."), value)] if prefix else []
    if isinstance(value, dict):
        for key, inner in value.items():
            found += _paths(inner, f"{prefix}.{key}")
    elif isinstance(value, list):
        for at, inner in enumerate(value):
            found += _paths(inner, f"{prefix}[{at}]")
    return found


@_FEW
@given(
    st.dictionaries(_KEYS, _VALUES, max_size=4),
    st.sampled_from([(",", ":"), (", ", ": "), (" ,\t", " : ")]),
)
def test_json_elements(value: dict[str, object], separators: tuple[str, str]) -> None:
    text = json.dumps(value, separators=separators)
    wanted = []
    for path, inner in _paths(value)[:25]:
        shown = json.dumps(inner, separators=separators)
        wanted.append((path, shown[1:-1] if isinstance(inner, str) else shown))
    wanted += [("nothing", ""), ("a.b.c.nothing", ""), ("a[99]", "")]
    calls = [f"s:json({literal(text)}, {literal(path)})" for path, _ in wanted]
    got = values(calls, "-x", "strsize=2k", "-x", "bufsize=4m")
    assert got == [shown for _, shown in wanted]


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "nonsense", '{"a"', '{"a":', '{"a" 1}', '{"a": }', '{"b": [1, 2', "{}"]
)
def test_what_is_no_json_has_no_elements(text: str) -> None:
    assert values([f's:json({literal(text)}, "a")']) == [""]


def test_json_cut_by_strsize_ends_there() -> None:
    text = json.dumps({"a": "x" * 40, "b": "y" * 40})
    calls = [f's:json({literal(text)}, "{key}")' for key in "ab"]
    assert values(calls, "-x", "strsize=64") == ["x" * 40, ""]


# ------------------------------------------------------------------------------------ locks


def test_mutexes() -> None:
    """A mutex of our own: held by nobody, then, flags set, by this thread."""
    text = output(
        "BEGIN { this->m = (struct mutex *)alloca(sizeof (struct mutex));"
        ' printf("%d %d %d %d\\n", mutex_owned(this->m), mutex_owner(this->m) == NULL,'
        " mutex_type_adaptive(this->m), mutex_type_spin(this->m));"
        " this->m->owner.counter = (long)curthread | 5;"
        ' printf("%d %d\\n", mutex_owned(this->m), mutex_owner(this->m) == (void *)curthread);'
        " exit(0); }"
    )
    assert text.split() == ["0", "1", "1", "0", "1", "1"]


# Read held, write held, held or wanted by a writer, for the words of kernel/locking/rwsem.c
# and include/asm-generic/qrwlock.h.
_SEMAPHORES = {0: "0 0 0", 0x1: "0 1 1", 0x300: "1 0 0", 0x102: "1 0 1", 0x3: "0 1 1"}
_QUEUES = {0: "0 0 0", 0xFF: "0 1 1", 0x400: "1 0 0", 0x300: "1 0 1"}


@pytest.mark.parametrize(
    ("kind", "member", "states"),
    [
        ("struct rw_semaphore", "count.counter", _SEMAPHORES),
        ("struct qrwlock", "cnts.counter", _QUEUES),
        ("rwlock_t", "raw_lock.cnts.counter", _QUEUES),
    ],
)
def test_reader_writer_locks(kind: str, member: str, states: dict[int, str]) -> None:
    body = "".join(
        f"this->l->{member} = {word};"
        ' printf("%d %d %d\\n", rw_read_held(this->l), rw_write_held(this->l),'
        " rw_iswriter(this->l));"
        for word in states
    )
    text = output(f"BEGIN {{ this->l = ({kind} *)alloca(sizeof ({kind})); {body} exit(0); }}")
    assert [line for line in text.splitlines() if line] == list(states.values())


# ------------------------------------------------------------------------------------ paths


def test_d_path_of_what_this_process_has_open(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 200) / "e"
    deep.mkdir(parents=True)
    script = tmp_path / "child.py"
    script.write_text(f"import os; os.chdir({str(deep)!r}); os.getpriority(0, 0)")
    done = dscript(
        "-q", "-x", "strsize=1k", "-n",
        "syscall::getpriority:entry /pid == $target/ {"
        ' printf("%s\\n%s\\n%s\\n", d_path(&curthread->fs->pwd), d_path(&curthread->fs->root),'
        " d_path(&curthread->mm->exe_file->f_path)); }",
        "-c", f"{sys.executable} {script}",
    )  # fmt: skip
    lines = done.stdout.splitlines()
    assert lines[:3] == [str(deep), "/", os.path.realpath(sys.executable)]


def test_d_path_across_mounts(tmp_path: Path) -> None:
    """/proc is a mount of its own; the call's argument says which descriptor to name."""
    script = tmp_path / "child.py"
    script.write_text(
        "import os\n"
        'for name in ("/proc/version", "/dev/null", "/"):\n'
        "    os.getpriority(0, os.open(name, os.O_RDONLY))\n"
    )
    done = dscript(
        "-q", "-n",
        "syscall::getpriority:entry /pid == $target/ {"
        ' printf("%s\\n", d_path(&curthread->files->fdt->fd[arg1]->f_path)); }',
        "-c", f"{sys.executable} {script}",
    )  # fmt: skip
    assert done.stdout.split() == ["/proc/version", "/dev/null", "/"], done.stderr


# ---------------------------------------------------------------------------------- copyout


@pytest.mark.parametrize("call", ["copyout(alloca(8), 1, 8)", 'copyoutstr("x", 1, 8)'])
def test_copyout_needs_permission_and_an_open_kernel(call: str) -> None:
    from dscript.kernel import features

    done = dscript("-e", "-x", "errtags", "-n", f"BEGIN {{ {call}; }}")
    assert done.returncode == 1 and "[D_DESTRUCTIVE]" in done.stderr
    done = dscript("-e", "-w", "-n", f"BEGIN {{ {call}; }}")
    if features.lockdown() in ("integrity", "confidentiality"):
        assert done.returncode == 1 and "kernel lockdown is" in done.stderr
    else:
        assert done.returncode == 0 or re.search("cannot write user memory", done.stderr)


# --------------------------------------------------------------------------------- the rest


def test_random_numbers_are_not_negative_and_differ() -> None:
    drawn = [int(text) for text in values(["d:rand()"] * 20)]
    assert min(drawn) >= 0 and len(set(drawn)) > 10


def test_progeny() -> None:
    text = output(
        f'BEGIN {{ printf("%d %d %d %d", progenyof($pid), progenyof({os.getpid()}), progenyof(1),'
        " progenyof(999999)); exit(0); }"
    )
    assert text.split() == ["1", "1", "1", "0"]


def test_device_numbers() -> None:
    """The kernel's own dev_t: 12 bits and 20."""
    device = (259 << 20) | 70000
    assert values([f"d:getmajor({device})", f"d:getminor({device})"]) == ["259", "70000"]
