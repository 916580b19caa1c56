"""--format json: what every kind of line holds, checked against the schema and read by jq."""

from __future__ import annotations

import io
import json
import os
import signal
import struct
import subprocess
from pathlib import Path

import pytest

from dscript.output import effects
from dscript.output.jsonlines import JsonPrinter
from dscript.program import Action, CompiledProgram, DropKind, Field, RecordHeader, TypeLayout

from .machine import DSCRIPT, ROOT, actions, execute, json_lines, of_type, parsed
from .support import BEGIN, PROBES, KnownSymbols, aggregation, clause, printf

# One recipe of each kind of output: a table, stacks' functions, pictures, lines as they come.
EXAMPLES = [
    ROOT.parent / "examples" / f"{name}.d"
    for name in ("demo", "hotkernel", "cpuwalk", "nicesnoop", "sampleproc")
]


class JsonRun:
    """A JsonPrinter with its output caught; `lines` checks it against the schema."""

    def __init__(self, clauses=(), aggregations=()) -> None:
        program = CompiledProgram(b"", PROBES, tuple(clauses), (), tuple(aggregations))
        self.out, self.err = io.BytesIO(), io.BytesIO()
        self.printer = JsonPrinter(program, self.out, err=self.err, symbols=KnownSymbols())

    def fire(self, clause: int, body: bytes = b"", tid: int = 0) -> None:
        words = (clause, BEGIN, 3, tid, 0, 0)
        data = struct.pack(RecordHeader.FORMAT, *words) + body
        self.printer.record(*words, memoryview(data), 0)

    def lines(self):
        return parsed(self.out.getvalue())[1:]

    def action(self):
        (line,) = self.lines()
        (action,) = line["actions"]
        return action


def shown(field: Field, body: bytes):
    run = JsonRun([clause(Action("trace", (field,)))])
    run.fire(0, body)
    return run.action()["value"]


# Single values.


@pytest.mark.parametrize("value", [0, -1, 2**53 + 1, 2**63 - 1, -(2**63)])
def test_signed_integers_stay_exact(value: int) -> None:
    assert shown(Field("int", 0, 8, True), struct.pack("<q", value)) == value


def test_unsigned_integers_stay_exact() -> None:
    assert shown(Field("int", 0, 8), b"\xff" * 8) == 2**64 - 1


@pytest.mark.parametrize(
    ("value", "json_value"), [(0.5, 0.5), (float("inf"), "inf"), (float("-inf"), "-inf")]
)
def test_floats(value: float, json_value: object) -> None:
    assert shown(Field("float", 0, 8), struct.pack("<d", value)) == json_value
    assert shown(Field("float", 0, 8), struct.pack("<d", float("nan"))) == "nan"


def test_strings() -> None:
    string = Field("string", 0, 8)
    assert shown(string, 'é"\\\n'.encode().ljust(8, b"\0")) == 'é"\\\n'
    assert shown(string, b"\0" * 8) == ""
    # Not UTF-8: the bytes as they are.
    assert shown(string, b"a\xff\0.....") == {"bytes": "61ff"}


def test_bytes_and_what_they_say() -> None:
    assert shown(Field("bytes", 0, 4), b"\1\2\xff\0") == {"bytes": "0102ff00"}
    assert shown(Field("bytes", 0, 4), b"hi\0\0") == {"bytes": "68690000", "text": "hi"}


def test_kernel_stack_frames() -> None:
    body = struct.pack("<4Q", 0x1010, 0x1200, 0x9999999999999999, 0)
    assert shown(Field("stack", 0, 32), body) == [
        {"address": "0x1010", "module": "vmlinux", "symbol": "do_work", "offset": 16},
        {"address": "0x1200", "module": "km"},
        {"address": "0x9999999999999999"},
    ]


def test_user_stack_frames_and_symbols() -> None:
    main = {"address": "0x400004", "module": "a.out", "symbol": "main", "offset": 4}
    body = struct.pack("<IIQQ", 5, 77, 0x400004, 0)
    assert shown(Field("ustack", 0, 24), body) == [main]
    assert shown(Field("usym", 0, 16), body[:16]) == main
    assert shown(Field("sym", 0, 8), struct.pack("<Q", 0x1000)) == {
        "address": "0x1000",
        "module": "vmlinux",
        "symbol": "do_work",
        "offset": 0,
    }


# print().

CHAR = TypeLayout("char", "char", 1, True)
INT = TypeLayout("int", "int", 4, True)
FLAGS = TypeLayout(
    "struct",
    "struct flags",
    4,
    members=(("low", 0, 3, INT), ("high", 3, 5, TypeLayout("int", "unsigned int", 4))),
)
COLOUR = TypeLayout("enum", "enum colour", 4, enumerators=((0, "RED"), (5, "BLUE")))
ANONYMOUS = TypeLayout(
    "union",
    "union <anonymous>",
    4,
    members=(("word", 0, 32, INT), ("bytes", 0, 32, TypeLayout("array", "char[4]", 4,
                                                             element=CHAR, length=4))),
)  # fmt: skip
STRUCT = TypeLayout(
    "struct",
    "struct s",
    40,
    members=(
        ("number", 0, 64, TypeLayout("int", "unsigned long", 8)),
        ("flags", 64, 32, FLAGS),
        ("colour", 96, 32, COLOUR),
        ("other", 128, 32, COLOUR),
        ("", 160, 32, ANONYMOUS),
        ("where", 192, 64, TypeLayout("pointer", "void *", 8)),
        ("pair", 256, 64, TypeLayout("array", "int[2]", 8, element=INT, length=2)),
    ),
)


def test_arrays_of_characters() -> None:
    def printed(element: TypeLayout, body: bytes):
        layout = TypeLayout("array", "x[4]", 4, element=element, length=4)
        run = JsonRun([clause(Action("print", (Field("bytes", 0, 4, layout=layout),)))])
        run.fire(0, body)
        return run.action()["value"]

    assert printed(CHAR, b"ab\0c") == "ab"
    assert printed(CHAR, b"\0\0\0\0") == ""
    assert printed(CHAR, b"\xc3\xa9\xff\0") == {"bytes": "c3a9ff"}
    assert printed(TypeLayout("char", "unsigned char", 1), b"ab\0c") == {"bytes": "61620063"}


def test_structures_are_objects() -> None:
    body = struct.pack(
        "<QIIi4sQ2i", 2**64 - 1, 0b10101_110, 5, 9, b"hi\0\0", 0xFFFF888812345678, -1, 7
    )
    run = JsonRun([clause(Action("print", (Field("bytes", 0, 40, layout=STRUCT),), text="s_t"))])
    run.fire(0, body)
    assert run.action() == {
        "action": "print",
        "type": "s_t",
        "value": {
            "number": 2**64 - 1,
            "flags": {"low": -2, "high": 21},
            "colour": "BLUE",
            "other": 9,
            "word": int.from_bytes(b"hi", "little"),
            "bytes": "hi",
            "where": "0xffff888812345678",
            "pair": [-1, 7],
        },
    }


# Lines that the runtime calls for.


def test_errors_drops_and_notices() -> None:
    run = JsonRun([clause()])
    run.printer.error(BEGIN, 2, 0, 3, 1, 17, 0xFFFF888812345678)
    run.printer.error(BEGIN, 2, 0, 0, 4, 0xFFFFFFFF, 0)
    run.printer.drop(DropKind.RECORD, 12, 1)
    run.printer.drop(DropKind.DYNAMIC, 1, 1)
    run.printer.missed("entry", 2)
    run.printer.notice("pid 7 has exited")
    run.printer.message("odd")
    run.printer.finish()
    run.printer.close(3)
    probe = {"id": 1, "provider": "dtrace", "module": "", "function": "", "name": "BEGIN"}
    failure = {"type": "error", "probe": probe, "cpu": 2, "clause": 0}
    assert run.lines() == [
        {**failure, "action": 3, "fault": "invalid address", "code": 1,
         "address": "0xffff888812345678", "dif": 17},
        {**failure, "action": None, "fault": "divide-by-zero", "code": 4,
         "address": "0x0", "dif": None},
        {"type": "drop", "kind": "record", "count": 12, "cpu": 1},
        {"type": "drop", "kind": "dynamic", "count": 1},
        {"type": "missed", "program": "entry", "count": 2},
        {"type": "notice", "message": "pid 7 has exited"},
        {"type": "message", "message": "odd"},
        {"type": "exit", "status": 3},
    ]  # fmt: skip
    # Standard error says the same as with text.
    assert run.err.getvalue().startswith(b"dscript: error on enabled probe ID 1 (ID 1: dtrace:::")
    assert run.err.getvalue().count(b"\n") == 7


def test_threads_where_records_tell() -> None:
    run = JsonRun([clause(printf("x"))])
    run.fire(0, tid=0)
    run.fire(0, tid=41)
    assert [line.get("tid") for line in run.lines()] == [None, 41]


def test_invalid_utf8_in_printf() -> None:
    run = JsonRun([clause(printf("<%s>", Field("string", 0, 4)))])
    run.fire(0, b"\xfe\0\0\0")
    assert run.action() == {
        "action": "printf",
        "text": {"bytes": b"<\xfe>".hex()},
        "args": [{"bytes": "fe"}],
    }


@pytest.mark.parametrize("kind", ["breakpoint", "panic"])
def test_sysrq_actions(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trigger = tmp_path / "trigger"
    monkeypatch.setattr(effects, "SYSRQ_TRIGGER", str(trigger))
    run = JsonRun([clause(Action(kind))])
    run.fire(0)
    assert run.action() == {"action": kind}
    assert trigger.read_bytes() in (b"c", b"g")


def test_buckets_have_their_bounds() -> None:
    specs = [
        aggregation("quantize", (), 127, ident=0),
        aggregation("lquantize", (), 12, (0, 100, 10), ident=1),
        aggregation("llquantize", (), 20, (10, 0, 1, 10), ident=2),
    ]
    run = JsonRun([], specs)
    words = [0] * 127
    words[63] = 1  # the value 0
    words[63 + 1] = 2  # 1
    words[63 + 11] = 3  # 1024 to 2047
    words[63 - 3] = 4  # -7 to -4
    words[126] = 5
    run.printer.aggregations[0].merge(b"", words)
    run.printer.aggregations[1].merge(b"", [1, 2, *[0] * 9, 3])
    run.printer.aggregations[2].merge(b"", [1, 2, *[0] * 7, 3, 4, *[0] * 8, 5])
    run.printer.finish()
    found = [
        [(b["low"], b["high"], b["count"]) for b in line["entries"][0]["buckets"]]
        for line in run.lines()
    ]
    assert found == [
        [(-7, -4, 4), (0, 0, 1), (1, 1, 2), (1024, 2047, 3), (2**62, 2**63 - 1, 5)],
        [(None, -1, 1), (0, 9, 2), (100, None, 3)],
        # One bucket a number up to 9, then tens, then all from 100 on.
        [(None, 0, 1), (1, 1, 2), (9, 9, 3), (10, 19, 4), (100, None, 5)],
    ]


# Whole programs.

EVERY_ACTION = """
    int x;
    BEGIN {
        printf("%s %d %x\\n", "text", -5, 255);
        trace(1); trace("two"); print(x); tracemem(curthread->comm, 16, 7);
        stack(); ustack(); jstack();
        sym((uintptr_t)curthread); mod((uintptr_t)curthread); func((uintptr_t)curthread);
        usym(0); umod(0); ufunc(0); uaddr(0);
        @a["k", 1] = count(); @b["k", 1] = avg(10); @b["k", 1] = avg(20);
        @q = quantize(5); @s[stack(3), ustack(3)] = sum(-3);
    }
    BEGIN { printa(@a); printa("%s %d %@d %@d\\n", @a, @b); clear(@a); trunc(@a, 1); trunc(@q); }
    BEGIN { normalize(@b, 3); printa(@b); denormalize(@b); setopt("aggsortrev"); }
    BEGIN { system("echo %s; exit 3", "hi"); }
    BEGIN { trace(1); freopen("%s", $$1); trace(2); ftruncate(); trace(3); freopen(""); trace(4); }
    BEGIN { self->spec = speculation(); }
    BEGIN { speculate(self->spec); trace("kept"); }
    BEGIN { commit(self->spec); }
    BEGIN /x/ { trace("never"); }
    BEGIN { exit(7); }
"""


@pytest.fixture(scope="module")
def every(tmp_path_factory: pytest.TempPathFactory):
    """Lines of the program, and those in its other file."""
    folder = tmp_path_factory.mktemp("every")
    script, other = folder / "every.d", folder / "other"
    script.write_text(EVERY_ACTION)
    done = execute("--format", "json", "-w", "-s", str(script), str(other))
    assert done.returncode == 7, done.stderr.decode()
    return parsed(done.stdout), parsed(other.read_bytes())


def test_head_and_exit(every) -> None:
    lines, _ = every
    head = lines[0]
    assert (head["type"], head["schema"], head["probes"]) == ("dscript", 1, 10)
    assert head["program"].endswith("every.d")
    assert lines[-1] == {"type": "exit", "status": 7}


def test_actions_in_order(every) -> None:
    lines, other = every
    kinds = [action["action"] for action in actions(lines)]
    assert kinds == [
        "printf", "trace", "trace", "print", "tracemem", "stack", "ustack", "ustack",
        "sym", "mod", "func", "usym", "umod", "ufunc", "uaddr",
        "printa", "printa", "clear", "trunc", "trunc",
        "normalize", "printa", "denormalize", "setopt",
        "system",
        "trace", "freopen", "trace",
        "trace",
        "exit",
    ]  # fmt: skip
    # Emptying the file takes away what was in it.
    assert other[0]["type"] == "dscript"
    assert [a["action"] for a in actions(other)] == ["trace", "freopen"]


def test_values_of_actions(every) -> None:
    found = {action["action"]: action for action in actions(every[0])}
    assert found["printf"] == {
        "action": "printf",
        "text": "text -5 ff\n",
        "args": ["text", -5, 255],
    }
    assert found["print"] == {"action": "print", "type": "int", "value": 0}
    assert found["tracemem"]["value"] == {"bytes": b"dscript".hex(), "text": "dscript"}
    assert found["system"]["output"] == "hi\n"
    assert found["system"]["status"] == 3
    assert found["usym"]["value"] == {"address": "0x0"}
    assert found["normalize"] == {"action": "normalize", "aggregation": "b", "divisor": 3}
    assert found["setopt"] == {"action": "setopt", "option": "aggsortrev"}
    printa = [a for a in actions(every[0]) if a["action"] == "printa"]
    assert printa[0] == {"action": "printa", "aggregations": ["a"]}
    assert printa[1] == {"action": "printa", "aggregations": ["a", "b"], "text": "k 1 1 15\n"}


def test_aggregations_follow_their_firing(every) -> None:
    lines, _ = every
    shapes = [(x["type"], x.get("name"), x.get("normalization")) for x in lines]
    at = shapes.index(("aggregation", "a", None))
    assert shapes[at : at + 3] == [
        ("aggregation", "a", None),
        ("aggregation", "a", None),
        ("aggregation", "b", None),
    ]
    assert lines[at - 1]["actions"][0]["action"] == "printa"
    first = lines[at]
    assert (first["function"], first["keys"]) == ("count", ["string", "int"])
    assert first["entries"] == [{"key": ["k", 1], "value": 1}]
    # 15 / 3, and back at 15 afterwards; trunc() left nothing of @q.
    assert [x["entries"][0]["value"] for x in lines if x.get("name") == "b"] == [15, 5]
    assert [x["entries"] for x in lines if x.get("name") == "q"] == [[]]
    (with_stacks,) = [x for x in lines if x.get("name") == "s"]
    assert with_stacks["keys"] == ["stack", "ustack"]
    assert with_stacks["entries"][0]["value"] == -3


def test_error_of_a_real_clause() -> None:
    lines = json_lines("BEGIN { trace(*(int *)16); } ERROR { trace(arg4); exit(0); }")
    (error,) = of_type(lines, "error")
    assert (error["fault"], error["address"], error["action"]) == ("invalid address", "0x10", 1)
    assert error["probe"]["name"] == "BEGIN"


def test_drops_of_a_full_buffer() -> None:
    """Every read of the command is either a firing or a drop; 4 KiB have room for three."""
    lines = json_lines(
        "syscall:::entry /pid == $target/ { trace(execname); }"
        "syscall:::entry /pid == $target/ { @ = count(); }",
        "-b", "4k", "-x", "strsize=1k",
        "-c", "dd if=/dev/zero of=/dev/null bs=1 count=20000 status=none",
    )  # fmt: skip
    drops = of_type(lines, "drop")
    assert drops and {drop["kind"] for drop in drops} == {"record"}
    lost = sum(drop["count"] for drop in drops)
    (total,) = of_type(lines, "aggregation")
    assert len(of_type(lines, "firing")) + lost == total["entries"][0]["value"]


def test_targets_are_told_of() -> None:
    lines = json_lines("syscall:::entry /pid == $target/ { @ = count(); }", "-c", "sh -c 'exit 3'")
    (notice,) = of_type(lines, "notice")
    assert notice["message"].endswith("exited with status 3")
    (count,) = of_type(lines, "aggregation")
    assert count["entries"][0]["value"] > 5


def test_output_file_and_stderr(tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    program = 'BEGIN { printf("x"); exit(0); }'
    done = execute("--format", "json", "-o", str(out), "-n", program)
    text = execute("-n", program)
    assert (done.stdout, done.stderr) == (b"", text.stderr)
    assert [line["type"] for line in parsed(out.read_bytes())] == ["dscript", "firing", "exit"]


def test_an_interrupted_run_ends_with_its_totals() -> None:
    with subprocess.Popen(
        [DSCRIPT, "--format", "json", "-n", "BEGIN { @ = count(); trace(1); }"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as tracer:
        assert tracer.stdout is not None
        first = tracer.stdout.readline() + tracer.stdout.readline()
        os.kill(tracer.pid, signal.SIGINT)
        lines = parsed(first + tracer.stdout.read())
    assert [line["type"] for line in lines] == ["dscript", "firing", "aggregation", "exit"]


def test_jq_reads_it(every) -> None:
    lines, _ = every
    data = "".join(json.dumps(line) + "\n" for line in lines).encode()
    done = subprocess.run(
        ["jq", "-c", 'select(.type == "aggregation") | [.name, (.entries | length)]'],
        input=data,
        capture_output=True,
        check=True,
    )
    names = [json.loads(line)[0] for line in done.stdout.splitlines()]
    assert names == [line["name"] for line in of_type(lines, "aggregation")]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_examples(path: Path) -> None:
    """Each one's output is valid, and jq reads it.  Those for other kernels are left out."""
    with subprocess.Popen(
        [
            DSCRIPT,
            "--format",
            "json",
            "-w",
            "-s",
            str(path),
            "-c",
            "sh -c 'exec >/dev/null; ls /etc; sleep 1'",
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as tracer:
        try:
            out, err = tracer.communicate(timeout=15)
        except subprocess.TimeoutExpired:
            tracer.send_signal(signal.SIGINT)
            out, err = tracer.communicate(timeout=30)
    assert b"internal error" not in err
    if tracer.returncode == 1 and not out:
        pytest.skip(err.decode().splitlines()[0])
    lines = parsed(out)
    assert lines[0]["type"] == "dscript"
    assert lines[-1]["type"] == "exit"
    subprocess.run(["jq", "."], input=out, stdout=subprocess.DEVNULL, check=True)


def test_plain_runs_do_not_pay() -> None:
    """JSON, CSV, pictures and the live view are imported only when asked for."""
    script = (
        "import sys, dscript\n"
        "dscript.run('BEGIN { exit(0); }')\n"
        "print(*sys.modules, file=sys.stderr)"
    )
    python = str(Path(DSCRIPT).with_name("python"))
    done = subprocess.run([python, "-c", script], capture_output=True, text=True, check=True)
    loaded = set(done.stderr.split())
    assert "dscript.output.text" in loaded
    unwanted = {"json", "csv", "rich", "dscript.output.typed", "dscript.views"}
    assert not loaded & unwanted
