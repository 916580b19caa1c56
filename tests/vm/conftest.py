"""The end of the run tells what the guests skipped or ran twice; pytest outside cannot know."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.vm import suite


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for kernel, skips in suite.SKIPPED.items():
        terminalreporter.section(f"skipped in the guest of kernel {kernel}: {len(skips)}")
        for reason, count in Counter(reason for _, reason in skips).most_common():
            tests = ", ".join(name for name, why in skips if why == reason)
            terminalreporter.line(f"{count:4} {reason} ({tests})")
    for kernel, failures in suite.AGAIN.items():
        for name, failure in failures.items():
            terminalreporter.section(f"run twice in the guest of kernel {kernel}: {name}")
            terminalreporter.line(failure)
