"""What a metric returns: a value with its uncertainty, or null with the reason."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Measurement:
    """One figure.

    Attributes
    ----------
    value
        The figure; None where it is undefined, never 0 and never NaN in its place.
    standard_error
        User-level standard error; None where it is undefined.
    n
        How many observations the figure rests on (the metric's docstring says of what).
    reason
        Why ``value`` is None; None where it is defined.
    """

    value: float | None
    standard_error: float | None
    n: int
    reason: str | None = None

    def __post_init__(self) -> None:
        if self.value is None and not self.reason:
            raise ValueError("an undefined figure needs a reason.")
        if self.value is not None and self.value != self.value:
            raise ValueError("a figure is never NaN: pass None and a reason.")


def undefined(reason: str, *, n: int = 0) -> Measurement:
    """Return an undefined figure with its reason."""
    return Measurement(value=None, standard_error=None, n=n, reason=reason)
