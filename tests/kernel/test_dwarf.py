"""Types from debug information of every version, checked against what the compiler computes."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from random import Random

import pytest

from dscript.dtypes.types import ArrayType, EnumType, PointerType, StructType
from dscript.kernel import elf, user_types
from dscript.kernel.dwarf import UNREADABLE, Dwarf
from dscript.kernel.dwarf_types import Types
from tests.userland.support import build

SOURCE = r"""
#include <stddef.h>
#include <stdio.h>
typedef unsigned short u16;
enum color { RED, GREEN = 5, BLUE };
enum sign { MINUS = -1, PLUS = 1 };
typedef struct { char tag[8]; double weight; } named_t;
struct later;
struct node {
    struct node *next;
    const char *name;
    unsigned low : 3, high : 5;
    enum color color;
    short table[2][3];
    union { long word; char bytes[8]; };
    named_t inner;
    int (*call)(struct node *, u16);
    struct later *later;
    u16 last;
};
struct later { int x; };
struct __attribute__((packed)) tight { char c; long l; };
union either { int i; char c; };
__attribute__((noinline)) int visit(struct node *n, u16 depth, ...)
{ __asm__ volatile("" ::: "memory"); return n->last + depth; }
__attribute__((noinline)) struct node *after(struct node *n, enum sign s, union either *e)
{ __asm__ volatile("" ::: "memory"); return s + e->i ? n->next : 0; }
__attribute__((noinline)) void nothing(void) { __asm__ volatile("" ::: "memory"); }
int main(void)
{
    static struct node n = {.last = 3};
    static union either e;
    static struct later l;
    static struct tight t;
    n.later = &l;
    visit(&n, 1);
    after(&n, PLUS, &e);
    nothing();
#define AT(m) offsetof(struct node, m)
    printf("%zu %zu %zu %zu %zu %zu %zu %zu %zu %zu %zu\n", sizeof n, AT(name), AT(color),
           AT(table), AT(word), AT(inner), AT(call), AT(later), AT(last),
           offsetof(struct tight, l), sizeof t);
    return 0;
}
"""

FLAGS = {
    "dwarf 2": ("-gdwarf-2", "-gstrict-dwarf"),
    "dwarf 3": ("-gdwarf-3",),
    "dwarf 4": ("-gdwarf-4",),
    "dwarf 5": ("-gdwarf-5",),
    "64-bit": ("-gdwarf-5", "-gdwarf64"),
    "type units": ("-gdwarf-5", "-fdebug-types-section"),
    "type units of 4": ("-gdwarf-4", "-fdebug-types-section"),
    "split": ("-gdwarf-5", "-gsplit-dwarf"),
    "split 4": ("-gdwarf-4", "-gsplit-dwarf"),
    "split type units": ("-gdwarf-5", "-gsplit-dwarf", "-fdebug-types-section"),
    "split 4 type units": ("-gdwarf-4", "-gsplit-dwarf", "-fdebug-types-section"),
    "packed": ("-gdwarf-5", "-gsplit-dwarf"),
    "packed 4 type units": ("-gdwarf-4", "-gsplit-dwarf", "-fdebug-types-section"),
    "compressed": ("-g", "-gz"),
    "without aranges": ("-g", "-gno-pubnames"),
    "BTF": ("-gbtf",),
}


def _types(image: Path) -> user_types.UserTypes:
    return user_types.of_image(elf.read(str(image)))


@pytest.fixture(scope="module", params=FLAGS, ids=lambda name: name.replace(" ", "-"))
def program(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dwarf")
    program = build(folder, "program", SOURCE, "-O1", *FLAGS[request.param])
    if request.param == "without aranges":
        subprocess.run(["objcopy", "--remove-section=.debug_aranges", program], check=True)
    if request.param.startswith("packed"):
        _pack(folder, program)
    return program


def _pack(folder: Path, program: Path) -> None:
    """Into one file beside the program; what was packed is gone."""
    tools = [shutil.which(name) for name in ("dwp", "llvm-dwp")]
    # That of binutils 2.40 cannot read DWARF 5.
    if not any(
        tool is not None
        and not subprocess.run([tool, "-e", program, "-o", f"{program}.dwp"], cwd=folder).returncode
        for tool in tools
    ):
        pytest.skip("no dwp that takes such files is installed")
    for single in folder.glob("*.dwo"):
        single.unlink()


def test_layout_is_the_compilers(program: Path) -> None:
    told = subprocess.run([program], capture_output=True, text=True, check=True).stdout
    types = _types(program)
    node, tight = types.named("struct", "node"), types.named("struct", "tight")
    assert isinstance(node, StructType) and isinstance(tight, StructType)
    found = [node.size]
    for name in ("name", "color", "table", "word", "inner", "call", "later", "last"):
        member = node.find(name)
        assert member is not None, name
        found.append(member.offset)
    packed = tight.find("l")
    assert packed is not None
    assert [*found, packed.offset, tight.size] == [int(word) for word in told.split()]


def test_members_have_their_types(program: Path) -> None:
    node = _types(program).named("struct", "node")
    assert isinstance(node, StructType)
    shown = {m.name: str(m.type) for m in node.members if m.name}
    assert shown["next"] == "struct node *" and shown["name"] == "char *"
    assert shown["inner"] == "named_t" and shown["last"] == "u16"
    assert shown["call"] == "int (*)(struct node *, u16)"
    low, high, table, later = (node.find(n) for n in ("low", "high", "table", "later"))
    assert low is not None and high is not None and table is not None and later is not None
    # Little-endian machines fill a unit from the lowest bit (System V ABI, section 3.1.2).
    assert (high.bit_offset - low.bit_offset, low.bits, high.bits) == (3, 3, 5)
    assert isinstance(table.type, ArrayType) and table.type.size == 12
    assert isinstance(later.type, PointerType) and later.type.user
    target = later.type.target
    assert isinstance(target, StructType) and [m.name for m in target.members] == ["x"]
    color = node.find("color")
    assert color is not None and isinstance(color.type, EnumType)
    assert dict(color.type.enumerators) == {"RED": 0, "GREEN": 5, "BLUE": 6}


def test_functions_have_their_signatures(program: Path) -> None:
    image = elf.read(str(program))
    types = user_types.of_image(image)
    at = {function.name: function.address for function in image.functions()}
    visit, after, nothing = (types.function(at[n]) for n in ("visit", "after", "nothing"))
    assert visit is not None and after is not None and nothing is not None
    assert [(p.name, str(p.type)) for p in visit.params] == [
        ("n", "struct node *"),
        ("depth", "u16"),
    ]
    assert visit.variadic and str(visit.result.type) == "int"
    assert [str(p.type) for p in after.params] == ["struct node *", "enum sign", "union either *"]
    assert str(after.result.type) == "struct node *" and not after.variadic
    assert nothing.params == () and str(nothing.result.type) == "void"
    assert types.function(at["visit"] + 1) is None


def test_names_that_are_not_there(program: Path) -> None:
    types = _types(program)
    assert types.named("struct", "named_t") is None and types.named("typedef", "absent") is None
    # A name that only members have, and one that ends like a type's.
    assert types.named("struct", "table") is None and types.named("struct", "ode") is None
    sign = types.named("enum", "sign")
    assert isinstance(sign, EnumType) and dict(sign.enumerators) == {"MINUS": -1, "PLUS": 1}


def test_debug_file_is_found_by_its_link(tmp_path: Path) -> None:
    program = build(tmp_path, "program", SOURCE, "-O1", "-g")
    debug = tmp_path / ".debug"
    debug.mkdir()
    subprocess.run(["objcopy", "--only-keep-debug", program, debug / "program.debug"], check=True)
    subprocess.run(["strip", "-g", program], check=True)
    assert not _types(program).has_any
    link = f"--add-gnu-debuglink={debug / 'program.debug'}"
    subprocess.run(["objcopy", link, str(program)], check=True)
    node = _types(program).named("struct", "node")
    assert isinstance(node, StructType) and node.size == 88


def test_files_without_debug_information(tmp_path: Path) -> None:
    program = build(tmp_path, "program", SOURCE, "-O1", "-s")
    types = _types(program)
    assert not types.has_any
    assert types.function(0x1000) is None and types.named("struct", "node") is None


def test_damaged_debug_information_is_none(tmp_path: Path) -> None:
    program = build(tmp_path, "program", SOURCE, "-O1", "-g")
    noise = tmp_path / "noise"
    for seed in range(8):
        noise.write_bytes(bytes((seed * 37 + at * (seed + 3)) % 256 for at in range(2000)))
        broken = tmp_path / f"broken{seed}"
        for section in (".debug_info", ".debug_abbrev"):
            source = broken if broken.exists() else program
            subprocess.run(
                ["objcopy", f"--update-section={section}={noise}", source, broken], check=True
            )
        image = elf.read(str(broken))
        types = user_types.of_image(image)
        assert types.named("struct", "node") is None
        assert all(types.function(f.address) is None for f in image.functions())


def test_every_damage_is_told_apart(tmp_path: Path) -> None:
    """Single wrong bytes: types that are less, or none, but no other end."""
    program = build(tmp_path, "program", SOURCE, "-O1", "-g")
    image = elf.read(str(program))
    whole = Dwarf(image)
    random = Random(5)
    for _ in range(200):
        dwarf = Dwarf(image)
        info = bytearray(whole.info)
        for _ in range(4):
            info[random.randrange(len(info))] = random.randrange(256)
        dwarf.info = bytes(info)
        types = Types(dwarf)
        for name in ("node", "tight", "later"):
            try:
                found = types.named("struct", name)
            except UNREADABLE:
                continue
            assert found is None or found.size >= 0


CLASSES = r"""
#include <cstdio>
namespace geo {
struct Point { int x, y; int scaled(int k) const; };
struct Traced { int id; Traced(int i) : id(i) {} Traced(const Traced &o) : id(o.id + 1) {}
                ~Traced() { id = 0; } };
class Shape { public: virtual ~Shape() {} virtual int area() const = 0; protected: int id = 9; };
class Rect : public Shape { Point a{1, 2}, b{4, 6}; static int count;
                            public: int area() const override; };
enum class Size : unsigned char { Small, Large };
template <class T> struct Box { T value; Box *next; };
__attribute__((noinline)) int Point::scaled(int k) const
{ asm volatile("" ::: "memory"); return (x + y) * k; }
__attribute__((noinline)) int Rect::area() const
{ asm volatile("" ::: "memory"); return (b.x - a.x) * (b.y - a.y); }
__attribute__((noinline)) int use(const Point &p, Box<int> *b, Size s, Traced t, Point by)
{ asm volatile("" ::: "memory"); return p.x + b->value + int(s) + t.id + by.y; }
}
int main()
{
    geo::Point p{3, 4};
    geo::Rect r;
    geo::Box<int> b{42, nullptr};
    geo::Shape *s = &r;
    std::printf("%d %d %d %zu\n", p.scaled(2), s->area(),
                geo::use(p, &b, geo::Size::Large, geo::Traced(5), p), sizeof r);
}
"""


def test_classes_and_namespaces(tmp_path: Path) -> None:
    program = build(tmp_path, "classes", CLASSES, "-O1", "-g", compiler="g++")
    told = subprocess.run([program], capture_output=True, text=True, check=True).stdout.split()
    image = elf.read(str(program))
    types = user_types.of_image(image)
    rect = types.named("typedef", "geo::Rect")
    assert isinstance(rect, StructType) and rect.size == int(told[3])
    assert {"a", "b", "id"} <= set(rect.names()) and "count" not in rect.names()
    assert types.named("struct", "Rect") is rect  # no other has that name
    at = {function.name: function.address for function in image.functions()}
    use = next(types.function(address) for name, address in at.items() if "3use" in name)
    assert use is not None
    assert [(str(p.type), p.by_reference) for p in use.params] == [
        ("struct geo::Point *", False),
        ("struct geo::Box<int> *", False),
        ("enum geo::Size", False),
        ("struct geo::Traced", True),
        ("struct geo::Point", False),
    ]
    scaled = types.function(at["_ZNK3geo5Point6scaledEi"])
    assert scaled is not None
    assert [p.name for p in scaled.params] == ["this", "k"]


RUST = r"""
pub struct Item { id: u32, weight: f64, tags: [u16; 3] }
pub enum Shape { Circle(u32), Square { side: u64 } }
#[inline(never)]
pub extern "C" fn look(i: &Item, s: &Shape) -> u64 {
    let k = match s { Shape::Circle(r) => *r as u64, Shape::Square { side } => *side };
    i.id as u64 + k + i.tags[1] as u64 + i.weight as u64
}
fn main() {
    let i = Item { id: 7, weight: 1.5, tags: [1, 2, 3] };
    println!("{} {}", look(&i, &Shape::Square { side: 5 }), look(&i, &Shape::Circle(1)));
}
"""


@pytest.mark.skipif(shutil.which("rustc") is None, reason="rustc is not installed")
def test_rust(tmp_path: Path) -> None:
    source = tmp_path / "item.rs"
    source.write_text(RUST)
    program = tmp_path / "item"
    command: list[str | Path] = ["rustc", "-g", "-o", program, source]
    if subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("rustc does not work here")
    image = elf.read(str(program))
    types = user_types.of_image(image)
    look = next(f for f in image.functions() if "look" in f.name and "item" in f.name)
    found = types.function(look.address)
    assert found is not None
    assert [str(p.type) for p in found.params] == ["struct item::Item *", "struct item::Shape *"]
    item = types.named("typedef", "item::Item")
    assert isinstance(item, StructType) and item.size == 24
    assert {m.name: str(m.type) for m in item.members} == {
        "id": "u32",
        "weight": "double",
        "tags": "u16 [3]",
    }
    shape = types.named("struct", "item::Shape")
    assert isinstance(shape, StructType) and {"Circle", "Square"} <= set(shape.names())
