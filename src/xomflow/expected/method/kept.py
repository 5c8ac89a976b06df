"""States that are kept as JSON, and go on after reading exactly as they would have without."""

from __future__ import annotations

from typing import Any, Self


class Kept:
    """An object whose attributes, those of ``__slots__``, are numbers, texts and lists of them."""

    __slots__: tuple[str, ...] = ()

    def to_json(self) -> list[Any]:
        """Return the attributes; the lists in it still change with the object."""
        return [getattr(self, name) for name in self.__slots__]

    @classmethod
    def from_json(cls, content: list[Any]) -> Self:
        """Return the object with these attributes; `ValueError` or `TypeError` for another form."""
        self = cls.__new__(cls)
        for name, value in zip(cls.__slots__, content, strict=True):
            setattr(self, name, value)
        return self
