"""All checks that run inside the guests; each becomes one test of `test_guest.py`.

They stand in the modules `checks_*.py` beside this one.  Run as a program in the guest
(`checks.py KERNEL FOLDER [WORD]`), it runs those of KERNEL (whose names hold WORD) and
writes FOLDER/results.json: for each check None, or what went wrong.
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

from tests.vm.harness import CHECKS  # noqa: E402 - the path above must come first

for _path in sorted(HERE.glob("checks_*.py")):
    importlib.import_module(f"tests.vm.{_path.stem}")


def main(kernel: str, folder: Path, word: str) -> None:
    import dscript.pipeline  # noqa: F401 - every fork has it then

    results: dict[str, str | None] = {}
    for check in CHECKS.values():
        if kernel not in check.kernels or word not in check.name:
            continue
        started = time.monotonic()
        try:
            check.function(folder)
            results[check.name] = None
        except Exception:
            results[check.name] = traceback.format_exc(limit=4)
        print(f"{check.name}: {time.monotonic() - started:.1f} s", flush=True)
        (folder / "results.json").write_text(json.dumps(results))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), (sys.argv[3:] or [""])[0])
