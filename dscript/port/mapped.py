"""Text that knows where in a file each of its characters stands."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

# The place of a character that is in no file: a value put in for a shell variable.
NOWHERE = -1


class Mapped(NamedTuple):
    """`places` has the offset in the file of every character of `text`, or NOWHERE."""

    text: str
    places: Sequence[int]

    @staticmethod
    def of(text: str) -> Mapped:
        """The text of a whole file."""
        return Mapped(text, range(len(text)))

    @staticmethod
    def made(text: str) -> Mapped:
        """Text that stands in no file."""
        return Mapped(text, [NOWHERE] * len(text))

    @staticmethod
    def join(parts: Iterable[Mapped]) -> Mapped:
        text: list[str] = []
        places: list[int] = []
        for part in parts:
            text.append(part.text)
            places += part.places
        return Mapped("".join(text), places)

    def cut(self, start: int, end: int | None = None) -> Mapped:
        """The part from `start` up to `end`."""
        return Mapped(self.text[start:end], self.places[start:end])

    def place(self, start: int, end: int) -> tuple[int, int] | None:
        """Where `text[start:end]` stands in the file; None where it is not there as it is."""
        if not start < end <= len(self.places):
            return None
        first = self.places[start]
        if first == NOWHERE or self.places[end - 1] != first + end - 1 - start:
            return None
        return first, first + end - start

    def near(self, at: int) -> int:
        """The offset in the file nearest to a character, looking back, 0 at worst."""
        for place in reversed(self.places[: at + 1]):
            if place != NOWHERE:
                return place
        return next((place for place in self.places[at + 1 :] if place != NOWHERE), 0)
