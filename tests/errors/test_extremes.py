"""Programs that are too much of something: taken, or refused with a reason, in little time."""

from __future__ import annotations

import os

import pytest

from tests.errors.apart import outcomes

TAKEN = {
    "nested parentheses": "BEGIN { trace(" + "(" * 20000 + "1" + ")" * 20000 + "); }",
    "long literal": 'BEGIN { trace("' + "a" * 200000 + '"); }',
    "many keys": "BEGIN { @[" + ",".join(["pid"] * 200) + "] = count(); }",
    "long keys": "BEGIN { a[" + ",".join(["execname"] * 100) + "] = 1; }",
    "shortest strings": "#pragma D option strsize=1\nBEGIN { s = execname; trace(strjoin(s, s)); }",
    "longest strings": "#pragma D option strsize=1m\nBEGIN { s = execname; trace(s); }",
    "long strings": "#pragma D option strsize=64k\n"
    "BEGIN { s = execname; trace(strjoin(s, s)); @[s] = count(); }",
    "big array": "int a[1000000]; BEGIN { a[5] = 1; }",
    "many conversions": 'BEGIN { printf("' + "%d" * 500 + '"' + ",pid" * 500 + "); }",
    "sum of 900 terms": "BEGIN { trace(" + "+".join(["pid"] * 900) + "); }",
    "chain of conditionals": "BEGIN { trace(" + "pid ? 1 : " * 900 + "2); }",
    "else if": "int x; BEGIN { " + "if (x) x = 1; else " * 400 + "x = 2; }",
    "signs": "BEGIN { trace(" + "- " * 900 + "pid); }",
    "chain of pointers": "struct s { struct s *n; } *g; BEGIN { trace(g" + "->n" * 300 + "); }",
    "strjoin of strjoin": "BEGIN { trace("
    + "strjoin(execname, " * 60 + '"x"' + ")" * 60 + "); }",
}  # fmt: skip

# Keys of several kinds and strings made of strings: more than 512 bytes of stack, were the keys
# kept there.
_CROWDED = """
struct st { int a; char n[12]; long c; } g; this struct st st; self struct st st;
struct st many[int]; string texts[long, string]; long numbers[long]; self string own[string];
int a[4]; string s; long i;
BEGIN /numbers[(this->i++ ^^ !i)] || 1/
{
    printf("%d %s %d", (i = strlen("abc")), probefunc, strtoll(texts[self->i++, self->own["k"]]));
    @one[stack(5), stack(5), sym(arg0)] = count();
    @two[i, pid, texts[rindex("", s, self->st.a), strstr(s, texts[1, "x"])]] = quantize(i);
    this->st = g; self->st = this->st;
    many[("" < texts[many[i].a, self->own["k"]])] = g; many[i] = this->st;
    s = ((int)timestamp ? errno < errno : rindex(s, probename, vtimestamp))
        ? json(s, strrchr(s, 'a')) : toupper(texts[numbers[a[numbers[i] & 3]], self->own[s]]);
}
"""
TAKEN["crowded clause"] = _CROWDED

REFUSED = {
    "nested subscripts": ("BEGIN { x" + "[1" * 20000 + "]" * 20000 + " = 1; }", "D_SYNTAX"),
    "long sum": ("BEGIN { trace(" + "+".join(["pid"] * 20000) + "); }", "D_SYNTAX"),
    "nested conditions": ("BEGIN { trace(" + "pid ? 1 : " * 3000 + "2); }", "D_SYNTAX"),
    "long name": ("BEGIN { trace(" + "a" * 100000 + "); }", "D_IDENT_UNDEF"),
    "width": ('BEGIN { printf("%.99999999999999999999d", 1); }', "D_SYNTAX"),
    "strsize": ("#pragma D option strsize=1g\nBEGIN { }", "D_PRAGMA_OPTSET"),
    "frames": ("BEGIN { stack(1000000); }", "D_STACK_SIZE"),
    "interval": ("tick-99999999999999999999999s { }", "D_PDESC_ZERO"),
    "frequency": ("profile-100000000000hz { }", "D_PDESC_ZERO"),
    "thread-local strings": (
        "BEGIN { " + "".join(f"self->s{i} = execname;" for i in range(500)) + " }",
        "D_NOMEM",
    ),
    "inlines that double": (
        "inline int i0 = 1;"
        + "".join(f"inline int i{n + 1} = i{n} + i{n};" for n in range(40))
        + "BEGIN { trace(i40); }",
        "D_NOMEM",
    ),
}


@pytest.mark.skipif(os.geteuid() != 0, reason="loading programs takes root")
@pytest.mark.parametrize("name", TAKEN)
def test_taken(name: str) -> None:
    (outcome,) = outcomes([TAKEN[name]], load=True)
    assert outcome.fate == "loaded", outcome.text[:2000]


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    text, tag = REFUSED[name]
    (outcome,) = outcomes([text], load=False)
    assert (outcome.fate, outcome.tag) == ("wrong", tag), outcome.text[:2000]
    assert outcome.seconds < 30


@pytest.mark.skipif(os.geteuid() != 0, reason="loading programs takes root")
def test_more_maps_than_the_kernel_takes_is_explained() -> None:
    text = "BEGIN { " + "".join(f"a{i}[pid] = 1;" for i in range(100)) + " }"
    (outcome,) = outcomes([text], load=True)
    assert outcome.fate == "rejected"
    assert "the kernel lets a program use 64 maps" in outcome.text
    assert "fault of dscript" not in outcome.text
