"""Fixtures of the providers' tests."""

from __future__ import annotations

import fcntl
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def alone_on_the_network() -> Iterator[None]:
    """No other test sends packets: who counts the whole machine's would see them."""
    with open(Path(tempfile.gettempdir()) / "dscript-network-tests.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
