"""File systems of the guest's own, on loop devices."""

from __future__ import annotations

import subprocess
from pathlib import Path


def ext4(name: str, megabytes: int) -> Path:
    """A folder on ext4 on a loop device of that size, made once for each name."""
    folder = Path(f"/run/{name}")
    if not folder.exists():
        image = Path(f"/dev/shm/{name}")
        with image.open("wb") as file:
            file.truncate(megabytes << 20)
        folder.mkdir()
        for command in (
            ("modprobe", "loop"),
            ("modprobe", "ext4"),
            ("mkfs.ext4", "-q", "-F", str(image)),
            ("mount", "-o", "loop", str(image), str(folder)),
        ):
            subprocess.run(command, check=True, capture_output=True)
    return folder
