"""`args[]` of functions in user code, and types of user programs in D."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.kernel.test_dwarf import CLASSES
from tests.userland.support import build, dscript, error

SOURCE = r"""
#include <stdio.h>
#include <string.h>
enum color { RED, GREEN = 5 };
struct point { int x, y; };
struct big { long v[5]; };
typedef unsigned short u16;
struct node { struct node *next; const char *name; unsigned low : 3, high : 5; enum color color;
              struct point where; short table[4]; char tag[8]; double weight; };
#define PROBED __attribute__((noipa))
PROBED int visit(struct node *n, int depth, const char *why, u16 small)
{ return n->where.x + depth + small; }
PROBED struct point middle(struct point a, double f, struct point b, long k)
{ return (struct point){(a.x + b.x) / 2 + (int)f, (a.y + b.y) / 2 + (int)k}; }
PROBED struct big make(int seed, struct big in, char c)
{ struct big b; for (int i = 0; i < 5; i++) b.v[i] = seed + i + in.v[i] + c; return b; }
PROBED long many(long a, long b, long c, long d, long e, long f, int g, struct point p, char h)
{ return a + b + c + d + e + f + g + p.x + h; }
PROBED struct node *follow(struct node *n) { return n->next; }
PROBED int touch(const char *s) { return *s; }
PROBED float single(float f, long after) { return f * after; }
int main(void)
{
    static struct node second = {0, "second", 1, 2, RED, {3, 4}, {1, 2, 3, 4}, "two", 2.5};
    static struct node first = {&second, "first", 5, 17, GREEN, {1, -2}, {10, 20, 30, -40},
                                "one", 1.5};
    struct big in = {{1, 2, 3, 4, 5}};
    const char *why = "because";
    /* A tracing program cannot fault pages in: they are there once they were looked at. */
    long sum = touch(why) + touch(first.name) + touch(second.name);
    sum += visit(&first, 7, why, 65535);
    sum += middle(first.where, 2.5, second.where, 9).x + make(100, in, 'x').v[4];
    sum += many(1, 2, 3, 4, 5, 6, -7, first.where, 'y') + single(1.5, 4);
    return follow(&first) == &second && sum > 0 ? 0 : 1;
}
"""


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("typed"), "typed", SOURCE, "-O1", "-g")


def _traced(program: Path, text: str, bad: str = "") -> list[str]:
    """Lines of output; nothing on stderr, or one line with `bad` in it."""
    done = dscript("-n", text, "-c", program)
    assert bad in done.stderr and done.stderr.count("\n") == bool(bad), done.stderr
    return [line for line in done.stdout.splitlines() if line]


def test_debug_information_beside_the_program(tmp_path: Path) -> None:
    """In a .dwo file; without it the message names it."""
    program = build(tmp_path, "typed", SOURCE, "-O1", "-g", "-gsplit-dwarf")
    (split,) = tmp_path.glob("*.dwo")
    text = """pid$target:a.out:visit:entry {
        printf("%d %d", args[0]->where.y, sizeof (struct a.out`point)); }"""
    assert _traced(program, text) == ["-2 8"]
    split.unlink()
    for words in ("pid$target:a.out:visit:entry { trace(args[1]); }",
                  "BEGIN { trace(sizeof (struct a.out`point)); }"):  # fmt: skip
        told = error("-n", words, "-c", program)
        assert f"{split.name}, which is not there" in told


def test_arguments_have_their_types(program: Path) -> None:
    found = _traced(
        program,
        r"""pid$target:a.out:visit:entry {
            printf("%d %s %s\n", args[0]->where.y, stringof(args[0]->name), args[0]->tag);
            printf("%d %d %d\n", args[0]->low, args[0]->high, args[0]->color == 5);
            printf("%d %d %d\n", args[0]->table[3], args[1], args[3]);
            printf("%s %s\n", stringof(args[0]->next->name), stringof(args[2]));
            printf("%d %d\n", strlen(args[0]->tag), sizeof (*args[0]));
            this->p = &args[0]->next->where;
            printf("%d %d\n", this->p->y, *(args[0]->table + 1)); }""",
    )
    # gcc's own sizeof, by hand: 8 + 8 + 4 + 4 + 8 + 8 + 8 + 8.
    assert found == ["-2 first one", "5 17 1", "-40 7 65535", "second because", "3 56", "4 20"]


def test_structures_by_value_and_words_on_the_stack(program: Path) -> None:
    found = _traced(
        program,
        r"""pid$target:a.out:middle:entry {
            printf("%d %d %d %d %d\n", args[0].x, args[0].y, args[2].x, args[2].y, args[3]); }
        pid$target:a.out:make:entry { printf("%d %d %c\n", args[0], args[1].v[4], args[2]); }
        pid$target:a.out:many:entry {
            printf("%d %d %d %d %c\n", args[5], args[6], args[7].x, args[7].y, args[8]); }
        pid$target:a.out:single:entry { printf("%d\n", args[1]); }""",
    )
    assert found == ["1 -2 3 4 9", "100 5 x", "6 -7 1 -2 y", "4"]


def test_results_have_their_types(program: Path) -> None:
    found = _traced(
        program,
        r"""pid$target:a.out:middle:return { printf("%d %d\n", args[1].x, args[1].y); }
        pid$target:a.out:make:return { printf("%d %d\n", args[1].v[0], args[1].v[4]); }
        pid$target:a.out:follow:return {
            printf("%d %s %d\n", args[0] == arg0, stringof(args[1]->name), args[1]->where.x); }""",
    )
    x = ord("x")
    assert found == ["4 10", f"{100 + 1 + x} {100 + 4 + 5 + x}", "1 second 3"]


def test_print_shows_user_data(program: Path) -> None:
    found = _traced(program, "pid$target:a.out:follow:entry { print(*args[0]->next); }")
    lines = [line.strip() for line in found]
    assert lines[0] == "struct node {" and lines[-1] == "}"
    assert "struct node *next = 0" in lines[1]
    for text in ("enum color color = RED", "int x = 0x3", 'char [8] tag = [ "two" ]'):
        assert text in lines, found
    assert any(line.startswith("double weight = +2.5") for line in lines)


def test_types_of_the_program_in_d(program: Path) -> None:
    found = _traced(
        program,
        r"""struct a.out`node *kept; self a.out`struct node *mine; a.out`u16 number;
        typedef a.out`struct node *pointer;
        pid$target:a.out:visit:entry {
            kept = args[0]; self->mine = args[0]->next; number = args[3] + 2;
            printf("%d %d %d\n", sizeof (a.out`struct node), sizeof (struct a.out`point),
                   offsetof(a.out`struct node, where));
            printf("%d\n", ((struct a.out`node *)arg0)->where.x);
            printf("%s\n", stringof(((pointer)arg0)->next->name));
            this->copy = (a.out`struct node *)copyin(arg0, sizeof (a.out`struct node));
            printf("%d %s\n", this->copy->where.y, stringof(this->copy->next->name)); }
        syscall::exit_group:entry /pid == $target/ {
            printf("%d %d %d\n", kept->where.x, self->mine->where.x, number);
            printf("%d\n", ((userland int *)&kept->where)[1]); }""",
    )
    assert found == ["56 8 24", "1", "second", "-2 second", "1 3 1", "-2"]


def test_functions_and_records_take_user_memory(program: Path) -> None:
    found = _traced(
        program,
        r"""struct a.out`point kept; struct a.out`point all[int];
        typedef struct { int sum; string name; } out_t;
        translator out_t < struct a.out`node *n > {
            sum = n->where.x + n->high; name = stringof(n->name); };
        pid$target:a.out:follow:entry {
            kept = args[0]->where; all[3] = args[0]->next->where; this->whole = *args[0];
            printf("%d %d %d\n", kept.y, all[3].x, this->whole.table[2]);
            printf("%d %s\n", xlate <out_t *>(args[0])->sum, xlate <out_t *>(args[0])->name);
            printf("%s %d\n", strjoin(args[0]->name, args[0]->tag), args[0]->name == "first");
            printf("%s\n", inet_ntoa((ipaddr_t *)&args[0]->where));
            this->to = (int *)alloca(8); bcopy(&args[0]->where, this->to, 8);
            printf("%d %c\n", this->to[1], *args[0]->tag);
            @[stringof(args[0]->name), args[0]->where.y] = sum(args[0]->table[1]);
            tracemem(args[0]->tag, 4); }""",
    )
    # Little-endian: where.x = 1 is the bytes 1 0 0 0.
    assert found[:5] == ["-2 3 30", "18 first", "firstone 1", "1.0.0.0", "-2 o"]
    assert any("6f 6e 65 00" in line for line in found)
    assert [line.split() for line in found if line.strip().startswith("first ")] == [
        ["first", "-2", "20"]
    ]


def test_userland_pointers_to_types_of_d(tmp_path: Path) -> None:
    """Structures declared in D: what lies in the process leads into it, a copy does not."""
    plain = build(tmp_path, "plain", SOURCE, "-O1")
    found = _traced(
        plain,
        r"""struct point { int x, y; };
        struct node { struct node *next; char *name; int bits, color; struct point where; };
        struct pair { struct node *both[2]; };
        pid$target:a.out:follow:entry {
            this->n = (userland struct node *)arg0;
            printf("%d %s\n", this->n->next->where.y, stringof(this->n->next->name));
            printf("%d\n", ((userland struct pair *)arg0)->both[0]->color);
            this->copy = (struct node *)copyin(arg0, sizeof (struct node));
            printf("%d\n", this->copy->where.x); }
        pid$target:a.out:follow:return { trace(((struct node *)arg1)->where.x); }""",
        bad="invalid address",
    )
    assert found == ["4 second", "0", "1"]


def test_a_bad_address_is_a_runtime_error(program: Path) -> None:
    done = dscript(
        "-n",
        "pid$target:a.out:follow:entry { trace(args[0]->next->next->where.y); }",
        "-c",
        program,
    )
    # NULL + offsetof(struct node, where) + 4
    assert "invalid address (0x1c)" in done.stderr


def test_uprobe_of_a_file(program: Path) -> None:
    done = dscript(
        "-n",
        rf"""uprobe:{program}:follow:entry {{
            printf("%s %d\n", stringof(args[0]->name), ((typed`struct node *)arg0)->where.y); }}""",
        "-c",
        program,
    )
    assert done.stdout.split() == ["first", "-2"]


def test_list_shows_the_types(program: Path) -> None:
    names = "pid$target:a.out:visit:entry,pid$target:a.out:middle:return"
    listed = dscript("-lvn", names, "-c", program).stdout
    types = [line.strip() for line in listed.splitlines() if "args[" in line]
    assert types == [
        "args[0]: struct node *",
        "args[1]: int",
        "args[2]: char *",
        "args[3]: u16",
        "args[0]: int",
        "args[1]: struct point",
    ]


def test_what_cannot_be_said(program: Path, tmp_path: Path) -> None:
    plain = build(tmp_path, "plain", SOURCE, "-O1")
    said = error("-n", "pid$target:a.out:follow:entry { trace(args[0]); }", "-c", plain)
    assert "a.out has no debug information: compile it with -g, or use arg0, with copyin( )" in said
    said = error("-n", "pid$target:a.out:follow:entry { trace(sizeof (a.out`u16)); }", "-c", plain)
    assert "failed to resolve type a.out`u16: a.out has no debug information" in said
    said = error("-n", "pid$target:a.out:follow:entry { trace(args[1]); }", "-c", program)
    assert "index 1 is out of range" in said and "debug information" not in said
    said = error("-n", "pid$target:a.out:single:entry { trace(args[0]); }", "-c", program)
    assert "args[0], of type float, is not in a register that a probe can read" in said
    said = error(
        "-n", "pid$target:a.out:visit:entry { trace(((a.out`no_t *)arg0)->x); }", "-c", program
    )
    assert "failed to resolve type a.out`no_t: Type not found" in said
    said = error("-n", "BEGIN { trace(sizeof (a.out`struct node)); }")
    assert "there is no object a.out here" in said


def test_classes(tmp_path: Path) -> None:
    program = build(tmp_path, "classes", CLASSES, "-O1", "-g", compiler="g++")
    found = _traced(
        program,
        r"""pid$target:a.out:geo??Point??scaled*:entry { printf("%d %d\n", args[0]->x, args[1]); }
        pid$target:a.out:geo??Rect??area*:entry { printf("%d %d\n", args[0]->b.y, args[0]->id); }
        pid$target:a.out:geo??use*:entry {
            printf("%d %d %d\n", args[0]->y, args[1]->value, args[2]);
            printf("%d %d %d\n", args[3].id, args[4].x, sizeof (a.out`geo::Point)); }""",
    )
    out = [line for line in found if line.count(" ") < 3]
    assert sorted(out) == sorted(["3 2", "6 9", "4 42 1", "5 3 8"]), found
