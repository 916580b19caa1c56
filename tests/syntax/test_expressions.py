"""Expressions: precedence, operands, casts and constants, one case a line."""

from __future__ import annotations

import pytest

from dscript.errors import Diagnostic
from dscript.source import Source
from dscript.syntax import ast
from dscript.syntax.parser import parse
from dscript.syntax.printer import print_type


def shape(node: ast.Expr) -> str:
    """An expression in prefix form, so that its structure can be written down by hand."""
    match node:
        case ast.Integer():
            return f"{node.value}{node.suffix}"
        case ast.Float() | ast.Character():
            return repr(node.value)
        case ast.String():
            return repr(node.value)[1:]
        case ast.Macro():
            return ("$$" if node.text else "$") + node.name
        case ast.Identifier():
            return node.name
        case ast.Scoped():
            return f"{node.scope}->{node.name}"
        case ast.External():
            return f"{node.module}`{node.name}"
        case ast.AggregationRef():
            keys = "" if node.keys is None else " " + " ".join(map(shape, node.keys))
            return f"(@{node.name}{keys})"
        case ast.Call():
            return f"({node.name}{''.join(' ' + shape(a) for a in node.args)})"
        case ast.Index():
            return f"([] {shape(node.base)} {' '.join(map(shape, node.indices))})"
        case ast.Member():
            return f"({'->' if node.arrow else '.'} {shape(node.base)} {node.name})"
        case ast.Unary():
            return f"({node.op} {shape(node.operand)})"
        case ast.Postfix():
            return f"(post{node.op} {shape(node.operand)})"
        case ast.Binary():
            return f"({node.op} {shape(node.left)} {shape(node.right)})"
        case ast.Assign():
            return f"({node.op} {shape(node.target)} {shape(node.value)})"
        case ast.Conditional():
            return f"(? {shape(node.condition)} {shape(node.then)} {shape(node.otherwise)})"
        case ast.Comma():
            return f"(, {' '.join(map(shape, node.items))})"
        case ast.Cast():
            return f"(cast {print_type(node.type)} {shape(node.operand)})"
        case ast.SizeofType():
            return f"(sizeof-type {print_type(node.type)})"
        case ast.SizeofExpr():
            return f"(sizeof {shape(node.operand)})"
        case ast.Offsetof():
            return f"(offsetof {print_type(node.type)} {'.'.join(node.path)})"
        case ast.Stringof():
            return f"(stringof {shape(node.operand)})"
        case ast.Xlate():
            return f"(xlate {print_type(node.type)} {shape(node.operand)})"
    raise AssertionError(node)


def expression(text: str) -> ast.Expr:
    program = parse(Source("test.d", f"BEGIN {{ {text}; }}"))
    (clause,) = program.items
    assert isinstance(clause, ast.Clause) and clause.body is not None
    (statement,) = clause.body
    assert isinstance(statement, ast.ExprStmt)
    return statement.expr


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # Precedence and associativity (manual, "Precedence").
        ("a + b * c", "(+ a (* b c))"),
        ("(a + b) * c", "(* (+ a b) c)"),
        ("a - b - c", "(- (- a b) c)"),
        ("a = b = c", "(= a (= b c))"),
        ("a || b ^^ c && d", "(|| a (^^ b (&& c d)))"),
        ("a | b ^ c & d", "(| a (^ b (& c d)))"),
        ("a & b == c < d << e + f % g", "(& a (== b (< c (<< d (+ e (% f g))))))"),
        ("a >> 1 >= b != 0", "(!= (>= (>> a 1) b) 0)"),
        ("a <= b > c", "(> (<= a b) c)"),
        ("x += y -= z", "(+= x (-= y z))"),
        ("x <<= 1, y ^= 2", "(, (<<= x 1) (^= y 2))"),
        ("a, b, c", "(, a b c)"),
        ("-a * ~b", "(* (- a) (~ b))"),
        ("!a == b", "(== (! a) b)"),
        ("*p++", "(* (post++ p))"),
        ("++*p", "(++ (* p))"),
        ("- -a", "(- (- a))"),
        ("a - --b", "(- a (-- b))"),
        ("&a->b", "(& (-> a b))"),
        ("a / b / c", "(/ (/ a b) c)"),
        # Conditionals.
        ("a ? b : c ? d : e", "(? a b (? c d e))"),
        ("a ? b ? c : d : e", "(? a (? b c d) e)"),
        ("a ? x = 1 : 0", "(? a (= x 1) 0)"),
        ("a ? @n[k] = count() : 1", "(? a (= (@n k) (count)) 1)"),
        ('$1 ? printf("a") : printf("b")', '(? $1 (printf "a") (printf "b"))'.replace('"', "'")),
        ("c ? a : b = 2", "(? c a (= b 2))"),
        # Operands.
        ("self->x", "self->x"),
        ("this->cpu", "this->cpu"),
        ("self->a[b]", "([] self->a b)"),
        ("self->count + this->string", "(+ self->count this->string)"),
        ("a->if", "(-> a if)"),
        ("x[a, b]", "([] x a b)"),
        ("@ = count()", "(= (@) (count))"),
        ("@a[1, x] = sum(2)", "(= (@a 1 x) (sum 2))"),
        ("@min = min(1)", "(= (@min) (min 1))"),
        ("`kmem_flags", "`kmem_flags"),
        ("ext4`stats->x", "(-> ext4`stats x)"),
        ("$target == $$1", "(== $target $$1)"),
        ("args[0]->b.c", "(. (-> ([] args 0) b) c)"),
        ('f("a" "b")', "(f 'ab')"),
        ("printf()", "(printf)"),
        ("f(a = 1, (b, c))", "(f (= a 1) (, b c))"),
        ("pending[pid, this->fd = 3]", "([] pending pid (= this->fd 3))"),
        # Casts, and what only looks like one.
        ("(int)x", "(cast int x)"),
        ("(unsigned long long)x + 1", "(+ (cast unsigned long long x) 1)"),
        ("(char *)arg0", "(cast char * arg0)"),
        ("(struct vnode **)arg0", "(cast struct vnode ** arg0)"),
        ("(*(struct vnode **)arg0)->v_path", "(-> (* (cast struct vnode ** arg0)) v_path)"),
        ("(vnode_t *)*this->vpp", "(cast vnode_t * (* this->vpp))"),
        ("(uint64_t)-1", "(cast uint64_t (- 1))"),
        ("(foo *)p", "(cast foo * p)"),
        ("(foo)p", "(cast foo p)"),
        ("(foo)(p)", "(cast foo p)"),
        ("(foo) - p", "(- foo p)"),
        ("(foo) & p", "(& foo p)"),
        ("(a) + 1", "(+ a 1)"),
        ("(a_t * 2)", "(* a_t 2)"),
        ("f(uid_t)", "(f uid_t)"),
        ("(int (*)(char))p", "(cast int (*)(char) p)"),
        ("(const foo)x", "(cast const foo x)"),
        ("(kernel`foo_t *)x", "(cast kernel`foo_t * x)"),
        ("(int)(short)x", "(cast int (cast short x))"),
        ("sizeof (int)", "(sizeof-type int)"),
        ("sizeof(struct stat)", "(sizeof-type struct stat)"),
        ("sizeof (foo_t)", "(sizeof-type foo_t)"),
        ("sizeof (x)", "(sizeof x)"),
        ("sizeof x->y", "(sizeof (-> x y))"),
        ("sizeof (int) * 2", "(* (sizeof-type int) 2)"),
        ("stringof(arg0)", "(stringof arg0)"),
        ("stringof arg0 == x", "(== (stringof arg0) x)"),
        ("(string)x", "(cast string x)"),
        ("offsetof(struct a, b.c)", "(offsetof struct a b.c)"),
        ("offsetof(foo, c)", "(offsetof foo c)"),
        ("xlate <psinfo_t>(x).pr_pid", "(. (xlate psinfo_t x) pr_pid)"),
        ("xlate <struct v2s *>(e)->code", "(-> (xlate struct v2s * e) code)"),
        ("xlate < foo * > (e)", "(xlate foo * e)"),
    ],
)
def test_structure(text: str, expected: str) -> None:
    assert shape(expression(text)) == expected


@pytest.mark.parametrize(
    ("text", "value", "suffix"),
    [
        ("0", 0, ""),
        ("42", 42, ""),
        ("0777", 0o777, ""),
        ("0xDeadBeef", 0xDEADBEEF, ""),
        ("10u", 10, "u"),
        ("10UL", 10, "ul"),
        ("10lu", 10, "ul"),
        ("1ll", 1, "ll"),
        ("0xffULL", 255, "ull"),
        ("18446744073709551615", 2**64 - 1, ""),
    ],
)
def test_integers(text: str, value: int, suffix: str) -> None:
    node = expression(text)
    assert isinstance(node, ast.Integer)
    assert (node.value, node.suffix) == (value, suffix)


def test_bases_are_told_apart() -> None:
    nodes = [expression(text) for text in ("10", "010", "0x10", "0")]
    assert [n.decimal for n in nodes if isinstance(n, ast.Integer)] == [True, False, False, True]


@pytest.mark.parametrize(
    ("text", "value"), [("1.5", 1.5), (".5", 0.5), ("1e3", 1000.0), ("2.", 2.0), ("1.5e-1f", 0.15)]
)
def test_floats(text: str, value: float) -> None:
    node = expression(text)
    assert isinstance(node, ast.Float) and node.value == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("'a'", 97),
        (r"'\0'", 0),
        (r"'\n'", 10),
        (r"'\''", 39),
        ("'\"'", 34),
        (r"'\\'", 92),
        (r"'\x41'", 0x41),
        (r"'\377'", 255),
        ("'ab'", 0x6162),
        ("'abcd'", 0x61626364),
        ("'abcdefgh'", 0x6162636465666768),
    ],
)
def test_characters(text: str, value: int) -> None:
    node = expression(text)
    assert isinstance(node, ast.Character) and node.value == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (r'"a\tb\n"', b"a\tb\n"),
        (r'"\a\b\f\v\r"', b"\a\b\f\v\r"),
        (r'"\033[0m\x1b"', b"\x1b[0m\x1b"),
        (r'"\"\\\?"', b'"\\?'),
        (r'"\1234"', b"S4"),
        ('"/* no comment */"', b"/* no comment */"),
        ('"é"', "é".encode()),
        ('""', b""),
    ],
)
def test_strings(text: str, value: bytes) -> None:
    node = expression(text)
    assert isinstance(node, ast.String) and node.value == value


def test_bytes_that_are_no_utf8_survive() -> None:
    text = b'"\xff\xfe"'.decode("utf-8", "surrogateescape")
    node = expression(text)
    assert isinstance(node, ast.String) and node.value == b"\xff\xfe"


@pytest.mark.parametrize(
    ("text", "tag", "caret"),
    [
        ("x = 09", "D_INT_DIGIT", "09"),
        ("x = 0x", "D_INT_DIGIT", "0x"),
        ("x = 12a", "D_INT_DIGIT", "12a"),
        ("x = 18446744073709551616", "D_INT_OFLOW", "18446744073709551616"),
        ("x = 0xfffffffffffffffff", "D_INT_OFLOW", "0xfffffffffffffffff"),
        ("x = ''", "D_CHR_NULL", "''"),
        ("x = 'abcdefghi'", "D_CHR_OFLOW", "'abcdefghi'"),
        ("x = 'a\n'", "D_CHR_NL", "'a"),
        ('x = "a\n"', "D_STR_NL", '"a'),
        ("x = a b", "D_SYNTAX", "b"),
        ("x = (1", "D_SYNTAX", ";"),
        ("x = 1 +", "D_SYNTAX", ";"),
        ("1 = 2 = ", "D_SYNTAX", ";"),
        ("a + b = c", "D_SYNTAX", "="),
        ("x = %", "D_SYNTAX", "%"),
        ("x = \\", "D_SYNTAX", "\\"),
        ("while (1)", "D_SYNTAX", "while"),
        ("int x", "D_SYNTAX", "int"),
    ],
)
def test_errors_point_at_their_text(text: str, tag: str, caret: str) -> None:
    with pytest.raises(Diagnostic) as caught:
        expression(text)
    span = caught.value.span
    assert caught.value.tag == tag
    assert span is not None
    assert span.source.text[span.start : span.end] == caret  # type: ignore[attr-defined]


def test_caller_knows_types() -> None:
    source = Source("test.d", "BEGIN { (foo) - p; sizeof (foo); }")
    (clause,) = parse(source, lambda name: name == "foo").items
    assert isinstance(clause, ast.Clause) and clause.body is not None
    shapes = [shape(s.expr) for s in clause.body if isinstance(s, ast.ExprStmt)]
    assert shapes == ["(cast foo (- p))", "(sizeof-type foo)"]


def test_typedefs_of_the_program_are_types() -> None:
    source = Source("test.d", "typedef struct x { int a; } foo; BEGIN { (foo) - p; (a) - p; }")
    clause = parse(source).items[1]
    assert isinstance(clause, ast.Clause) and clause.body is not None
    shapes = [shape(s.expr) for s in clause.body if isinstance(s, ast.ExprStmt)]
    assert shapes == ["(cast foo (- p))", "(- a p)"]
