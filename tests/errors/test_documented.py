"""docs/errors.md has every tag that the source can raise, and no other."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.errors.test_wrong_programs import TABLES

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTED = set(re.findall(r"`(D_[A-Z_]+)`", (ROOT / "docs/errors.md").read_text()))
SOURCES = [path.read_text() for path in sorted((ROOT / "dscript").rglob("*.py"))]
RAISED = {tag for text in SOURCES for tag in re.findall(r'(?<!f)"(D_[A-Z_]+)"', text)}
# Tags put together, as in f"D_{name}_AGGBAD": a pattern of tags.
COMPOSED = {
    re.sub(r"\{[^{}]*\}", "[A-Z]+", form)
    for text in SOURCES
    for form in re.findall(r'f"(D_[^"]*)"', text)
}


def test_the_source_was_found() -> None:
    assert {"D_SYNTAX", "D_PDESC_ZERO"} <= RAISED
    assert "D_[A-Z]+_AGGBAD" in COMPOSED


@pytest.mark.parametrize("tag", sorted(RAISED))
def test_every_tag_is_documented(tag: str) -> None:
    assert tag in DOCUMENTED


@pytest.mark.parametrize("form", sorted(COMPOSED))
def test_composed_tags_are_documented(form: str) -> None:
    assert any(re.fullmatch(form, tag) for tag in DOCUMENTED)


def test_tags_that_programs_met_are_documented() -> None:
    assert {row[1] for table in TABLES.values() for row in table} <= DOCUMENTED


@pytest.mark.parametrize("tag", sorted(DOCUMENTED - RAISED - {"D_XXX"}))
def test_nothing_else_is_documented(tag: str) -> None:
    composed = any(re.fullmatch(form, tag) for form in COMPOSED)
    assert composed, f"{tag} is not raised anywhere"
