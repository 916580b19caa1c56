"""Hook of mkdocs: the recipes of examples/ as pages of the site."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[1]
_LINK = re.compile(r"\]\((?:\.\./)+examples/([\w/.-]+)\)")


def on_files(files: Files, *, config: Any) -> Files:
    """A page for each file of examples/, with its text."""
    for path in sorted((ROOT / "examples").rglob("*")):
        if path.is_file():
            name = path.relative_to(ROOT)
            language = "d" if path.suffix == ".d" else ""
            text = f"# {path.name}\n\n````{language}\n{path.read_text()}````\n"
            files.append(File.generated(config, f"{name}.md", content=text))
    return files


def on_page_markdown(markdown: str, *, page: Any, **_: Any) -> str:
    """Links to the files of examples/ lead to their pages."""
    up = "../" * page.file.src_uri.count("/")
    return _LINK.sub(lambda found: f"]({up}examples/{found[1]}.md)", markdown)
