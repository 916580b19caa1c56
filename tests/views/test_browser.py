"""Flame graph and heat map in a real browser: what they show equals the text of the same run."""

from __future__ import annotations

import math
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement

from tests.output.machine import DSCRIPT

FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--window-size=1280,900",
)  # fmt: skip

# A process that reads, looks up files and sleeps; it still lives when its stacks are named.
WORK = """
import os, time
end = time.time() + 20
null = os.open("/dev/zero", os.O_RDONLY)
while time.time() < end:
    for size in (1, 64, 4096, 65536, 262144):
        os.read(null, size)
    os.stat("/etc/passwd")
    time.sleep(0.002)
"""

PROGRAM = r"""
syscall:::entry /pid == $target/ {
    self->start = timestamp;
    @calls[execname, probefunc, stack(6), ustack(6)] = count();
}
syscall:::return /self->start/ {
    @time = quantize(timestamp - self->start);
    self->start = 0;
}
tick-1500ms { exit(0); }
END {
    printa("KEY %s %s\nKERNEL%kUSER%kCOUNT %@d\n", @calls);
    printa("TIME%@d\n", @time);
}
"""


class Traced(NamedTuple):
    """One run: its text, and its pictures in `folder`."""

    text: str
    folder: Path


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Traced:
    folder = tmp_path_factory.mktemp("run")
    (folder / "work.py").write_text(WORK)
    (folder / "program.d").write_text(PROGRAM)
    done = subprocess.run(
        [
            DSCRIPT, "-q", "--flamegraph", "flame.svg", "--folded", "@calls=calls.folded",
            "--heatmap=heat.svg", "--heatmap-interval", "100ms", "-s", "program.d",
            "-c", f"{sys.executable} {folder}/work.py",
        ],
        cwd=folder, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert done.stderr == ""
    return Traced(done.stdout, folder)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    for flag in FLAGS:
        options.add_argument(flag)
    options.add_argument(f"--user-data-dir={tmp_path_factory.mktemp('profile')}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options, webdriver.ChromeService("/usr/bin/chromedriver"))
    yield driver
    driver.quit()


def stacks_of(text: str) -> Counter[tuple[str, ...]]:
    """The text's stacks from the root on, functions without offsets, with their counts."""
    found: Counter[tuple[str, ...]] = Counter()
    pattern = r"KEY (\S+) (\S+)\nKERNEL\n(.*?)USER\n(.*?)COUNT (\d+)\n"
    for comm, call, kernel, user, count in re.findall(pattern, text, re.DOTALL):
        frames = [
            re.sub(r"\+0x[0-9a-f]+$", "", line.strip())
            for part in (user, kernel)
            for line in reversed(part.splitlines())
        ]
        found[(comm, call, *frames)] += int(count)
    return found


def opened(browser: webdriver.Chrome, path: Path) -> None:
    browser.get(path.as_uri())
    screenshot = path.with_suffix(".png")
    assert browser.save_screenshot(str(screenshot))
    assert screenshot.stat().st_size > 10_000


def by_id(browser: webdriver.Chrome, name: str) -> WebElement:
    return browser.find_element(By.ID, name)


def no_complaints(browser: webdriver.Chrome) -> None:
    assert browser.get_log("browser") == []


def frames(browser: webdriver.Chrome) -> list[dict[str, object]]:
    """Every frame that is shown: its data, and where it is drawn."""
    shown: list[dict[str, object]] = browser.execute_script(
        """return Array.from(document.querySelectorAll(".frame:not(.hidden)"), (frame) => ({
             ...frame.dataset,
             label: frame.querySelector("text").textContent,
             tip: frame.querySelector("title").textContent,
             width: Number(frame.querySelector("rect").getAttribute("width")),
             hit: frame.classList.contains("hit"),
           }))"""
    )
    return shown


def test_flame_graph_equals_the_text(run: Traced, browser: webdriver.Chrome) -> None:
    opened(browser, run.folder / "flame.svg")
    expected: Counter[tuple[int, str]] = Counter()
    stacks = stacks_of(run.text)
    total = sum(stacks.values())
    assert total > 200
    for stack, count in stacks.items():
        for depth, name in enumerate(("all", *stack)):
            expected[depth, name] += count
    found: Counter[tuple[int, str]] = Counter()
    for frame in frames(browser):
        found[int(str(frame["depth"])), str(frame["name"])] += int(str(frame["value"]))
        share = 100 * int(str(frame["value"])) / total
        assert frame["tip"] == f"{frame['name']}\n{frame['value']} ({share:.2f} %)"
        label = str(frame["label"])
        assert label == "" or str(frame["name"]).startswith(label.removesuffix("…"))
    assert found == expected
    assert f"total {total} in " in by_id(browser, "subtitle").text
    # The labels that matter most can be read.
    labels = {str(frame["label"]) for frame in frames(browser)}
    assert {"all", "read"} <= labels
    no_complaints(browser)


def test_folded_lines_equal_the_text(run: Traced) -> None:
    found: Counter[tuple[str, ...]] = Counter()
    for line in (run.folder / "calls.folded").read_text().splitlines():
        names, _, count = line.rpartition(" ")
        found[tuple(names.split(";"))] += int(count)
    assert found == stacks_of(run.text)


def test_flame_graph_zooms_by_clicks(run: Traced, browser: webdriver.Chrome) -> None:
    opened(browser, run.folder / "flame.svg")
    before = frames(browser)
    full = max(float(str(frame["width"])) for frame in before)
    read = browser.find_element(By.CSS_SELECTOR, '.frame.key[data-name="read"]')
    assert not by_id(browser, "reset").is_displayed()
    read.find_element(By.TAG_NAME, "rect").click()
    zoomed = {(f["depth"], f["name"]): f for f in frames(browser)}
    # It is as wide as the picture, its callers too; its neighbours are gone.
    assert float(str(zoomed["2", "read"]["width"])) == pytest.approx(full)
    assert float(str(zoomed["0", "all"]["width"])) == pytest.approx(full)
    assert ("2", "newfstatat") not in zoomed and len(zoomed) < len(before)
    assert zoomed["2", "read"]["label"] == "read"
    assert by_id(browser, "reset").is_displayed()
    by_id(browser, "reset").click()
    again = frames(browser)
    assert [f["name"] for f in again] == [f["name"] for f in before]
    for old, new in zip(before, again, strict=True):
        assert float(str(new["width"])) == pytest.approx(float(str(old["width"])), abs=0.02)
    no_complaints(browser)


def test_flame_graph_finds_functions(run: Traced, browser: webdriver.Chrome) -> None:
    opened(browser, run.folder / "flame.svg")
    stacks = stacks_of(run.text)
    total = sum(stacks.values())
    field = by_id(browser, "search")
    field.click()
    field.send_keys("READ")
    expected = sum(c for s, c in stacks.items() if any("read" in name.lower() for name in s))
    assert f"{expected} of {total} ({100 * expected / total:.2f} %)" in by_id(browser, "found").text
    hits = {str(frame["name"]) for frame in frames(browser) if frame["hit"]}
    names = {name for stack in stacks for name in stack}
    assert hits == {name for name in names if "read" in name.lower()}
    field.send_keys(Keys.ESCAPE)
    assert by_id(browser, "found").text == ""
    assert not any(frame["hit"] for frame in frames(browser))
    no_complaints(browser)


def test_flame_graph_tells_of_what_is_pointed_at(run: Traced, browser: webdriver.Chrome) -> None:
    opened(browser, run.folder / "flame.svg")
    total = sum(stacks_of(run.text).values())
    root = browser.find_element(By.CSS_SELECTOR, ".frame.root rect")
    ActionChains(browser).move_to_element(root).perform()
    assert by_id(browser, "details").text.split() == ["all", str(total), "(100.00", "%)"]
    no_complaints(browser)


# The heat map.


def distribution(text: str) -> dict[int, int]:
    """Rows of the text's picture: value to count, without the empty rows around them."""
    _, _, picture = text.partition("TIME")
    rows = [
        (int(value), int(count))
        for value, count in re.findall(r"^ *(-?\d+) \|[@ ]{40} (\d+) *$", picture, re.MULTILINE)
    ]
    filled = [i for i, (_, count) in enumerate(rows) if count]
    return dict(rows[filled[0] : filled[-1] + 1])


def cells(browser: webdriver.Chrome) -> list[dict[str, str]]:
    shown: list[dict[str, str]] = browser.execute_script(
        """return Array.from(document.querySelectorAll(".cell:not(.hidden)"),
             (cell) => ({...cell.dataset}))"""
    )
    return shown


def row_texts(browser: webdriver.Chrome) -> dict[int, int]:
    """Label and total of every row, as they stand in the picture."""
    rows: list[list[str]] = browser.execute_script(
        """return Array.from(document.querySelectorAll(".row"), (row) =>
             Array.from(row.querySelectorAll("text"), (text) => text.textContent))"""
    )
    return {int(label): int(total) for label, total in rows}


def test_heat_map_equals_the_text(run: Traced, browser: webdriver.Chrome) -> None:
    opened(browser, run.folder / "heat.svg")
    expected = distribution(run.text)
    assert row_texts(browser) == expected
    total = sum(expected.values())
    assert sum(int(cell["count"]) for cell in cells(browser)) == total
    assert by_id(browser, "subtitle").text.startswith(f"total {total} in 1.")
    # Samples of a tenth of a second: the work went on all the time.
    columns = {int(cell["column"]) for cell in cells(browser)}
    assert max(columns) >= 12 and len(columns) >= 10
    no_complaints(browser)


def test_heat_map_zooms_by_clicks(run: Traced, browser: webdriver.Chrome) -> None:
    opened(browser, run.folder / "heat.svg")
    before = cells(browser)
    cell = browser.find_elements(By.CSS_SELECTOR, ".cell")[len(before) // 2]
    column = int(cell.get_attribute("data-column") or 0)
    cell.click()
    inside = cells(browser)
    columns = {int(c["column"]) for c in inside}
    # A quarter of the columns, around the one clicked.
    whole = max(int(c["column"]) for c in before) + 1
    assert column in columns and max(columns) - min(columns) < math.ceil(whole / 4)
    assert sum(row_texts(browser).values()) == sum(int(c["count"]) for c in inside)
    assert " of " in by_id(browser, "found").text
    by_id(browser, "reset").click()
    assert cells(browser) == before
    assert row_texts(browser) == distribution(run.text)
    no_complaints(browser)


def test_heat_map_finds_the_bucket_of_a_value(run: Traced, browser: webdriver.Chrome) -> None:
    opened(browser, run.folder / "heat.svg")
    expected = distribution(run.text)
    value, count = max(expected.items(), key=lambda row: row[1])
    by_id(browser, "search").click()
    by_id(browser, "search").send_keys(str(value + 1))
    total = sum(expected.values())
    assert by_id(browser, "found").text == (
        f"value {value}…{2 * value - 1}: {count} of {total} ({100 * count / total:.2f} %)"
    )
    (row,) = browser.find_elements(By.CSS_SELECTOR, ".row.hit")
    assert row.get_attribute("data-low") == str(value)
    by_id(browser, "search").send_keys("0000000")
    assert by_id(browser, "found").text == "no bucket holds this"
    no_complaints(browser)


def test_heat_map_tells_of_what_is_pointed_at(run: Traced, browser: webdriver.Chrome) -> None:
    opened(browser, run.folder / "heat.svg")
    cell = browser.find_elements(By.CSS_SELECTOR, ".cell")[0]
    ActionChains(browser).move_to_element(cell).perform()
    assert by_id(browser, "details").text.endswith(str(cell.get_attribute("data-count")))
    no_complaints(browser)
