"""All checks that run inside the guests; each becomes one test of `test_guest.py`.

They stand in the modules `checks_*.py` beside this one.  Run as a program in the guest
(`checks.py KERNEL FOLDER OWN [WORD]`), it runs those of KERNEL (whose names hold WORD) that no
other guest with the same FOLDER has taken, in its OWN folder, and writes OWN/results.json: for
each check None, or what went wrong.  A check that failed is run once more after all others, and
named in OWN/again.json; what failed twice has failed.
"""

from __future__ import annotations

import importlib
import json
import sys
import time
import traceback
from pathlib import Path

HERE = Path(__file__).resolve().parent
if __name__ == "__main__":
    sys.path.insert(0, str(HERE.parents[1]))

from tests.vm.harness import CHECKS, Check  # noqa: E402 - the path above must come first

# Folder in the shared one that has a folder for each check that a guest has taken.
TAKEN = "taken"

for _path in sorted(HERE.glob("checks_*.py")):
    importlib.import_module(f"tests.vm.{_path.stem}")


def main(kernel: str, folder: Path, own: Path, word: str) -> None:
    import dscript.pipeline  # noqa: F401 - every fork has it then

    results: dict[str, str | None] = {}
    (own / "results.json").write_text("{}")

    def run(check: Check) -> None:
        started = time.monotonic()
        try:
            check.function(own)
            results[check.name] = None
        except Exception:
            results[check.name] = traceback.format_exc(limit=4)
        print(f"{check.name}: {time.monotonic() - started:.1f} s", flush=True)
        (own / "results.json").write_text(json.dumps(results))

    for check in CHECKS.values():
        if kernel in check.kernels and word in check.name and _take(folder, check.name):
            run(check)
    failed = {name: failure for name, failure in results.items() if failure is not None}
    (own / "again.json").write_text(json.dumps(failed))
    for name in failed:
        run(CHECKS[name])


def _take(folder: Path, name: str) -> bool:
    """Whether the check is this guest's: only one of those that share a folder can make it."""
    try:
        (folder / TAKEN / name).mkdir()
    except FileExistsError:
        return False
    return True


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), (sys.argv[4:] or [""])[0])
