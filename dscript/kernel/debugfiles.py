"""Where separate debug files lie: those that packages with `-dbgsym` in their names install."""

from __future__ import annotations

from collections.abc import Mapping

# The folder has `.build-id/xx/yyyy.debug`, and the tree of the files that debug links name.
folders = ["/usr/lib/debug"]


def use(options: Mapping[str, str]) -> None:
    """Look in the folder of the option debugdir, where that is set."""
    if "debugdir" in options:
        folders[:] = [options["debugdir"]]
