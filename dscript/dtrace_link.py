"""The command under the name `dtrace`, so that scripts with `#!/usr/sbin/dtrace -s` run."""

from __future__ import annotations

import os
import sys

from dscript.errors import TracingError

NAME = "dtrace"
# Where interpreter lines look for it, and where to put it if that folder takes no files.
_FOLDERS = ("/usr/sbin", "/usr/local/sbin")


def called_by(path: str) -> str:
    """The name that messages start with, for a command that was run as `path`."""
    return NAME if os.path.basename(path) == NAME else "dscript"


def install(folder: str | None = None) -> str:
    """Make the link, by default in /usr/sbin; one line that says what was done.

    A link that is there already is made new.  Raises TracingError for a file that is not ours,
    for a folder that does not take it, and where the command itself is not found.
    """
    command = _command()
    reasons = []
    for place in (folder,) if folder is not None else _FOLDERS:
        path = os.path.join(os.path.abspath(place), NAME)
        try:
            return _link(path, command)
        except OSError as error:
            reasons.append(f"failed to make {path}: {error.strerror}")
    raise TracingError(reasons[0], "name another folder: --install-dtrace-link=DIR")


def _link(path: str, command: str) -> str:
    if os.path.lexists(path):
        if not _is_ours(path, command):
            raise TracingError(
                f"{path} exists and is not a link to dscript; it stays as it is",
                "name another folder: --install-dtrace-link=DIR",
            )
        os.unlink(path)
    os.symlink(command, path)
    if path == f"/usr/sbin/{NAME}":
        return f"{path} -> {command}"
    return f"{path} -> {command}; a script's first line has to name it: #!{path} -s"


def _is_ours(path: str, command: str) -> bool:
    """Whether a file is a link to a dscript, perhaps one that is no longer there."""
    if not os.path.islink(path):
        return False
    target = os.readlink(path)
    return os.path.basename(target) == "dscript" or os.path.realpath(path) == command


def _command() -> str:
    """The file to link to: the command that runs, or the one beside this Python."""
    import shutil

    beside = os.path.join(os.path.dirname(sys.executable), "dscript")
    for path in (sys.argv[0], beside, shutil.which("dscript") or ""):
        real = os.path.realpath(path)
        if (
            os.path.basename(real) == "dscript"
            and os.path.isfile(real)
            and os.access(real, os.X_OK)
        ):
            return real
    raise TracingError(
        "the command dscript is not installed, there is nothing to link to",
        "install it: pip install dscript",
    )
