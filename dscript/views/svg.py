"""Parts of our SVG files: escaped text, numbers, the frame of a document.

The files hold their own style and script and refer to nothing else, so that a browser shows
them from a disk.  Without a script they show the whole picture, with tooltips.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

WIDTH = 1200
MARGIN = 12
# Advance of a character of the 12 px monospace font.
CHARACTER = 7.25

_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"})


def escaped(text: str) -> str:
    """Text for XML, without the characters XML 1.0 does not have."""
    kept = "".join(c if _allowed(c) else "\ufffd" for c in text)
    return kept.translate(_ESCAPES)


def _allowed(char: str) -> bool:
    code = ord(char)
    return code in (9, 10) or 32 <= code < 0xD800 or 0xE000 <= code < 0xFFFE or code > 0xFFFF


def number(value: float) -> str:
    """A coordinate with as few digits as needed."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def fitted(text: str, width: float) -> str:
    """As much of a label as a box has room for."""
    room = int((width - 6) / CHARACTER)
    if room < 3:
        return ""
    return text if len(text) <= room else text[: room - 1] + "…"


def percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.2f} %" if whole else "0 %"


def document(
    *, name: str, title: str, subtitle: str, hint: str, height: float, body: Iterable[str]
) -> str:
    """The whole file; `name` is that of the script, `hint` what its search field takes."""
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<svg xmlns="http://www.w3.org/2000/svg" id="{name}" width="{WIDTH}"'
        f' height="{number(height)}" viewBox="0 0 {WIDTH} {number(height)}"'
        ' font-family="ui-monospace, DejaVu Sans Mono, monospace" font-size="12">',
        f"<title>{escaped(title)}</title>",
        f"<style>\n{_resource('style.css')}</style>",
        f'<rect class="paper" width="{WIDTH}" height="{number(height)}"/>',
        f'<text id="heading" x="{MARGIN}" y="26">{escaped(title)}</text>',
        f'<text id="subtitle" x="{MARGIN}" y="45">{escaped(subtitle)}</text>',
        *_controls(hint),
        *body,
        f"<script><![CDATA[\n{_resource('common.js')}{_resource(f'{name}.js')}]]></script>",
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _controls(hint: str) -> list[str]:
    """The search field, what it found, and the button that undoes a zoom."""
    return [
        f'<foreignObject x="{WIDTH - MARGIN - 250}" y="10" width="250" height="28">'
        '<input xmlns="http://www.w3.org/1999/xhtml" id="search" type="search"'
        f' aria-label="Search" placeholder="{escaped(hint)}"/></foreignObject>',
        f'<text id="found" x="{WIDTH - MARGIN}" y="53" text-anchor="end"></text>',
        f'<g id="reset" class="hidden" tabindex="0" role="button">'
        f'<rect x="{WIDTH - MARGIN - 352}" y="12" width="92" height="24" rx="4"/>'
        f'<text x="{WIDTH - MARGIN - 306}" y="28" text-anchor="middle">Reset zoom</text></g>',
    ]


def _resource(name: str) -> str:
    with open(os.path.join(os.path.dirname(__file__), name), encoding="utf-8") as file:
        return file.read()
