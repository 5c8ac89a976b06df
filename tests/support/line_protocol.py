"""A reader of InfluxDB line protocol, written from its public description and independent of the client."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Point:
    """One point as the server understands it."""

    measurement: str
    tags: dict[str, str]
    fields: dict[str, Any]
    time: int


class Reader:
    """Reads points one after the other; text values may contain line feeds."""

    def __init__(self, text: str) -> None:
        self._text, self._at = text, 0

    def points(self) -> list[Point]:
        found = []
        while self._at < len(self._text):
            found.append(self._point())
            self._expect("\n")
        return found

    def _point(self) -> Point:
        measurement = self._name(", ")
        tags, fields = {}, {}
        while self._next() == ",":
            self._expect(",")
            name = self._name("=")
            self._expect("=")
            assert name not in tags, f"two tags {name!r}"
            tags[name] = self._name(", ")
        self._expect(" ")
        while True:
            name = self._name("=")
            self._expect("=")
            assert name not in fields, f"two fields {name!r}"
            fields[name] = self._value()
            if self._next() != ",":
                break
            self._expect(",")
        self._expect(" ")
        return Point(measurement, tags, fields, int(self._until("\n")))

    def _name(self, ends: str) -> str:
        """Read a measurement, key or tag value; a backslash takes a special character's meaning away."""
        out = []
        while self._next() not in ends:
            letter = self._take()
            assert letter != "\n", "a line feed in a name"
            out.append(self._take() if letter == "\\" and self._next() in ",= " else letter)
        assert out, "an empty name"
        return "".join(out)

    def _value(self) -> Any:
        if self._next() == '"':
            return self._string()
        text = self._until(", ")
        if text in ("true", "false"):
            return text == "true"
        return int(text[:-1]) if text.endswith("i") else float(text)

    def _string(self) -> str:
        self._expect('"')
        out = []
        while self._next() != '"':
            letter = self._take()
            out.append(self._take() if letter == "\\" and self._next() in '"\\' else letter)
        self._expect('"')
        return "".join(out)

    def _until(self, ends: str) -> str:
        start = self._at
        while self._next() not in ends:
            self._take()
        return self._text[start : self._at]

    def _next(self) -> str:
        assert self._at < len(self._text), "the text ends within a point"
        return self._text[self._at]

    def _take(self) -> str:
        letter = self._next()
        self._at += 1
        return letter

    def _expect(self, wanted: str) -> None:
        assert self._take() == wanted
