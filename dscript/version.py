"""The version, which whoever prints it need not import the whole package for."""

from __future__ import annotations

from typing import Final

VERSION: Final = "0.1.0"
