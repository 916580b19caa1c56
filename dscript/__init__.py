"""dscript: the DTrace D language, compiled to eBPF."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dscript.version import VERSION as __version__

if TYPE_CHECKING:
    from dscript.api import compile, run
    from dscript.request import Picture

__all__ = ["Picture", "__version__", "compile", "run"]


def __getattr__(name: str) -> Any:
    """`compile`, `run` and `Picture`, imported when they are asked for."""
    if name == "Picture":
        from dscript.request import Picture

        return Picture
    if name in ("compile", "run"):
        from dscript import api

        return getattr(api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
