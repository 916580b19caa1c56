"""dscript: the DTrace D language, compiled to eBPF."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dscript.api import compile, run

__all__ = ["__version__", "compile", "run"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """`compile` and `run`, imported when they are asked for."""
    if name in ("compile", "run"):
        from dscript import api

        return getattr(api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
