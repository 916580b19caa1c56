"""Types of a user program from a section .BTF, which some compilers and pahole leave."""

from __future__ import annotations

from dscript.dtypes.types import VOID, Type
from dscript.kernel import btf_image, elf
from dscript.kernel.btf import Btf, Kind
from dscript.kernel.btf_types import Converter
from dscript.kernel.dwarf_types import Parameter, TypeKind, UserFunction

_KINDS: dict[TypeKind, tuple[Kind, ...]] = {
    "struct": (Kind.STRUCT,),
    "union": (Kind.UNION,),
    "enum": (Kind.ENUM, Kind.ENUM64),
    "typedef": (Kind.TYPEDEF,),
}


class BtfSource:
    """Types and functions by name; a function is found by its symbol."""

    def __init__(self, types: Btf, image: elf.Elf) -> None:
        self._btf, self._image = types, image
        self._converter = Converter(types, user=True)

    @classmethod
    def of(cls, data: bytes, image: elf.Elf) -> BtfSource | None:
        """None where the section cannot be read."""
        built = btf_image.build(data, 1, 0, None)
        opened = btf_image.open_image(built) if built is not None else None
        return None if opened is None else cls(Btf("", opened, None), image)

    def function(self, address: int) -> UserFunction | None:
        for symbol in self._image.functions():
            found = self._btf.find(Kind.FUNC, symbol.name) if symbol.address == address else None
            if found is not None:
                break
        else:
            return None
        params = self._btf.params(found)
        variadic = bool(params) and params[-1] == ("", 0)
        named = tuple(
            Parameter(p.name, self._converter.type(p.type))
            for p in (params[:-1] if variadic else params)
        )
        result = self._btf.result(found)
        return UserFunction(
            named, Parameter("", self._converter.type(result) if result else VOID), variadic
        )

    def named(self, kind: TypeKind, name: str, near: int | None = None) -> Type | None:
        for btf_kind in _KINDS[kind]:
            found = self._btf.find(btf_kind, name)
            if found is not None:
                return self._converter.type(found)
        return None
