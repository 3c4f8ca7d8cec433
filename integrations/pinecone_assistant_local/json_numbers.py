"""Numbers under the limits of a JSON Schema."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction

_TRIES = 16


@dataclass(frozen=True, slots=True)
class Range:
    """What a number may be.

    Attributes:
        low: The least value, or None.
        high: The greatest value, or None.
        low_open: Whether `low` itself is excluded.
        high_open: Whether `high` itself is excluded.
        step: The number is a multiple of this, or None.
        is_integer: Whether it is written without a fraction.
    """

    low: Fraction | None
    high: Fraction | None
    low_open: bool
    high_open: bool
    step: Fraction | None
    is_integer: bool

    @classmethod
    def of(cls, node: Mapping[str, object], *, is_integer: bool) -> Range:
        """The limits that a schema sets; an exclusive limit may be a number or, in draft 4, true."""
        low, low_open = _limit(node, "minimum", "exclusiveMinimum", max)
        high, high_open = _limit(node, "maximum", "exclusiveMaximum", min)
        step = _fraction(node.get("multipleOf"))
        if is_integer:
            # A multiple of 2.5 that is an integer is a multiple of 5.
            step = Fraction(step.numerator) if step else Fraction(1)
        return cls(low, high, low_open, high_open, step or None, is_integer)

    def pick(self, candidates: Iterable[float], index: int = 0) -> float | int:
        """One of the candidates that are allowed, by its index; else something allowed."""
        allowed = [number for number in map(_fraction, candidates) if number is not None and self.allows(number)]
        number = allowed[index] if index < len(allowed) else self._something(index - len(allowed))
        return int(number) if self.is_integer or number.denominator == 1 else float(number)

    def allows(self, number: Fraction) -> bool:
        """Whether a number is within the limits."""
        if self.low is not None and (number < self.low or (self.low_open and number == self.low)):
            return False
        if self.high is not None and (number > self.high or (self.high_open and number == self.high)):
            return False
        # Validators divide floats: 0.3 is a multiple of 0.1 by arithmetic, but not for them.
        return self.step is None or (number % self.step == 0 and (float(number) / float(self.step)).is_integer())

    def _something(self, index: int) -> Fraction:
        step = self.step or Fraction(1)
        if self.low is not None:
            first = math.ceil(self.low / step) * step
            values = (first + step * (index + extra) for extra in range(_TRIES))
        elif self.high is not None:
            first = math.floor(self.high / step) * step
            values = (first - step * (index + extra) for extra in range(_TRIES))
        else:
            return step * index
        for value in values:
            if self.allows(value):
                return value
        if self.low is not None and self.high is not None and self.step is None:
            return (self.low + self.high) / 2
        return self.low if self.low is not None else Fraction(0)


def _limit(node: Mapping[str, object], closed: str, exclusive: str, tighter: object) -> tuple[Fraction | None, bool]:
    inclusive_limit = _fraction(node.get(closed))
    value = node.get(exclusive)
    if value is True:
        return inclusive_limit, inclusive_limit is not None
    exclusive_limit = _fraction(value)
    if exclusive_limit is None:
        return inclusive_limit, False
    if inclusive_limit is None or inclusive_limit == exclusive_limit:
        return exclusive_limit, True
    chosen = max(inclusive_limit, exclusive_limit) if tighter is max else min(inclusive_limit, exclusive_limit)
    return chosen, chosen == exclusive_limit


def _fraction(value: object) -> Fraction | None:
    """The exact value of a JSON number as it was written: 0.1 is a tenth."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return Fraction(str(value))
