"""Kernel types and symbols for the checker, from BTF and kallsyms, loaded when first asked."""

from __future__ import annotations

from dscript.dtypes.types import EnumType, StructType, Type


class KernelTypes:
    """Implements `environment.KernelNames`; nothing is imported before a name is asked for."""

    def struct(self, kind: str, tag: str, module: str = "") -> StructType | None:
        from dscript.kernel import btf_types

        find = btf_types.struct if kind == "struct" else btf_types.union
        return find(tag, module)

    def typedef(self, name: str, module: str = "") -> Type | None:
        from dscript.kernel import btf_types

        return btf_types.typedef(name, module)

    def enum(self, tag: str, module: str = "") -> EnumType | None:
        from dscript.kernel import btf_types

        return btf_types.enum(tag, module)

    def enumerator(self, name: str, module: str = "") -> tuple[int, EnumType] | None:
        from dscript.kernel import btf_types

        return btf_types.enumerator(name)

    def symbol(self, module: str, name: str) -> tuple[int, Type] | None:
        """Address and type of a kernel variable; None without the address or the type."""
        from dscript.kernel import btf_types, kallsyms

        found = kallsyms.data_symbol(name, module)
        type_ = btf_types.variable(name, module)
        if found is None or type_ is None:
            return None
        return found.address, type_
