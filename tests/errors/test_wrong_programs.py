"""Wrong programs: what is said about each, under which tag, and where the caret stands.

The part of a program between « and » is what the caret line must underline.
"""

from __future__ import annotations

import pytest

from dscript.errors import Diagnostic
from dscript.pipeline import compile_program
from dscript.request import CompileRequest, Piece
from dscript.source import Source

Row = tuple[str, str, str] | tuple[str, str, str, str]  # text, tag, message part, hint part

PROBES: list[Row] = [
    ("«syscall::nonesuch:entry» { }", "D_PDESC_ZERO", "does not match any probes"),
    ("«syscal:::entry» { }", "D_PDESC_ZERO", "syscal:::entry", "syscall:::entry"),
    ("«syscall::opne:entry» { }", "D_PDESC_ZERO", "does not match", "syscall::open:entry"),
    ("BEGIN, «nonesuch:::» { }", "D_PDESC_ZERO", "nonesuch:::"),
    ("«syscall:::enter» { }", "D_PDESC_ZERO", "does not match", "entry"),
    ("«tick-0» { }", "D_PDESC_ZERO", ""),
    ("«tick-5parsecs» { }", "D_PDESC_ZERO", ""),
    ("«a:b:c:d:e» { }", "D_PDESC_INVAL", ""),
    ("«syscall::$nonesuch:entry» { }", "D_MACRO_UNDEF", "$nonesuch"),
]

NAMES: list[Row] = [
    ("BEGIN { trace(«nonesuch»); }", "D_IDENT_UNDEF", "failed to resolve nonesuch"),
    ("BEGIN { trace(«execnme»); }", "D_IDENT_UNDEF", "execnme", "did you mean execname?"),
    ("BEGIN { trace(«comm»); }", "D_IDENT_UNDEF", "comm", "in D that is execname"),
    ("BEGIN { trace(«nsecs»); }", "D_IDENT_UNDEF", "nsecs", "in D that is timestamp"),
    ("BEGIN { trace(«sel»->x); }", "D_IDENT_UNDEF", "sel", "did you mean self?"),
    ("BEGIN { counter = 1; trace(«conuter»); }", "D_IDENT_UNDEF", "", "did you mean counter?"),
    ("BEGIN { trace(«self->x»); }", "D_VAR_UNDEF", "self->x has not yet been declared"),
    ("BEGIN { self->start = 1; trace(«self->strat»); }", "D_VAR_UNDEF", "", "start?"),
    ("BEGIN { trace(«this->x»); }", "D_VAR_UNDEF", "this->x"),
    ("BEGIN { trace(«`nonesuch_symbol»); }", "D_IDENT_UNDEF", "Unknown symbol name"),
    ("BEGIN { trace(«vmregs[0]»); }", "D_IDENT_UNDEF", "vmregs"),
    ('BEGIN { «prinft("x")»; }', "D_FUNC_UNDEF", "prinft", "did you mean printf?"),
    ("BEGIN { «hist(1)»; }", "D_FUNC_UNDEF", "hist", "in D that is quantize()"),
    ("BEGIN { «panic()»; }", "D_DESTRUCTIVE", "panic", "permit them with -w"),
    ("BEGIN { trace(«nonesuch(1)»); }", "D_FUNC_UNDEF", "undefined function name: nonesuch"),
    ("BEGIN { printa(«@nonesuch»); }", "D_PRINTA_AGGBAD", "@nonesuch"),
    ("BEGIN { @calls = count(); clear(«@cals»); }", "D_CLEAR_AGGBAD", "@cals", "@calls?"),
    ("BEGIN { trunc(«@nonesuch»); }", "D_TRUNC_AGGBAD", "@nonesuch"),
    ("BEGIN { normalize(«@nonesuch», 1); }", "D_NORMALIZE_AGGBAD", "@nonesuch"),
    ("BEGIN { denormalize(«@nonesuch»); }", "D_DENORMALIZE_AGGBAD", "@nonesuch"),
    ("BEGIN { trace(«$nonesuch»); }", "D_MACRO_UNDEF", "macro variable $nonesuch"),
    ("BEGIN { trace(«$1»); }", "D_MACRO_UNDEF", "macro argument $1 is not defined"),
    ("BEGIN { trace(«$$2»); }", "D_MACRO_UNDEF", "$2"),
    ("BEGIN { trace(«$target»); }", "D_MACRO_UNDEF", "$target", "-c COMMAND"),
]

TYPES: list[Row] = [
    ("«nonesuch_t» x;", "D_SYNTAX", "failed to resolve type nonesuch_t"),
    ("«uint23_t» x;", "D_SYNTAX", "uint23_t", "did you mean uint32_t?"),
    ("BEGIN { trace((«nonesuch_t»)1); }", "D_SYNTAX", "nonesuch_t"),
    ("BEGIN { trace(«sizeof (struct nonesuch)»); }", "D_SIZEOF_TYPE", "struct nonesuch"),
    ("BEGIN { trace(«curthread->nonesuch»); }", "D_TYPE_MEMBER", "nonesuch"),
    ("BEGIN { trace(«curthread->tgdi»); }", "D_TYPE_MEMBER", "tgdi", "did you mean tgid?"),
    ("BEGIN { trace(«curthread.pid»); }", "D_OP_SOU", "operator .", "use -> on a pointer"),
    ("BEGIN { trace(«pid->x»); }", "D_OP_PTR", "operator ->", "pid_t"),
    ("BEGIN { trace(«execname.x»); }", "D_OP_SOU", "operator .", "string"),
    ("BEGIN { trace(«*pid»); }", "D_DEREF_NONPTR", "cannot dereference"),
    ("BEGIN { trace(«*(void *)arg0»); }", "D_DEREF_VOID", "pointer to void"),
    ("BEGIN { trace(«&1»); }", "D_ADDROF_LVAL", "lvalue"),
    ("BEGIN { x = 1; trace(«&x»); }", "D_ADDROF_VAR", "dynamic variable"),
    ("BEGIN { trace(«sizeof (void)»); }", "D_SIZEOF_TYPE", "void"),
    ("BEGIN { trace(«sizeof @a»); }", "D_SIZEOF_TYPE", "aggregation"),
    ("struct s { int a; }; BEGIN { trace(«offsetof(struct s, b)»); }", "D_TYPE_MEMBER", "b"),
    ("BEGIN { trace(«offsetof(int, b)»); }", "D_OFFSETOF_TYPE", "int"),
    (
        "struct s { int a:3; }; BEGIN { trace(«offsetof(struct s, a)»); }",
        "D_OFFSETOF_BITFIELD",
        "bit-field",
    ),
    ("int a[4]; BEGIN { trace(«a[7]»); }", "D_ARR_BOUNDS", "index outside array bounds: 7"),
    ("«struct nowhere x»;", "D_DECL_INCOMPLETE", "incomplete"),
    ("«void x»;", "D_DECL_VOIDOBJ", "void"),
    ("int x; «string x»;", "D_DECL_IDRED", "identifier redeclared: x"),
    ("typedef int a_t; «typedef string a_t»;", "D_DECL_TYPERED", "typedef redeclared"),
    ("«this int x[int]»;", "D_DECL_LOCASSC", "clause-local associative array"),
    ("BEGIN { trace(«(struct s { int a; })1»); }", "D_CAST_INVAL", ""),
]

OPERATORS: list[Row] = [
    ("BEGIN { trace(«1 + execname»); }", "D_OP_INCOMPAT", ""),
    ("BEGIN { trace(«execname - 1»); }", "D_OP_INCOMPAT", ""),
    ("BEGIN { trace(«execname == 1»); }", "D_OP_INCOMPAT", ""),
    ("BEGIN { trace(«1 / 0»); }", "D_DIV_ZERO", "division by zero"),
    ("BEGIN { trace(«1 % 0»); }", "D_DIV_ZERO", "division by zero"),
    ("BEGIN { trace(~«execname»); }", "D_OP_INT", "operator ~"),
    ("BEGIN { trace(«curthread» | 1); }", "D_OP_INT", "operator |"),
    ("BEGIN { «1» = 2; }", "D_OP_LVAL", "modifiable lvalue"),
    ("BEGIN { «pid» = 2; }", "D_OP_WRITE", "pid"),
    ("BEGIN { «pid»++; }", "D_OP_WRITE", "operator ++"),
    ('BEGIN { s = "a"; «s++»; }', "D_OP_SCALAR", "operator ++"),
    ('BEGIN { x = "a"; «x = 1»; }', "D_OP_INCOMPAT", ""),
    ('BEGIN { x = 1; «x = "a"»; }', "D_OP_INCOMPAT", ""),
    ('BEGIN { a[1] = 1; a[«"x"»] = 2; }', "D_PROTO_ARG", "key #1"),
    ("BEGIN { a[1] = 1; «a[1, 2]» = 2; }", "D_PROTO_LEN", "2 keys passed, 1 expected"),
    ("BEGIN { a[1] = 1; trace(«a»); }", "D_IDENT_BADREF", "it needs a key"),
    ("BEGIN { trace(«1 ? 2 : execname»); }", "D_OP_INCOMPAT", ""),
    ("BEGIN { trace(«9999999999999999999999»); }", "D_INT_OFLOW", "cannot be represented"),
    ("BEGIN { trace(«089»); }", "D_INT_DIGIT", ""),
    ("inline int l = 1; BEGIN { «l» = 2; }", "D_OP_LVAL", "modifiable lvalue"),
    ("inline int f[int a] = a; BEGIN { trace(«f[1, 2]»); }", "D_PROTO_LEN", "2 args passed"),
    ("inline int f[int a] = a; BEGIN { trace(«f»); }", "D_PROTO_LEN", "needs parameters"),
    ("inline int f = «f»;", "D_IDENT_UNDEF", "f"),
    ('BEGIN /«printf("x")»/ { }', "D_PRED_SCALAR", ""),
    ('BEGIN { x = «printf("x")»; }', "D_OP_INCOMPAT", ""),
    ("BEGIN { trace(«xlate <struct task_struct> (1)»); }", "D_XLATE_NONE", "cannot translate from"),
]

CALLS: list[Row] = [
    ("BEGIN { trace(«strlen()»); }", "D_PROTO_LEN", "0 args passed, 1 expected"),
    ('BEGIN { trace(«strlen("a", 2)»); }', "D_PROTO_LEN", "2 args passed, 1 expected"),
    ("BEGIN { trace(strlen(«1»)); }", "D_PROTO_ARG", "argument #1"),
    ('BEGIN { trace(strjoin("a", «pid»)); }', "D_PROTO_ARG", "argument #2"),
    ("BEGIN { trace(substr(«pid», 1)); }", "D_PROTO_ARG", "argument #1"),
    ('BEGIN { trace(«substr("a")»); }', "D_PROTO_LEN", "1 arg passed, 2 to 3 expected"),
    ("BEGIN { «trace()»; }", "D_PROTO_LEN", "trace"),
    ("BEGIN { «exit()»; }", "D_PROTO_LEN", "exit"),
    ('BEGIN { exit(«"x"»); }', "D_PROTO_ARG", "argument #1"),
    ("BEGIN { «printf()»; }", "D_PROTO_LEN", "printf"),
    ("BEGIN { printf(«1»); }", "D_PRINTF_ARG_FMT", ""),
    ('BEGIN { «printf("%d")»; }', "D_PRINTF_ARG_PROTO", ""),
    ('BEGIN { printf("%d", 1, «2»); }', "D_PRINTF_ARG_EXTRA", ""),
    ('BEGIN { printf("%d", «execname»); }', "D_PRINTF_ARG_TYPE", "conversion: %d"),
    ('BEGIN { printf("%s", «pid»); }', "D_PRINTF_ARG_TYPE", "conversion: %s"),
    ('BEGIN { printf(«"%q"», 1); }', "D_SYNTAX", "%q"),
    ('BEGIN { «printf("%@d", 1)»; }', "D_PRINTF_AGG_CONV", ""),
    ('BEGIN { printf("%*d", «"a"», 1); }', "D_PRINTF_DYN_TYPE", ""),
    ('BEGIN { @a = count(); printf("%d", «@a»); }', "D_PRINTF_AGG_CONV", "", "printa"),
    ("BEGIN { @a = count(); «trace(@a)»; }", "D_TRACE_AGG", "", "print one with printa( )"),
    ("BEGIN { «stack(1, 2)»; }", "D_STACK_PROTO", "stack"),
    ("BEGIN { stack(«-1»); }", "D_STACK_SIZE", ""),
    ('BEGIN { ustack(«"x"»); }', "D_USTACK_FRAMES", ""),
    ("BEGIN { tracemem(curthread, «pid»); }", "D_TRACEMEM_SIZE", ""),
    ("BEGIN { «count()»; }", "D_FUNC_IDKIND", "aggregating", "write @name[keys] = count(…)"),
    ("BEGIN { x = «trace(1)»; }", "D_OP_INCOMPAT", ""),
    ('BEGIN { «system("x")»; }', "D_DESTRUCTIVE", "destructive", "-w"),
]

AGGREGATIONS: list[Row] = [
    ("BEGIN { @a = «conut()»; }", "D_FUNC_UNDEF", "undefined function name: conut", "count?"),
    ("BEGIN { «@a = 1»; }", "D_AGG_FUNC", ""),
    ('BEGIN { @a = «strlen("a")»; }', "D_AGG_FUNC", "aggregating function"),
    ("BEGIN { «@a += count()»; }", "D_OP_LVAL", "", "write @a = count()"),
    ("BEGIN { @a = «count(1)»; }", "D_PROTO_LEN", "count"),
    ("BEGIN { @a = «sum()»; }", "D_PROTO_LEN", "sum"),
    ("BEGIN { @a = sum(«execname»); }", "D_AGG_SCALAR", "argument #1"),
    ("BEGIN { @a = count(); «@a» = sum(1); }", "D_AGG_REDEF", "@a"),
    ("BEGIN { @a[1] = count(); «@a[1, 2]» = count(); }", "D_PROTO_LEN", "2 keys"),
    ('BEGIN { @a[1] = count(); @a[«"x"»] = count(); }', "D_PROTO_ARG", "key #1"),
    ("BEGIN { @a = lquantize(1, «pid», 10, 1); }", "D_LQUANT_BASETYPE", ""),
    ("BEGIN { @a = lquantize(1, 0, «pid», 1); }", "D_LQUANT_LIMTYPE", ""),
    ("BEGIN { @a = «lquantize(1, 10, 0, 1)»; }", "D_LQUANT_MISMATCH", ""),
    ("BEGIN { @a = «lquantize(1, 0, 10, 0)»; }", "D_LQUANT_STEPVAL", ""),
    ("BEGIN { @a = «llquantize(1, 10, 0, 6, 7)»; }", "D_LLQUANT_FACTORNSTEPS", ""),
    ("BEGIN { «trace(@a)»; }", "D_TRACE_AGG", "", "print one with printa( )"),
    ("BEGIN { x = «@a»; }", "D_OP_DYN", "aggregation"),
    ("BEGIN { «@a++»; }", "D_OP_LVAL", "operator ++"),
    ('BEGIN { @a = count(); trunc(@a, «"x"»); }', "D_TRUNC_SCALAR", ""),
    ('BEGIN { @a = count(); printa(«"%d"», @a); }', "D_PRINTF_ARG_PROTO", ""),
    ("BEGIN { @a[1] = count(); @b = count(); printa(@a, «@b»); }", "D_PRINTA_AGGKEY", ""),
    ('BEGIN { speculate(«"x"»); }', "D_PROTO_ARG", ""),
    ("BEGIN { trace(1); «speculate(1)»; }", "D_SPEC_DREC", ""),
    ("BEGIN { speculate(1); «exit(0)»; }", "D_EXIT_SPEC", "exit"),
    ("BEGIN { speculate(1); «@a = count()»; }", "D_AGG_SPEC", ""),
]

SYNTAX: list[Row] = [
    ("BEGIN { trace(1)", "D_SYNTAX", ""),
    ("BEGIN { trace(1; }", "D_SYNTAX", ""),
    ("BEGIN { trace 1; }", "D_SYNTAX", ""),
    ("BEGIN { x = ; }", "D_SYNTAX", ""),
    ("BEGIN { if (1 { } }", "D_SYNTAX", ""),
    ("BEGIN { else { } }", "D_SYNTAX", ""),
    ("BEGIN { «for» (;;) { } }", "D_SYNTAX", "for", "D has no loops"),
    ("BEGIN { «while» (1) { } }", "D_SYNTAX", "while", "D has no loops"),
    ("BEGIN /1 «{» }", "D_SYNTAX", "", "predicate opened on line 1 is not closed"),
    ("BEGIN { «/*» trace(1); }", "D_SYNTAX", "end-of-file encountered before matching */"),
    ('BEGIN { trace(«"abc»\n); }', "D_STR_NL", "newline"),
    ('BEGIN { trace(«"abc); }»', "D_SYNTAX", "before matching"),
    ("BEGIN { trace(«'a»\n); }", "D_CHR_NL", ""),
    ("BEGIN { trace(«''»); }", "D_CHR_NULL", ""),
    ("BEGIN { trace(«\0»); }", "D_SYNTAX", ""),
    ("BEGIN { trace(«é»); }", "D_SYNTAX", ""),
    ("BEGIN { trace(«#»); }", "D_SYNTAX", ""),
    ("BEGIN { return 1; }", "D_SYNTAX", ""),
    ("}", "D_SYNTAX", ""),
    ("BEGIN { }}", "D_SYNTAX", ""),
    ("inline int x;", "D_SYNTAX", ""),
    ("int;x", "D_DECL_USELESS", ""),
    ("«unsigned string» x;", "D_DECL_SIGNINT", ""),
    ("«#pragma D option nonesuch»\n", "D_PRAGMA_OPTSET", "nonesuch"),
    ("«#pragma D option strsize=x»\n", "D_PRAGMA_OPTSET", "strsize"),
    ("«#pragma D option»\n", "D_PRAGMA_MALFORM", ""),
    ("«#pragma D nonesuch x»\n", "D_PRAGMA_INVAL", "nonesuch"),
    ("«#error out of order»\n", "D_PRAGERR", "out of order"),
    ("«provider x1 { probe y(); }»;", "D_PROV_BADNAME", "x1"),
    ("BEGIN { trace(" + "-" * 5001 + "1); }", "D_SYNTAX", ""),
    ("BEGIN { " + "if (1) { " * 3000 + "}" * 3000 + " }", "D_SYNTAX", "deep"),
]

TABLES = {
    "probes": PROBES,
    "names": NAMES,
    "types": TYPES,
    "operators": OPERATORS,
    "calls": CALLS,
    "aggregations": AGGREGATIONS,
    "syntax": SYNTAX,
}
ROWS = [
    pytest.param(row, id=f"{name}-{number}")
    for name, table in TABLES.items()
    for number, row in enumerate(table)
]


def wrong(marked: str) -> tuple[Diagnostic, str]:
    """What is said about the program, and the text it was said about."""
    text = marked.replace("«", "").replace("»", "")
    request = CompileRequest(pieces=(Piece("s", Source("wrong.d", text)),))
    with pytest.raises(Diagnostic) as caught:
        compile_program(request)
    return caught.value, text


def test_there_are_enough() -> None:
    assert len(ROWS) >= 100


@pytest.mark.parametrize("row", ROWS)
def test_wrong_program(row: Row) -> None:
    marked, tag, part = row[:3]
    error, text = wrong(marked)
    shown = error.render(errtags=True)
    assert error.tag == tag, shown
    assert part in error.message, shown
    assert error.span is not None
    if "«" in marked:
        start = marked.index("«")
        end = marked.index("»") - 1
        assert text[error.span.start : error.span.end] == text[start:end], shown
    if len(row) == 4:
        assert error.hint is not None, shown
        assert row[3] in error.hint


@pytest.mark.parametrize("row", [row for table in TABLES.values() for row in table[:3]])
def test_message_shows_place_tag_and_caret(row: Row) -> None:
    marked, tag = row[:2]
    error, text = wrong("\n\n\t" + marked)
    lines = error.render(errtags=True).split("\n")
    assert lines[0].startswith(f"dscript: failed to compile script wrong.d: [{tag}] line 3: ")
    assert lines[0].endswith(error.message.split("\n")[0])
    after = 1 + error.message.count("\n")
    assert lines[after] == "  " + " " * 8 + text.split("\n")[2][1:]
    assert error.span is not None
    column = error.span.start - text.rindex("\n", 0, error.span.start) - 2  # after the tab
    assert lines[after + 1].startswith("  " + " " * (8 + column) + "^")
    assert set(lines[after + 1].strip()) == {"^"}
    assert f"[{tag}]" not in error.render()
