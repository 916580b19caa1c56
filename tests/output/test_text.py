"""The text sink: heading, firing lines, trace(), flow, speculations, actions, messages."""

from __future__ import annotations

import struct
import subprocess
import sys
from pathlib import Path

import pytest

from dscript.program import Action, DropKind, Fault, Field, RecordHeader

from .support import (
    BEGIN,
    READ_ENTRY,
    READ_RETURN,
    SYS_ENTRY,
    SYS_RETURN,
    TICK,
    Run,
    aggregation,
    clause,
    printf,
)

HEADING = "CPU     ID                    FUNCTION:NAME\n"
INT = Field("int", 0, 4, True)


def trace(field: Field) -> Action:
    return Action("trace", (field,))


def traced(field: Field, body: bytes, **options: str) -> str:
    run = Run([clause(trace(field))], options=options)
    run.fire(0, body)
    return run.text


def test_heading_once_and_a_line_a_firing() -> None:
    run = Run([clause(), clause(printf("hi"))])
    run.fire(0)
    run.fire(1, probe=SYS_ENTRY, cpu=12)
    run.fire(0, probe=TICK, cpu=127)
    assert run.text == (
        HEADING
        + "  0      1                           :BEGIN \n"
        + " 12    342                       read:entry hi\n"
        + "127 999999                         :tick-1s \n"
    )


def test_quiet_prints_only_what_actions_print() -> None:
    run = Run([clause(), clause(printf("hi\n"))], options={"quiet": ""})
    run.fire(0)
    run.fire(1)
    assert run.text == "hi\n"


def test_clauses_without_a_line() -> None:
    run = Run([clause(Action("clear", aggregations=(0,)), prints=False)], [aggregation("count")])
    run.fire(0)
    assert run.text == ""


@pytest.mark.parametrize(
    ("size", "value", "loud", "quiet"),
    [
        (8, -1, "               -1", "-1"),
        (8, 2**63 - 1, " 9223372036854775807", "9223372036854775807"),
        (4, -7, "       -7", "-7"),
        (2, 512, "   512", "512"),
        (1, 9, "   9", "9"),
    ],
)
def test_trace_of_integers(size: int, value: int, loud: str, quiet: str) -> None:
    field = Field("int", 0, size, True)
    body = value.to_bytes(size, "little", signed=True)
    line = "  0      1                           :BEGIN "
    assert traced(field, body) == HEADING + line + loud + "\n"
    assert traced(field, body, quiet="") == quiet


def test_trace_of_strings() -> None:
    field = Field("string", 0, 16)
    line = "  0      1                           :BEGIN "
    assert traced(field, b"bash\0junk".ljust(16, b"\0")) == f"{HEADING}{line}  {'bash':33}\n"
    assert traced(field, b"bash".ljust(16, b"\0"), quiet="") == "bash"
    assert traced(field, b"\0" * 16, quiet="") == ""


def test_trace_of_bytes_that_look_like_text() -> None:
    field = Field("bytes", 0, 6)
    assert traced(field, b"ab\tc\0\0", quiet="") == "ab\tc"
    assert traced(field, b"abcdef", quiet="") == "abcdef"


def test_trace_of_raw_bytes() -> None:
    # Layout of the manual's chapter "Actions and Subroutines", trace().
    table = (
        "\n             0  1  2  3  4  5  6  7  8  9  a  b  c  d  e  f  0123456789abcdef\n"
        "         0: c0 de 09 c2 4a e8 27 54 dc f8 9f f1 9a 20 4b d1  ....J.'T..... K.\n"
        "        10: 9c 7a 7a                                         .zz\n"
    )
    body = bytes.fromhex("c0de09c24ae82754dcf89ff19a204bd19c7a7a")
    assert traced(Field("bytes", 0, 19), body, quiet="") == table
    text = traced(Field("bytes", 0, 3), b"abc", quiet="", rawbytes="")
    assert text.endswith("         0: 61 62 63                                         abc\n")


@pytest.mark.parametrize(("shown", "rows"), [(16, 1), (17, 2), (0, 0), (-1, 2), (33, 2), (32, 2)])
def test_tracemem_limits_what_it_shows(shown: int, rows: int) -> None:
    fields = (Field("bytes", 0, 32), Field("int", 32, 4, True))
    run = Run([clause(Action("tracemem", fields))], options={"quiet": ""})
    run.fire(0, bytes(range(32)) + struct.pack("<i", shown))
    assert len(run.text.splitlines()) == 2 + rows


def test_symbols_and_stacks_as_actions() -> None:
    run = Run(
        [
            clause(
                Action("symbol", (Field("sym", 0, 8),)),
                Action("symbol", (Field("mod", 8, 8),)),
                Action("symbol", (Field("uaddr", 16, 16),)),
                Action("symbol", (Field("usym", 32, 16),)),
                Action("symbol", (Field("umod", 48, 16),)),
            ),
            clause(Action("stack", (Field("stack", 0, 24),))),
            clause(Action("ustack", (Field("ustack", 0, 40),))),
        ],
        options={"quiet": "", "stackindent": "2"},
    )
    user = struct.pack("<IIQ", 1077, 77, 0x400010)
    run.fire(0, struct.pack("<QQ", 0x1010, 0x1900) + user * 3)
    assert run.text == "".join(
        f"  {name:50}"
        for name in ("vmlinux`do_work", "km", "a.out`main+0x10", "a.out`main", "a.out")
    )
    run.out.truncate(0)
    run.out.seek(0)
    run.fire(1, struct.pack("<3Q", 0x10FF, 0x1800, 0))
    run.fire(2, struct.pack("<IIQQQQ", 1077, 77, 0x400000, 0x7F0000000123, 5, 0))
    assert run.text == (
        "\n  vmlinux`do_work+0xff\n  km`0x1800\n\n  a.out`main\n  libc.so.6`0x7f0000000123\n  0x5\n"
    )


def test_stack_in_the_default_table() -> None:
    run = Run([clause(Action("stack", (Field("stack", 0, 16),)))])
    run.fire(0, struct.pack("<2Q", 0x1000, 0))
    assert run.text == (
        HEADING
        + "  0      1                           :BEGIN \n"
        + "              vmlinux`do_work\n\n"
    )


def test_actions_that_did_not_take_place() -> None:
    run = Run(
        [clause(printf("a"), printf("b%d", Field("int", 4, 4), presence=0), printf("c\n"))],
        options={"quiet": ""},
    )
    run.fire(0, struct.pack("<B3xI", 0, 7))
    run.fire(0, struct.pack("<B3xI", 1, 7))
    assert run.text == "ac\nab7c\n"


def test_fields_may_overlap() -> None:
    run = Run([clause(printf("%d %u\n", INT, Field("int", 0, 4)))], options={"quiet": ""})
    run.fire(0, struct.pack("<i", -1))
    assert run.text == "-1 4294967295\n"


def test_probe_names_as_fields() -> None:
    fields = (Field("probe", 0, 4, part="function"), Field("probe", 4, 4, part="name"))
    run = Run([clause(printf("%s:%s", *fields))], options={"quiet": ""})
    run.fire(0, struct.pack("<II", SYS_ENTRY, SYS_RETURN))
    assert run.text == "read:return"


def test_flowindent() -> None:
    run = Run([clause(printf("x")), clause()], options={"flowindent": ""})
    for probe in (SYS_ENTRY, READ_ENTRY, BEGIN, READ_RETURN, SYS_RETURN):
        run.fire(0, probe=probe, tid=5)
    run.printer.idle()
    assert run.text == (
        f"CPU {'FUNCTION':41}\n"
        f"  0 {' => read':41} x\n"
        f"  0 {'   -> vfs_read':41} x\n"
        f"  0 {'    | :BEGIN':41} x\n"
        f"  0 {'   <- vfs_read':41} x\n"
        f"  0 {' <= read':41} x\n"
    )


def test_flowindent_of_several_clauses_and_threads() -> None:
    run = Run([clause(), clause()], options={"flowindent": "", "quiet": ""})

    def both(probe: int, tid: int) -> None:
        run.fire(0, probe=probe, tid=tid)
        run.fire(1, probe=probe, tid=tid)

    both(READ_ENTRY, 1)
    both(READ_ENTRY, 2)
    both(READ_RETURN, 1)
    run.printer.idle()
    shown = [part.rstrip() for part in run.text.split("\n", 1)[1].split("  0 ")[1:]]
    assert shown == [
        " -> vfs_read",
        "  | vfs_read:entry",
        " -> vfs_read",
        "  | vfs_read:entry",
        "  | vfs_read:return",
        " <- vfs_read",
    ]


def test_speculations_wait_for_commit() -> None:
    run = Run([clause(printf("%d ", INT)), clause(prints=False)], options={"quiet": ""})

    def speculate(spec: int, value: int, flags: int = 0) -> None:
        run.fire(1 if flags else 0, struct.pack("<i", value), spec=spec, flags=flags)

    speculate(1, 10)
    speculate(2, 20)
    speculate(1, 11)
    run.fire(0, struct.pack("<i", 5))
    speculate(1, 0, RecordHeader.COMMIT)
    speculate(2, 0, RecordHeader.DISCARD)
    speculate(2, 21)
    speculate(2, 0, RecordHeader.COMMIT)
    assert run.text == "5 10 11 21 "


def test_the_last_exit_gives_the_status() -> None:
    run = Run([clause(Action("exit", (INT,)))])
    assert run.printer.exit_status is None
    run.fire(0, struct.pack("<i", 3))
    run.fire(0, struct.pack("<i", 4))
    assert run.printer.exit_status == 4


def test_setopt_takes_effect_for_what_follows() -> None:
    fields = (Field("string", 0, 16), Field("string", 16, 16))
    run = Run([clause(Action("setopt", (fields[0],))), clause(printf("x"))])
    changes: list[tuple[str, str]] = []
    run.printer.option_changed = lambda name, value: changes.append((name, value))
    run.fire(0, b"quiet".ljust(32, b"\0"))
    before = len(run.text)
    run.fire(1)
    assert run.text[before:] == "x"
    assert changes == [("quiet", "1")]


def test_freopen_and_back(tmp_path: Path) -> None:
    path = tmp_path / "out"
    target = Field("string", 0, 128)
    from dscript.builtins.formats import parse_format

    freopen = Action("freopen", (target,), parse_format("%s"))
    run = Run([clause(freopen), clause(printf("x"))], options={"quiet": ""})
    run.fire(1)
    run.fire(0, str(path).encode().ljust(128, b"\0"))
    run.fire(1)
    run.fire(1)
    run.fire(0, b"\0" * 128)
    run.fire(1)
    assert (run.text, path.read_text()) == ("xx", "xx")
    run.fire(0, b"/no/such/directory/file".ljust(128, b"\0"))
    assert run.messages.endswith(
        '(ID 1: dtrace:::BEGIN): couldn\'t freopen() "/no/such/directory/file": '
        "No such file or directory\n"
    )


def test_system_runs_in_order(tmp_path: Path) -> None:
    """The command's output stands between what was printed before and after."""
    program = (
        "import struct, sys\n"
        "from tests.output.support import *\n"
        "from dscript.output.text import TextPrinter\n"
        "action = Action('system', (Field('int', 0, 4),), parse_format('echo got %d'))\n"
        "cl = (clause(printf('a\\n')), clause(action), clause(printf('b\\n')))\n"
        "t = TextPrinter(CompiledProgram(b'', PROBES, cl, ()), options={'quiet': ''})\n"
        "body = memoryview(struct.pack('<IIIIIIi', 0, 0, 0, 0, 0, 0, 7))\n"
        "for i in range(3):\n"
        "    t.record(i, 1, 0, 0, 0, 0, body, 0)\n"
        "t.idle()\n"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=True
    )
    assert done.stdout == "a\ngot 7\nb\n"


def test_errors_in_the_words_of_dtrace() -> None:
    run = Run([clause(epid=4)])
    run.printer.error(BEGIN, 0, 0, 1, Fault.BADADDR, 12, 0)
    run.printer.error(SYS_ENTRY, 0, 0, 2, Fault.DIVZERO, 3, 99)
    run.printer.error(SYS_ENTRY, 0, 0, 0, Fault.BADALIGN, 0xFFFFFFFF, 0x1001)
    assert run.messages == (
        "dscript: error on enabled probe ID 4 (ID 1: dtrace:::BEGIN): invalid address (0x0) in "
        "action #1 at DIF offset 12\n"
        "dscript: error on enabled probe ID 4 (ID 342: syscall:vmlinux:read:entry): "
        "divide-by-zero in action #2 at DIF offset 3\n"
        "dscript: error on enabled probe ID 4 (ID 342: syscall:vmlinux:read:entry): "
        "invalid alignment (0x1001) in predicate\n"
    )


@pytest.mark.parametrize(
    ("kind", "count", "text"),
    [
        (DropKind.RECORD, 3, "3 drops on CPU 2"),
        (DropKind.RECORD, 1, "1 drop on CPU 2"),
        (DropKind.AGGREGATION, 12, "12 aggregation drops on CPU 2"),
        (DropKind.DYNAMIC, 5, "5 dynamic variable drops"),
        (DropKind.SPECULATION, 1, "1 speculative drop"),
        (DropKind.SPECULATION_BUSY, 2, "2 failed speculations (available buffers still busy)"),
        (
            DropKind.SPECULATION_UNAVAILABLE,
            1,
            "1 failed speculation (no speculative buffer available)",
        ),
    ],
)
def test_drops(kind: DropKind, count: int, text: str) -> None:
    run = Run()
    run.printer.drop(kind, count, 2)
    assert run.messages == f"dscript: {text}\n"


def test_notices_are_silent_under_quiet() -> None:
    loud, quiet = Run(), Run(options={"quiet": ""})
    for run in (loud, quiet):
        run.printer.notice("pid 12 has exited")
    assert (loud.messages, quiet.messages) == ("dscript: pid 12 has exited\n", "")


def test_the_end_is_a_newline_then_what_was_not_printed() -> None:
    printa = Action("printa", aggregations=(0,))
    run = Run([clause(printa)], [aggregation("count"), aggregation("sum", ident=1)], {"quiet": ""})
    run.printer.aggregations[0].merge(b"", [5])
    run.printer.aggregations[1].merge(b"", [-6])
    run.fire(0)
    assert run.text == "\n                5\n"
    assert run.snapshots == 1
    run.printer.finish()
    assert run.text == "\n                5\n\n               -6\n"


def test_aggregation_actions_take_snapshots() -> None:
    count = Field("int", 0, 8, True)
    run = Run(
        [
            clause(Action("normalize", (count,), aggregations=(0,)), prints=False),
            clause(Action("denormalize", aggregations=(0,)), prints=False),
            clause(Action("trunc", (count,), aggregations=(0,)), prints=False),
            clause(Action("clear", aggregations=(0,)), prints=False),
        ],
        [aggregation("sum", [Field("int", 0, 8, True)])],
        {"quiet": ""},
    )
    state = run.printer.aggregations[0]
    for key in (1, 2, 3):
        state.merge(struct.pack("<q", key), [key * 10])
    values = lambda: sorted(state.number(e) for e in state.entries.values())  # noqa: E731
    run.fire(0, struct.pack("<q", 5))
    assert values() == [2, 4, 6]
    run.fire(1)
    run.fire(2, struct.pack("<q", -2))
    assert values() == [10, 20]
    run.fire(3)
    assert values() == [0, 0]
    assert run.snapshots == 4
    run.fire(0, struct.pack("<q", 0))
    assert run.messages == "dscript: normalize( ) of @a0 by 0 has no effect\n"


def test_output_goes_on_after_bytes_that_are_no_utf8() -> None:
    run = Run([clause(printf("%s|", Field("string", 0, 4)))], options={"quiet": ""})
    run.fire(0, b"\xff\xfe\0\0")
    assert run.out.getvalue() == b"\xff\xfe|"
