"""Kernel types and symbols for the checker, from BTF and kallsyms, loaded when first asked."""

from __future__ import annotations

from dscript.dtypes.types import (
    CHAR,
    CHAR_POINTER,
    INT,
    UINT,
    ULONG,
    VOID_POINTER,
    ArrayType,
    EnumType,
    FunctionType,
    StructType,
    Type,
)


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

    def symbol(self, module: str, name: str) -> tuple[int, Type | None] | None:
        """Address and type of a kernel variable or function; the type is None where unknown."""
        from dscript.kernel import btf_types, kallsyms

        function = kallsyms.text_symbol(name, module)
        if function is not None:
            known = btf_types.function(name, module)
            params = () if known is None else tuple(type_ for _, type_ in known.params)
            result = INT if known is None else known.result
            return function.address, FunctionType(result, params)
        found = kallsyms.data_symbol(name, module)
        if found is None:
            return None
        return found.address, btf_types.variable(name, module) or self._well_known(name)

    def missing(self, module: str) -> str | None:
        """Why a symbol may not be found; None when there is nothing to say."""
        from dscript.kernel import kallsyms

        if module not in ("", "vmlinux") and module not in kallsyms.modules():
            return f"no module {module} is loaded"
        if not kallsyms.has_data():
            return "this kernel names its functions only: it is built without CONFIG_KALLSYMS_ALL"
        return None

    def _well_known(self, name: str) -> Type | None:
        """BTF has the types of per-CPU variables only: those that scripts name, from headers."""
        if name in _STRUCTS:
            return self.struct("struct", _STRUCTS[name])
        return _VARIABLES.get(name)


# Declared in linux/jiffies.h, memblock.h, cpumask.h, kernel.h, init.h, sched.h, pid.h, mm.h,
# sched/loadavg.h, sched/stat.h, printk.h.
_VARIABLES: dict[str, Type] = {
    "avenrun": ArrayType(ULONG, 3),
    "console_printk": ArrayType(INT, 4),
    "high_memory": VOID_POINTER,
    "jiffies": ULONG,
    "jiffies_64": ULONG,
    "linux_banner": ArrayType(CHAR, None),
    "loops_per_jiffy": ULONG,
    "max_low_pfn": ULONG,
    "max_pfn": ULONG,
    "min_low_pfn": ULONG,
    "nr_cpu_ids": UINT,
    "nr_threads": INT,
    "oops_in_progress": INT,
    "panic_timeout": INT,
    "saved_command_line": CHAR_POINTER,
    "total_forks": ULONG,
    "vm_swappiness": INT,
}
_STRUCTS = {
    "init_cred": "cred",
    "init_fs": "fs_struct",
    "init_mm": "mm_struct",
    "init_net": "net",
    "init_nsproxy": "nsproxy",
    "init_pid_ns": "pid_namespace",
    "init_task": "task_struct",
    "init_user_ns": "user_namespace",
    "init_uts_ns": "uts_namespace",
}
