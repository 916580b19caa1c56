"""The numbers in `helpers.py` are those of the running kernel's BTF."""

from enum import IntEnum

import pytest

from dscript.kernel import btf
from dscript.object.helpers import Helper, MapType


@pytest.mark.parametrize(
    ("enum", "tag", "prefix"),
    [(Helper, "bpf_func_id", "BPF_FUNC_"), (MapType, "bpf_map_type", "BPF_MAP_TYPE_")],
)
def test_numbers(enum: type[IntEnum], tag: str, prefix: str) -> None:
    types = btf.vmlinux()
    if types is None:
        pytest.skip("this kernel has no BTF")
    type_id = types.find(btf.Kind.ENUM, tag)
    assert type_id is not None
    kernel = {name.removeprefix(prefix).upper(): n for name, n in types.enumerators(type_id)}
    assert {member.name: kernel[member.name] for member in enum} == {
        member.name: member.value for member in enum
    }
