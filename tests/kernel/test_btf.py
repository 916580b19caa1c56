"""The BTF reader, against bpftool's dump and the C compiler's view of the same types."""

from __future__ import annotations

import json
import shutil
import subprocess
import time

import pytest

from dscript.dtypes.types import ArrayType, PointerType, StructType, TypedefType
from dscript.kernel import btf, btf_image, btf_types
from dscript.kernel.btf import Kind

pytestmark = pytest.mark.skipif(btf.vmlinux() is None, reason="kernel without BTF")
needs_bpftool = pytest.mark.skipif(shutil.which("bpftool") is None, reason="needs bpftool")

# Without enumerations smaller than an int inside (struct inode): bpftool 7.1's header loses
# their size.
STRUCTS = ("task_struct", "sk_buff", "file", "dentry", "sock", "tcp_sock", "mm_struct", "page")


@pytest.fixture(scope="module")
def dump():
    """Every type as bpftool reads it: ID -> its JSON object."""
    command = ["bpftool", "-j", "btf", "dump", "file", "/sys/kernel/btf/vmlinux"]
    output = subprocess.run(command, check=True, capture_output=True).stdout
    return {entry["id"]: entry for entry in json.loads(output)["types"]}


@pytest.fixture(scope="module")
def types():
    found = btf.vmlinux()
    assert found is not None
    return found


@needs_bpftool
def test_every_type_has_bpftools_kind_name_and_size(dump, types):
    for type_id, entry in dump.items():
        found = types.type(type_id)
        assert Kind(found.kind).name == entry["kind"]
        if "size" in entry:
            assert found.value == entry["size"]
        assert found.name == ("" if entry["name"] == "(anon)" else entry["name"])


@needs_bpftool
def test_members_are_bpftools(dump, types):
    seen = bit_fields = 0
    for type_id, entry in dump.items():
        if entry["kind"] not in ("STRUCT", "UNION"):
            continue
        expected = [
            (
                "" if m["name"] == "(anon)" else m["name"],
                m["type_id"],
                m["bits_offset"],
                m.get("bitfield_size", 0),
            )
            for m in entry["members"]
        ]
        assert [tuple(member) for member in types.members(type_id)] == expected
        seen += 1
        bit_fields += any(m[3] for m in expected)
    assert seen > 5000 and bit_fields > 100


def as_declared(value: int, entry: dict) -> int:
    """bpftool 7.1 extends the sign of 32-bit values of unsigned enumerations, too."""
    unsigned = entry["kind"] == "ENUM" and entry["encoding"] == "UNSIGNED"
    return value % (1 << 32) if unsigned else value


@needs_bpftool
def test_prototypes_and_enumerators_are_bpftools(dump, types):
    enums = 0
    for type_id, entry in dump.items():
        if entry["kind"] == "FUNC_PROTO":
            expected = [
                ("" if p["name"] == "(anon)" else p["name"], p["type_id"]) for p in entry["params"]
            ]
            assert [tuple(param) for param in types.params(type_id)] == expected
            assert types.result(type_id) == entry["ret_type_id"]
        elif entry["kind"] in ("ENUM", "ENUM64"):
            expected = [(v["name"], as_declared(v["val"], entry)) for v in entry["values"]]
            assert types.enumerators(type_id) == expected
            enums += 1
    assert enums > 500


@needs_bpftool
def test_every_named_type_is_found_by_name(dump, types):
    names: dict[tuple[str, str], set[int]] = {}
    for type_id, entry in dump.items():
        if entry["name"] != "(anon)":
            names.setdefault((entry["kind"], entry["name"]), set()).add(type_id)
    for kind in ("STRUCT", "UNION", "ENUM", "TYPEDEF", "FUNC", "INT"):
        wanted = [(name, ids) for (k, name), ids in names.items() if k == kind]
        assert wanted
        for name, ids in wanted[:: max(1, len(wanted) // 500)]:
            assert types.find(Kind[kind], name) in ids
    assert types.find(Kind.STRUCT, "no_such_struct") is None
    assert types.find(Kind.STRUCT, "") is None


@needs_bpftool
def test_enumeration_constants_by_name(dump, types):
    values: dict[str, set[int]] = {}
    for entry in dump.values():
        if entry["kind"] in ("ENUM", "ENUM64"):
            for value in entry["values"]:
                declared = as_declared(value["val"], entry)
                values.setdefault(value["name"], set()).add(declared)
    for name in list(values)[:: max(1, len(values) // 500)]:
        found = types.enumerator(name)
        assert found is not None and found[0] in values[name]
    assert types.enumerator("TCP_LISTEN")[0] == 10
    assert types.enumerator("NO_SUCH_CONSTANT") is None


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    """Sizes and offsets as gcc lays out the header that bpftool writes from this BTF."""
    if shutil.which("bpftool") is None or shutil.which("gcc") is None:
        pytest.skip("needs bpftool and gcc")
    folder = tmp_path_factory.mktemp("layout")
    command = ["bpftool", "btf", "dump", "file", "/sys/kernel/btf/vmlinux", "format", "c"]
    header = subprocess.run(command, check=True, capture_output=True).stdout
    (folder / "vmlinux.h").write_bytes(header)

    def evaluate(expressions: list[str]) -> list[int]:
        rows = ",".join(f"(unsigned long)({e})" for e in expressions)
        source = folder / "t.c"
        source.write_text(
            f'#include "vmlinux.h"\nint printf(const char *, ...);\nunsigned long t[] = {{{rows}}};'
            "\nint main(void) { for (int i = 0; i < sizeof t / 8; i++) printf("
            '"%lu\\n", t[i]); }'
        )
        subprocess.run(["gcc", "-w", "-o", folder / "t", source], check=True)
        lines = subprocess.run([folder / "t"], check=True, capture_output=True, text=True).stdout
        return [int(line) for line in lines.split()]

    return evaluate


def test_layout_is_the_compilers(compiled):
    expressions: list[str] = []
    ours: list[int] = []
    for tag in STRUCTS:
        found = btf_types.struct(tag)
        assert found is not None and found.complete
        expressions.append(f"sizeof(struct {tag})")
        ours.append(found.size)
        for name in dict.fromkeys(found.names()):
            member = found.find(name)
            assert member is not None
            if member.bits is not None:
                continue
            expressions.append(f"__builtin_offsetof(struct {tag}, {name})")
            ours.append(member.offset)
            if not isinstance(member.type.resolve(), StructType) and member.type.size:
                expressions.append(f"sizeof(((struct {tag} *)0)->{name})")
                ours.append(member.type.size)
    assert len(expressions) > 500
    theirs = compiled(expressions)
    wrong = [
        (expression, mine, real)
        for expression, mine, real in zip(expressions, ours, theirs, strict=True)
        if mine != real
    ]
    assert wrong == []


def test_offsets_through_paths(compiled):
    paths = [
        ("task_struct", "comm"),
        ("task_struct", "se.sum_exec_runtime"),
        ("task_struct", "real_parent"),
        ("file", "f_path.dentry"),
        ("sk_buff", "len"),
    ]
    offsets = compiled([f"__builtin_offsetof(struct {s}, {p})" for s, p in paths])
    sizes = compiled([f"sizeof(((struct {s} *)0)->{p})" for s, p in paths])
    expected = [(8 * o, size) for o, size in zip(offsets, sizes, strict=True)]
    assert [btf.member_offset(s, p) for s, p in paths] == expected
    assert btf.member_offset("task_struct", "no_such_member") is None
    assert btf.member_offset("no_such_struct", "comm") is None


def test_bit_fields():
    member = btf_types.struct("task_struct").find("in_execve")
    assert member is not None and member.bits == 1
    assert str(member.type) == "unsigned int"


def test_types_as_written_in_c():
    task = btf_types.struct("task_struct")
    comm = task.find("comm").type
    assert isinstance(comm, ArrayType)
    assert (str(comm), comm.count) == ("char [16]", 16)
    parent = task.find("real_parent").type
    assert isinstance(parent, PointerType)
    assert parent.target is task
    assert isinstance(task.find("pid").type, TypedefType)
    read = btf_types.struct("file_operations").find("read").type
    assert str(read) == "ssize_t (*)(struct file *, char *, size_t, loff_t *)"


def test_a_function():
    found = btf_types.function("vfs_read")
    assert found is not None
    assert [(name, str(kind)) for name, kind in found.params] == [
        ("file", "struct file *"),
        ("buf", "char *"),
        ("count", "size_t"),
        ("pos", "loff_t *"),
    ]
    assert str(found.result) == "ssize_t"
    assert not found.variadic
    assert btf_types.function("_printk").variadic
    assert btf_types.function("no_such_function") is None


def test_an_image_from_the_cache_answers_the_same(tmp_path, monkeypatch, types):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    built = btf._load("vmlinux", None)
    (saved,) = (tmp_path / "dscript").iterdir()
    mapped = btf._load("vmlinux", None)
    expected = types.member(types.find(Kind.STRUCT, "task_struct"), "comm")
    for other in (built, mapped):
        assert other.member(other.find(Kind.STRUCT, "task_struct"), "comm") == expected
    # A file cut short is not believed.
    data = saved.read_bytes()
    saved.write_bytes(data[: len(data) // 2])
    again = btf._load("vmlinux", None)
    assert again.member(again.find(Kind.STRUCT, "task_struct"), "comm") == expected


@pytest.mark.bench
def test_looking_up_one_member_is_fast(types):
    best = 1.0
    for _ in range(5):
        start = time.perf_counter()
        image = btf._load("vmlinux", None)
        image.member(image.find(Kind.STRUCT, "task_struct"), "comm")
        best = min(best, time.perf_counter() - start)
    assert best < 0.003


@pytest.mark.parametrize("data", [b"", b"\x9f\xeb\1\0", b"not BTF at all" * 10])
def test_what_is_no_btf_gives_no_image(data):
    assert btf_image.build(data, 1, 0, None) is None
    assert btf_image.open_image(data) is None
