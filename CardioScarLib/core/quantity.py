"""A number with everything needed to report it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Quantity:
    """name: stable key, such as "scar_volume_ml". label: for people, such as "Scar volume". unit: "mL", "g", "%", "mm".

    low, high: interval that holds the true value with probability `level` as far as the posterior knows; all None where no
        interval is known. method: how the number was found, in words. threshold: on the scar fraction, where one was used.
    parts: lower and upper end of the interval that each source of uncertainty alone would give, by its name, where there are several.
    """

    name: str
    label: str
    value: float
    unit: str
    method: str
    low: float | None = None
    high: float | None = None
    level: float | None = None
    threshold: float | None = None
    parts: dict[str, tuple[float, float]] = field(default_factory=dict, hash=False)

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values, without the name: it is the key under which they are kept."""
        return {
            "label": self.label,
            "value": self.value,
            "low": self.low,
            "high": self.high,
            "level": self.level,
            "unit": self.unit,
            "method": self.method,
            "threshold": self.threshold,
            "parts": {source: list(ends) for source, ends in self.parts.items()},
        }

    @classmethod
    def from_dict(cls, name: str, values: dict[str, Any]) -> Quantity:
        parts = {source: (low, high) for source, (low, high) in values.get("parts", {}).items()}
        return cls(name, **{**values, "parts": parts})

    def __str__(self) -> str:
        """As in "12.3 mL (95 % interval 10.1 to 14.2)"."""
        text = f"{number_in_words(self.value)} {self.unit}"
        if self.low is None or self.high is None or self.level is None:
            return text
        return f"{text} ({100 * self.level:g} % interval {number_in_words(self.low)} to {number_in_words(self.high)})"


NEGLIGIBLE = 0.05
"""In every unit used here (mL, g, %, mm) less than this is shown as 0.0."""


def number_in_words(value: float) -> str:
    """One decimal, as clinicians report it; never 1.9e-35."""
    return "0.0" if abs(value) < NEGLIGIBLE else f"{value:.1f}"


def level_in_words(value: float, scale: float) -> str:
    """An intensity with four digits; "0" where it is nothing on its scale, as 8.757e-27 is where scar has 1."""
    return "0" if abs(value) < 1e-6 * abs(scale) else f"{value:.4g}"
