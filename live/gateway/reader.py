"""Takes one field of a message after the other."""

from __future__ import annotations

from live.gateway.wire import WireError

__all__ = ["Reader"]


class Reader:
    """The fields of a message from some position on; whatever is missing or no number raises WireError."""

    def __init__(self, fields: tuple[str, ...], start: int) -> None:
        self._fields = fields
        self._next = start

    def text(self) -> str:
        """Take a field."""
        if self._next >= len(self._fields):
            raise WireError(f"a message of {len(self._fields)} fields ends too early")
        self._next += 1
        return self._fields[self._next - 1]

    def price(self) -> float | None:
        """Take a number, None where it is empty."""
        value = self.text()
        try:
            return float(value) if value else None
        except ValueError:
            raise WireError(f"field {self._next - 1} is {value!r}, no number") from None

    def number(self) -> int:
        """Take a whole number, 0 where it is empty."""
        value = self.price() or 0.0
        if value != int(value):
            raise WireError(f"field {self._next - 1} is {value!r}, no whole number")
        return int(value)

    def skip(self, fields: int) -> None:
        """Pass over some fields."""
        for _ in range(fields):
            self.text()

    def skip_groups(self, size: int) -> None:
        """Pass over groups of a size, the count of which comes first."""
        self.skip(self.number() * size)

    def end(self) -> None:
        """Make sure that no field is left."""
        if self._next != len(self._fields):
            raise WireError(f"{len(self._fields) - self._next} fields are left over at the end of a message")
