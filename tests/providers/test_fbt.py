"""fbt: what is chosen for which kernel; probes themselves are proven in tests/vm."""

from __future__ import annotations

import pytest

from dscript import api
from dscript.kernel import btf, features, functions
from dscript.providers import Pattern, arguments, compat, match

pytestmark = pytest.mark.skipif(btf.vmlinux() is None, reason="kernel without BTF")


@pytest.fixture
def kernel_with(monkeypatch):
    """Pretend that the feature tests found just these mechanisms."""

    def pretend(*mechanisms: str) -> None:
        monkeypatch.setattr(features, "works", lambda name: name in mechanisms)

    return pretend


def found(text: str, **options):
    return match(Pattern(*text.split(":")), **options)


def kinds(text: str) -> set[str]:
    return {point.attach.kind for point in found(text).points}


@pytest.mark.parametrize(
    ("mechanisms", "few", "many"),
    [
        (("fentry", "fexit", "kprobe_multi", "kprobe"), "fentry", "kprobe_multi"),
        (("kprobe_multi", "kprobe"), "kprobe_multi", "kprobe_multi"),
        (("kprobe",), "kprobe", "kprobe"),
    ],
)
def test_the_mechanism_follows_the_kernel_and_the_number(kernel_with, mechanisms, few, many):
    kernel_with(*mechanisms)
    assert kinds("fbt::vfs_read:entry") == {few}
    assert kinds("fbt::vfs_*:entry") == {many}
    assert kinds("fbt::vfs_read:return") == {
        {"fentry": "fexit", "kprobe_multi": "kretprobe_multi", "kprobe": "kretprobe"}[few]
    }


def test_aliases(kernel_with):
    kernel_with("kprobe")
    assert [str(p.probe) for p in found("kprobe::vfs_read:").points] == [
        "fbt:vmlinux:vfs_read:entry"
    ]
    assert [str(p.probe) for p in found("kretprobe::vfs_read:").points] == [
        "fbt:vmlinux:vfs_read:return"
    ]


def test_arguments_of_entry_and_return(kernel_with):
    kernel_with("fentry", "fexit")
    entry, exit_ = found("fbt::vfs_read:").points
    assert [(a.name, a.d_type, a.word) for a in arguments(entry)] == [
        ("file", "struct file *", 0),
        ("buf", "char *", 1),
        ("count", "size_t", 2),
        ("pos", "loff_t *", 3),
    ]
    _offset, value = arguments(exit_)
    assert (value.d_type, value.word) == ("ssize_t", 4)
    kernel_with("kprobe")
    (returning,) = found("fbt::vfs_read:return").points
    assert arguments(returning)[1].word == 0


def test_a_renamed_function_is_found_and_said(kernel_with):
    kernel_with("kprobe")
    result = found("fbt::_do_fork:entry")
    assert [p.attach.target for p in result.points] == ["kernel_clone"]
    (note,) = result.notes
    assert note.startswith("probe on _do_fork placed on kernel_clone, which ")
    assert note.endswith("-x compat=none turns this off")
    assert found("fbt::_do_fork:entry", compat=False).points == ()


def test_an_inlined_function_is_moved_even_where_it_exists(kernel_with):
    kernel_with("kprobe")
    result = found("fbt::do_sys_open:entry")
    assert [p.probe.function for p in result.points] == ["do_sys_openat2"]
    assert found("fbt::vfs_read:entry").notes == ()


def test_the_table_of_renamed_functions_is_well_formed():
    table = compat.table()
    assert table["do_sys_open"].to == ("do_sys_openat2",)
    for name, entry in table.items():
        assert entry.to and name not in entry.to and entry.why


def test_ids_do_not_depend_on_the_description(kernel_with):
    kernel_with("kprobe")
    one = found("fbt::vfs_read:return").points[0].probe
    listed = {p.probe.function: p.probe for p in found("fbt::vfs_r*:return").points}
    assert listed["vfs_read"] == one
    assert one.id >= 20_000


def test_near_misses(kernel_with):
    kernel_with("kprobe")
    assert found("fbt::vfs_raed:entry").suggestion == "did you mean fbt::vfs_read:entry?"


def test_a_kernel_that_takes_nothing_says_so(kernel_with):
    kernel_with()
    result = found("fbt::vfs_read:entry")
    assert (result.points, result.suggestion) == ((), None)
    assert result.reason is not None
    assert "kernel functions cannot be probed" in result.reason
    assert "syscall:::" in result.reason


def test_functions_that_share_a_name_are_left_out_of_globs_and_counted(kernel_with):
    kernel_with("kprobe")
    glob = "c*"
    expected = [f for f in functions.functions() if not f.unique and f.name[0] == "c"]
    result = found(f"fbt::{glob}:entry")
    attached = {point.attach.target for point in result.points}
    assert expected and len(attached) > 1000 and not attached & {f.symbol for f in expected}
    count = len(expected)
    what = "1 function was" if count == 1 else f"{count} functions were"
    assert result.notes == (f"{what} left out of fbt::{glob}:entry: others have the same name",)
    assert found("fbt::vfs_rea*:entry").notes == ()


def test_a_clone_has_no_typed_arguments(kernel_with):
    """The compiler may have dropped or split its parameters; BTF describes the source's."""
    kernel_with("kprobe")
    clone = next(f for f in functions.functions() if ".isra." in f.symbol and f.unique)
    points = [p for p in found(f"fbt::{clone.name}:").points if p.attach.target == clone.symbol]
    assert [p.probe.name for p in points] == ["entry", "return"]
    assert [list(arguments(p)) for p in points] == [[], []]


@pytest.mark.parametrize(
    ("mechanisms", "entry"),
    [
        (("fentry", "fexit", "kprobe"), "kprobe"),
        (("fentry", "fexit", "kprobe_multi", "kprobe"), "kprobe_multi"),
        (("fentry", "fexit"), "fentry"),
    ],
)
def test_clauses_of_one_function_are_in_one_program(monkeypatch, kernel_with, mechanisms, entry):
    """Also where one names it alone, which is cheaper otherwise, and one as one of many."""
    monkeypatch.setenv("DSCRIPT_CACHE", "0")  # it knows nothing of pretending
    kernel_with(*mechanisms)
    program = api.compile(
        "fbt::vfs_read:entry { self->x = 1; } "
        "fbt::vfs_*:entry /self->x/ { @[probefunc] = count(); }"
    )
    keys = [key for key, probe in program.probes.items() if probe.function == "vfs_read"]
    with_it = [a for a in program.attachments if set(a.probes) & set(keys)]
    assert [a.kind for a in with_it] == [entry]
    alone = api.compile(
        "fbt::vfs_read:entry { @ = count(); } fbt::vfs_write:entry { @ = count(); }"
    )
    assert {a.kind for a in alone.attachments} == {"fentry"}
