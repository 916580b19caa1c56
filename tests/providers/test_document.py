"""docs/providers.md says what the providers say of themselves."""

from __future__ import annotations

from pathlib import Path

from dscript.providers import Pattern, descriptions, document, listing

DOCUMENT = Path(__file__).resolve().parents[2] / "docs/providers.md"


def test_the_table_is_up_to_date() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    assert text == document.updated(text), "run python -m dscript.providers.document"


def test_every_provider_describes_its_probes() -> None:
    for provider, rows in descriptions():
        assert rows, provider
        for row in rows:
            assert row.probes and row.mechanism and row.exactness, (provider, row)


def test_no_probe_goes_without_a_description() -> None:
    """Providers whose probes have names of their own list each of them."""
    for provider, rows in descriptions():
        told = "".join(row.probes for row in rows)
        found = {p.probe.name for p in listing(Pattern(provider, "", "", "")).points}
        if provider in ("sdt", "rawtp", "profile", "cpc"):
            continue
        assert not [name for name in found if f"`{name}`" not in told], provider
