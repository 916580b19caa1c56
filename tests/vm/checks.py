"""All checks that run inside the guests; each becomes one test of `test_guest.py`.

They stand in the modules `checks_*.py` beside this one.  Run as a program in the guest
(`checks.py KERNEL FOLDER [WORD]`), it runs those of KERNEL (whose names hold WORD) and
writes FOLDER/results.json: for each check None, or what went wrong.  A check that failed is
run once more after all others, and named in FOLDER/again.json; what failed twice has failed.
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

for _path in sorted(HERE.glob("checks_*.py")):
    importlib.import_module(f"tests.vm.{_path.stem}")


def main(kernel: str, folder: Path, word: str) -> None:
    import dscript.pipeline  # noqa: F401 - every fork has it then

    results: dict[str, str | None] = {}

    def run(check: Check) -> None:
        started = time.monotonic()
        try:
            check.function(folder)
            results[check.name] = None
        except Exception:
            results[check.name] = traceback.format_exc(limit=4)
        print(f"{check.name}: {time.monotonic() - started:.1f} s", flush=True)
        (folder / "results.json").write_text(json.dumps(results))

    for check in CHECKS.values():
        if kernel in check.kernels and word in check.name:
            run(check)
    failed = {name: failure for name, failure in results.items() if failure is not None}
    (folder / "again.json").write_text(json.dumps(failed))
    for name in failed:
        run(CHECKS[name])


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), (sys.argv[3:] or [""])[0])
