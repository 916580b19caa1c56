"""Programs: clauses, probe descriptions, predicates, declarations, directives."""

from __future__ import annotations

from typing import Any

import pytest

from dscript.errors import Diagnostic
from dscript.source import Source
from dscript.syntax import ast
from dscript.syntax.parser import ClauseForm, parse, parse_clause_options
from dscript.syntax.printer import print_expression, print_item, print_type


def items(text: str) -> tuple[ast.Item, ...]:
    return parse(Source("test.d", text)).items


def clauses(text: str) -> list[ast.Clause]:
    found = items(text)
    assert all(isinstance(item, ast.Clause) for item in found)
    return [item for item in found if isinstance(item, ast.Clause)]


def probes(clause: ast.Clause) -> list[str]:
    return [str(probe) for probe in clause.probes]


def error(text: str, form: ClauseForm = "n") -> Diagnostic:
    with pytest.raises(Diagnostic) as caught:
        parse_clause_options(form, Source("test.d", text))
    return caught.value


# ------------------------------------------------------------------ probe descriptions


@pytest.mark.parametrize(
    ("text", "expected", "fields"),
    [
        ("BEGIN", ":::BEGIN", 1),
        (":::BEGIN", ":::BEGIN", 4),
        ("read:entry", "::read:entry", 2),
        ("libc:malloc:entry", ":libc:malloc:entry", 3),
        ("syscall::read:entry", "syscall::read:entry", 4),
        ("sdt:::", "sdt:::", 4),
        ("mib::icmp_*:", "mib::icmp_*:", 4),
        ("tick-1sec", ":::tick-1sec", 1),
        ("profile:::profile-997hz", "profile:::profile-997hz", 4),
        ("hotspot*:::method-entry", "hotspot*:::method-entry", 4),
        ("syscall::*read*:entry", "syscall::*read*:entry", 4),
        ("*:::", "*:::", 4),
        ("syscall::r??d:entry", "syscall::r??d:entry", 4),
        ("syscall::[rw]*:entry", "syscall::[rw]*:entry", 4),
        ("syscall::[!rw]*:entry", "syscall::[!rw]*:entry", 4),
        ("pid$target:a.out:e*:entry", "pid$target:a.out:e*:entry", 4),
        ("pid$target:libc.so.6:malloc:3a", "pid$target:libc.so.6:malloc:3a", 4),
        ("syscall::$1:entry", "syscall::$1:entry", 4),
        ("fbt::$$1:entry", "fbt::$$1:entry", 4),
        ("$1:::", "$1:::", 4),
        ("profile-$1", ":::profile-$1", 1),
        ("io:genunix::start", "io:genunix::start", 4),
        ("fbt:ext4`x:f:entry", "fbt:ext4`x:f:entry", 4),
        ("int*:::entry", "int*:::entry", 4),
        ("self:::entry", "self:::entry", 4),
    ],
)
@pytest.mark.parametrize("after", [" { }", "{}", "\n/x/\n{ }", "", " ;", "/x/{}", "< ; >"])
def test_descriptions(text: str, expected: str, fields: int, after: str) -> None:
    (clause,) = clauses(text + after)
    assert probes(clause) == [expected]
    assert clause.probes[0].fields == fields
    assert clause.probes[0].written == ""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("kprobe:do_sys_open", "fbt::do_sys_open:entry"),
        ("kretprobe:vfs_*", "fbt::vfs_*:return"),
        ("tracepoint:sched:sched_switch", "sdt:sched::sched_switch"),
        ("rawtracepoint:sys_enter", "rawtp:::sys_enter"),
        ("uprobe:/bin/bash:readline", "uprobe:/bin/bash:readline:entry"),
        ("uretprobe:/bin/bash:readline", "uprobe:/bin/bash:readline:return"),
        ("uprobe:/bin/bash:readline:entry", "uprobe:/bin/bash:readline:entry"),
        ("usdt:/usr/lib/x-1.so:libc:probe", "libc:/usr/lib/x-1.so::probe"),
        ("usdt:/usr/lib/x.so:probe", "*:/usr/lib/x.so::probe"),
        ("profile:hz:99", "profile:::profile-99hz"),
        ("profile:ms:10", "profile:::profile-10ms"),
        ("interval:s:1", "profile:::tick-1s"),
        # D's own four fields stay what they are.
        ("kprobe::f:entry", "kprobe::f:entry"),
        ("tracepoint:sched::sched_switch", "tracepoint:sched::sched_switch"),
        ("profile:::tick-1s", "profile:::tick-1s"),
    ],
)
@pytest.mark.parametrize("after", [" { }", " /pid/ { }", ", BEGIN { }", " < ; >"])
def test_foreign_descriptions(text: str, expected: str, after: str) -> None:
    (clause,) = clauses(text + after)
    probe = clause.probes[0]
    assert str(probe) == expected
    assert probe.written == (text if text != expected else "")


def test_comma_lists_run_over_lines() -> None:
    (clause,) = clauses("syscall::read:entry,\n  syscall::write:entry /* both */,\nEND\n{ }")
    assert probes(clause) == ["syscall::read:entry", "syscall::write:entry", ":::END"]


@pytest.mark.parametrize(
    ("form", "text", "expected"),
    [
        ("P", "syscall", "syscall:::"),
        ("m", "genunix", ":genunix::"),
        ("m", "fbt:ext4", "fbt:ext4::"),
        ("f", "read", "::read:"),
        ("f", "syscall::read", "syscall::read:"),
        ("n", "read:entry", "::read:entry"),
        ("i", "4711", ":::4711"),
    ],
)
@pytest.mark.parametrize("after", ["", "{}", " /pid == 1/", " /pid == 1/ { trace(1); }", " < ; >"])
def test_command_line_forms(form: ClauseForm, text: str, expected: str, after: str) -> None:
    program = parse_clause_options(form, Source(text, text + after, is_command_line=True))
    (clause,) = program.items
    assert isinstance(clause, ast.Clause)
    assert str(clause.probes[0]) == expected
    assert clause.probes[0].fields == (
        0 if form == "i" else text.count(":") + 1 if form == "n" else 4
    )
    assert (clause.predicate is None) == ("/" not in after)
    assert (clause.body is None) == ("{" not in after and "<" not in after)


def test_an_option_holds_a_whole_program() -> None:
    text = "read, write { @ = count(); } int x; open { x++; }"
    program = parse_clause_options("f", Source(text, text, is_command_line=True))
    assert [type(item).__name__ for item in program.items] == ["Clause", "Declaration", "Clause"]
    last = program.items[2]
    assert isinstance(last, ast.Clause) and str(last.probes[0]) == "::open:"


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("n", "a:b:c:d:e { }"),
        ("P", "a:b"),
        ("m", "a:b:c"),
        ("f", "a:b:c:d"),
        ("i", "abc"),
        ("i", ""),
    ],
)
def test_bad_descriptions(form: ClauseForm, text: str) -> None:
    assert error(text, form).tag == "D_PDESC_INVAL"


# ------------------------------------------------------------- predicates and bodies


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/x/ { }", "x"),
        ("/ x / y == 2 / { }", "x / y == 2"),
        ("/x / 1000 > y/ { }", "x / 1000 > y"),
        (
            "/(this->ms = (a - b) / 1000000) > MIN_MS/ { }",
            "(this->ms = (a - b) / 1000000) > MIN_MS",
        ),
        ("/!x/{}", "!x"),
        ("/! pending[pid]/{}", "!pending[pid]"),
        ("/++x >= 5/\n{ }", "++x >= 5"),
        ("/--tick == 0/\n{ }", "--tick == 0"),
        ("/ *p/ { }", "*p"),
        ("/x / *p/ { }", "x / *p"),
        ("/x/ /* why */ { }", "x"),
        ("/x//* why */ { }", "x"),
        ("/x/ // why\n { }", "x"),
        ("/x/ < y(); >", "x"),
        ("/x/", "x"),
        ("/x/;", "x"),
        ("/this->start = start_time[arg0]/ { }", "this->start = start_time[arg0]"),
        ("/a[x / 2] / (b / c)/ { }", "a[x / 2] / (b / c)"),
        ("/a ? b / c : d/ { }", "a ? b / c : d"),
        ("/a?b/c:d/{}", "a ? b / c : d"),
        ("/x /= 2/ { }", "x /= 2"),
        ("/x <= 0 /\n{ }", "x <= 0"),
        ('/execname == "a/b"/ { }', 'execname == "a/b"'),
        ("/a < b && c > d/ { }", "a < b && c > d"),
    ],
)
def test_predicates(text: str, expected: str) -> None:
    (clause,) = clauses("syscall:::entry " + text)
    assert clause.predicate is not None
    assert print_expression(clause.predicate) == expected


@pytest.mark.parametrize(
    "second",
    ["syscall:::return { }", "BEGIN { }", "tick-1s\n{ }", ":::END /y/ { }", "a:b:c:d, END { }"],
)
def test_a_clause_may_follow_a_predicate(second: str) -> None:
    first, last = clauses(f"read:entry /x / 2/ {second}")
    assert first.predicate is not None and print_expression(first.predicate) == "x / 2"
    assert first.body is None and last.body == ()


def statements(text: str) -> list[str]:
    (clause,) = clauses(text)
    assert clause.body is not None
    return [_statement(s) for s in clause.body]


def _statement(node: ast.Stmt) -> str:
    if isinstance(node, ast.If):
        parts = [" ".join(map(_statement, branch)) for branch in (node.then, node.otherwise)]
        return f"if {print_expression(node.condition)} [{parts[0]}] [{parts[1]}]"
    assert isinstance(node, ast.ExprStmt)
    return print_expression(node.expr)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("{ }", []),
        ("{ ; ; }", []),
        ("{ a(); b(); }", ["a()", "b()"]),
        ("{ a(); b() }", ["a()", "b()"]),
        ("< a(); >", ["a()"]),
        ("< @[execname] = count(); >", ["@[execname] = count()"]),
        ("< a() >", ["a()"]),
        ("< x = a > b; y = c >> 2; >", ["x = a > b", "y = c >> 2"]),
        ("< if (x > y) { z(); } >", ["if x > y [z()] []"]),
        ("< >", []),
        ("{ if (a) b(); }", ["if a [b()] []"]),
        ("{ if (a) b() }", ["if a [b()] []"]),
        ("{ if (a) { b(); c() } else d(); e(); }", ["if a [b() c()] [d()]", "e()"]),
        ("{ if (a) b(); else if (c) d(); else e() }", ["if a [b()] [if c [d()] [e()]]"]),
        ("{ if (a) if (b) c(); else d(); }", ["if a [if b [c()] [d()]] []"]),
        ("{ if (a) { if (b) c(); } else d(); }", ["if a [if b [c()] []] [d()]"]),
        ("{ if (a) ; else { } }", ["if a [] []"]),
        ("{ if (a) b = 1; if (c) d = 2 }", ["if a [b = 1] []", "if c [d = 2] []"]),
        ("{ if ((foo)x) y(); }", ["if (foo)x [y()] []"]),
        ('{ a(); /* } */ b("}"); // }\n c(); }', ["a()", 'b("}")', "c()"]),
        ("{ x ? a() : b(); }", ["x ? a() : b()"]),
    ],
)
def test_bodies(body: str, expected: list[str]) -> None:
    assert statements("BEGIN " + body) == expected


def test_angle_bodies_may_be_followed_by_clauses() -> None:
    text = "BEGIN < a(); > tick-1s /x > 1/ < b(); > END { c(); }"
    assert [probes(c) for c in clauses(text)] == [[":::BEGIN"], [":::tick-1s"], [":::END"]]


def test_several_clauses_on_a_line() -> None:
    assert len(clauses("BEGIN { a() } tick-1s { b(); } END{}")) == 3


# ------------------------------------------------------------------------ declarations


@pytest.mark.parametrize(
    ("text", "storage", "name", "type_"),
    [
        ("int x;", "", "x", "int"),
        ("unsigned long long x;", "", "x", "unsigned long long"),
        ("self int ts;", "self", "ts", "int"),
        ("this char *buf;", "this", "buf", "char *"),
        ("self uint64_t ts;", "self", "ts", "uint64_t"),
        ("foo x;", "", "x", "foo"),
        ("foo *x;", "", "x", "foo *"),
        ("foo_t*x;", "", "x", "foo_t *"),
        ("int*x;", "", "x", "int *"),
        ("const char *const *x;", "", "x", "const char *const *"),
        ("struct foo x;", "", "x", "struct foo"),
        ("struct foo;", "", "", "struct foo"),
        ("string x;", "", "x", "string"),
        ("string x[uchar_t];", "", "x", "string [uchar_t]"),
        ("self int last[dev_t];", "self", "last", "int [dev_t]"),
        ("int x[int, string];", "", "x", "int [int, string]"),
        ("int x[nge *];", "", "x", "int [nge *]"),
        ("int x[foo, bar];", "", "x", "int [foo, bar]"),
        ("int x[struct foo *];", "", "x", "int [struct foo *]"),
        ("char x[16];", "", "x", "char [16]"),
        ("char x[MAX];", "", "x", "char [MAX]"),
        ("char x[MAX * 2];", "", "x", "char [MAX * 2]"),
        ("char x[sizeof (int)];", "", "x", "char [sizeof (int)]"),
        ("char x[];", "", "x", "char []"),
        ("int x[2][3];", "", "x", "int [2][3]"),
        ("int (*x[3])(char);", "", "x", "int (*[3])(char)"),
        ("int (*x)(int, foo_t *);", "", "x", "int (*)(int, foo_t *)"),
        ("extern int f(void);", "extern", "f", "int ()"),
        ("extern int f(const char *s, ...);", "extern", "f", "int (const char *s, ...)"),
        ("typedef struct foo foo_t;", "typedef", "foo_t", "struct foo"),
        ("typedef struct foo { int a; } *foo;", "typedef", "foo", "struct foo { int a; } *"),
        ("kernel`foo x;", "", "x", "kernel`foo"),
        ("struct ext4`foo *x;", "", "x", "struct ext4`foo *"),
        ("int size_t;", "", "size_t", "int"),
        ("int x = (foo_t)3;", "", "x", "int"),
        ("enum tag { A, B = 2, C, };", "", "", "enum tag { A, B = 2, C }"),
        ("enum { A = sizeof (foo_t) } x;", "", "x", "enum { A = sizeof (foo_t) }"),
        (
            "struct s { int a : 3, b : 4; unsigned : 0; char c[4]; struct { int d; }; foo e; };",
            "",
            "",
            "struct s { int a : 3; int b : 4; unsigned : 0; char c[4]; struct { int d; }; foo e; }",
        ),
        ("union u { foo *a; int (*f)(bar b); };", "", "", "union u { foo *a; int (*f)(bar b); }"),
    ],
)
def test_declarations(text: str, storage: str, name: str, type_: str) -> None:
    (item,) = items(text)
    assert isinstance(item, ast.Declaration)
    assert (item.storage, item.name) == (storage, name)
    assert " ".join(print_type(item.type).split()) == type_


def test_derivations_are_read_from_the_inside_out() -> None:
    (item,) = items("int (*f[3])(char);")
    assert isinstance(item, ast.Declaration)
    kinds = [type(d).__name__ for d in item.type.derivations]
    assert kinds == ["ArrayOf", "PointerTo", "FunctionOf"]


def test_pointer_qualifiers_belong_to_their_star() -> None:
    (item,) = items("int *const *p;")
    assert isinstance(item, ast.Declaration)
    assert item.type.derivations == (ast.PointerTo(), ast.PointerTo(qualifiers=("const",)))


def test_declarators_become_items() -> None:
    found = items("int a, *b, c[2];")
    assert [i.name for i in found if isinstance(i, ast.Declaration)] == ["a", "b", "c"]


def test_a_tag_may_name_a_variable_too() -> None:
    first, second = items("enum runstate { READ }; tick-1s { runstate = READ; }")
    assert isinstance(first, ast.Declaration)
    assert isinstance(second, ast.Clause) and second.body


def test_inlines() -> None:
    constant, function, text = items(
        "inline int MAX = 1 + 2; inline string name[int x, foo_t *y] = y->n;"
        ' inline string NAME = "x" ;'
    )
    assert isinstance(constant, ast.Inline) and constant.params is None
    assert print_expression(constant.value) == "1 + 2"
    assert isinstance(function, ast.Inline) and function.params is not None
    assert [(print_type(t), n) for t, n in function.params] == [("int", "x"), ("foo_t *", "y")]
    assert print_type(function.type) == "string"
    assert isinstance(text, ast.Inline) and text.name == "NAME"


def test_translators() -> None:
    (item,) = items("translator psinfo < struct proc *P > { pr_pid = P->pid; pr_x = (foo_t)P; };")
    assert isinstance(item, ast.Translator)
    assert print_type(item.output) == "psinfo"
    assert print_type(item.input) == "struct proc *"
    assert item.parameter == "P"
    assert [(m.name, print_expression(m.value)) for m in item.members] == [
        ("pr_pid", "P->pid"),
        ("pr_x", "(foo_t)P"),
    ]


def test_translator_of_a_plain_type() -> None:
    (item,) = items('translator struct vtype2str < int T > { code = T == 1 ? "a" : "b"; };')
    assert isinstance(item, ast.Translator)
    assert (print_type(item.output), print_type(item.input)) == ("struct vtype2str", "int")


def test_providers() -> None:
    (item,) = items(
        "provider io { probe start(struct buf *b) : (bufinfo_t *b, int n); probe wait__done(); };"
    )
    assert isinstance(item, ast.ProviderDef)
    start, done = item.probes
    assert (start.name, len(start.native), start.native[0][1]) == ("start", 1, "b")
    assert start.translated is not None and print_type(start.translated[0][0]) == "bufinfo_t *"
    assert (done.name, done.native, done.translated) == ("wait__done", (), None)


# -------------------------------------------------------------------------- directives


@pytest.mark.parametrize(
    ("text", "kind", "words"),
    [
        ("#pragma D option quiet", "D", ("option", "quiet")),
        (" #pragma D option bufsize=4m", "D", ("option", "bufsize=4m")),
        ("# pragma D option quiet /* why */", "D", ("option", "quiet")),
        ("#pragma D attributes Evolving/Common/ISA provider syscall provider", "D",
         ("attributes", "Evolving/Common/ISA", "provider", "syscall", "provider")),
        ('#pragma D binding "1.0" NULL', "D", ("binding", '"1.0"', "NULL")),
        ("#pragma D depends_on \\\n library procfs.d", "D", ("depends_on", "library", "procfs.d")),
        ('#pragma ident "@(#)x.d 1.1"', "ident", ('"@(#)x.d 1.1"',)),
        ('#ident "x"', "ident", ('"x"',)),
        ("#pragma once", "other", ("once",)),
        ("#error not for you", "error", ("not", "for", "you")),
        ("#pragma error not for you", "error", ("not", "for", "you")),
        ("#pragma D error no", "error", ("no",)),
        ("#pragma D ident", "ident", ()),
        ("#line", "line", ()),
        ("#line x", "line", ("x",)),
        ("#pragma line x", "line", ("x",)),
    ],
)  # fmt: skip
def test_directives(text: str, kind: str, words: tuple[str, ...]) -> None:
    (item,) = items(f"{text}\n")
    assert isinstance(item, ast.Pragma)
    assert (item.kind, item.words) == (kind, words)


def test_directives_stay_in_order() -> None:
    found = items("#pragma D option a\nint x;\n#pragma D option b\nBEGIN\n{\n}\n#pragma D option c")
    assert [type(item).__name__ for item in found] == [
        "Pragma", "Declaration", "Pragma", "Clause", "Pragma"
    ]  # fmt: skip


def test_interpreter_line_is_skipped() -> None:
    (clause,) = clauses("#! /usr/sbin/dtrace -s\nBEGIN { }")
    assert clause.span.position.line == 2


def test_line_marks_in_the_middle_of_a_clause() -> None:
    (clause,) = clauses('# 1 "x.d"\nBEGIN\n{\n\ta();\n# 40 "y.h" 2\n\tb();\n#line 7\n\tc();\n}\n')
    assert clause.body is not None
    places = [(s.span.position.file, s.span.position.line) for s in clause.body]
    assert places == [("x.d", 3), ("y.h", 40), ("y.h", 7)]


def test_line_marks_in_comments_and_strings_do_not_count() -> None:
    source = Source("x.d", '/*\n# 40 "y.h"\n*/\nBEGIN { }')
    assert source.line_marks == ()


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("#define X 1\n", "D_PRAGCTL_INVAL"),
        ("#include <sys/types.h>\n", "D_PRAGCTL_INVAL"),
        ("#pragma D\n", "D_PRAGMA_MALFORM"),
    ],
)
def test_bad_directives(text: str, tag: str) -> None:
    assert error(text).tag == tag


# ------------------------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ('printf("x");', 'syntax error near "("', "BEGIN { printf(…); }"),
        ("BEGIN { x = 1", "syntax error near end of input", "} is missing"),
        ("BEGIN { x = 1 y = 2; }", 'syntax error near "y"', '; may be missing after "1"'),
        ("int x", "syntax error near end of input", "; is missing"),
        ("{ x(); }", 'syntax error near "{"', "begins with a probe description"),
        ("/x/ { }", 'syntax error near "/"', "begins with a probe description"),
        ("BEGIN { for (;;) ; }", 'syntax error near "for"', "no loops"),
        ("BEGIN { int x; }", 'syntax error near "int"', "declared outside"),
        ("BEGIN { f(1; }", 'syntax error near ";"', ") is missing"),
        ("x = 1;", 'syntax error near "="', "braces of a clause"),
        ("self->x = 1;", "syntax error near", "braces of a clause"),
        ("BEGIN /x { }", 'syntax error near "{"', "predicate"),
        ("BEGIN { /* x", "end-of-file encountered before matching */", ""),
        ("/* a /* b */", "/* encountered inside a comment", ""),
        ("short string struct x y;", "invalid type combination", ""),
        ("self this int x;", "only one storage class", ""),
        ("const x", "", ""),
        ("BEGIN { x(); // }", "syntax error near end of input", "} is missing"),
        ("BEGIN { a[1; }", 'syntax error near ";"', "] is missing"),
        ("BEGIN { f(a b); }", 'syntax error near "b"', ', or an operator may be missing after "a"'),
        ("BEGIN /x/ y", "syntax error near end of input", "/ is missing"),
        ("struct s { int x };", 'syntax error near "}"', "ends with ;"),
        ('BEGIN { x = "a }', "end-of-file encountered before matching", ""),
    ],
)
def test_messages(text: str, message: str, hint: str) -> None:
    diagnostic: Any = error(text)
    assert message in diagnostic.message
    assert hint in (diagnostic.hint or "")


def test_rendering_shows_line_and_caret() -> None:
    diagnostic = error("BEGIN\n{\n\tx = ;\n}\n")
    assert diagnostic.render(errtags=True).splitlines()[:3] == [
        'dscript: failed to compile script test.d: [D_SYNTAX] line 3: syntax error near ";"',
        "          x = ;",
        "              ^",
    ]


def test_printed_items_show_the_program() -> None:
    (item,) = items("syscall::read:entry,BEGIN/pid==1/{if(a){b()}else if(c)d();@x[1,2]=sum(3)}")
    assert print_item(item) == (
        "syscall::read:entry,\nBEGIN\n/pid == 1/\n{\n\tif (a) {\n\t\tb();\n\t} else if (c) {\n"
        "\t\td();\n\t}\n\t@x[1, 2] = sum(3);\n}"
    )
