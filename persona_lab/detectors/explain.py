"""An alarm in words: when it began, from what to what, on which events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from persona_lab.contracts import DriftEstimate
from persona_lab.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Explanation:
    """One stream's alarm, explained.

    ``events`` are the ids from the change point to the alarm (those that speak for a change), ``likely_from`` to
    ``likely_to`` the 90 % interval of the change point, as event ids.
    """

    words: str
    events: tuple[str, ...]
    likely_from: str
    likely_to: str
    before: tuple[float, ...]
    after: tuple[float, ...]


def explain(
    estimate: DriftEstimate, *, stream: int, alarm_at: int, event_ids: Sequence[str], options: Sequence[str]
) -> Explanation | None:
    """Return the explanation of a stream's latest alarm; None where none has been raised.

    Parameters
    ----------
    estimate
        What ``detector.estimate(state)`` returned.
    stream
        Which stream.
    alarm_at
        Index, from 0, of the event that raised the alarm.
    event_ids
        The stream's events in order, those that counted for the detector.
    options
        Names of the rows of ``estimate.before``: for accept/reject ``("rejected", "accepted")``.

    Raises
    ------
    ConfigurationError
        If there is no such stream, a row without a name, or an event without an id.
    """
    if not 0 <= stream < estimate.start.size:
        raise ConfigurationError("explain", "stream", stream, f"0 to {estimate.start.size - 1}")
    if len(options) != estimate.before.shape[0]:
        raise ConfigurationError("explain", "options", tuple(options), f"{estimate.before.shape[0]} names, one a row")
    start = int(estimate.start[stream])
    if start < 0:
        return None
    if not start <= alarm_at < len(event_ids):
        raise ConfigurationError(
            "explain", "alarm_at", alarm_at, f"{start} to {len(event_ids) - 1}: at or after the change, with an id"
        )
    low, high = int(estimate.start_low[stream]), int(estimate.start_high[stream])
    before, after = estimate.before[:, stream], estimate.after[:, stream]
    moved = int(np.nanargmax(np.abs(after - before)))
    gained = int(np.nanargmax(after - before))
    top = gained if len(options) > 2 else moved if options[moved] == "accepted" else len(options) - 1
    words = (
        f"'{options[top]}' went from {before[top]:.0%} to {after[top]:.0%} "
        f"since event {event_ids[start]} (between {event_ids[low]} and {event_ids[high]} with 90 % probability); "
        f"{alarm_at - start + 1} events speak for it."
    )
    return Explanation(
        words,
        tuple(event_ids[start : alarm_at + 1]),
        event_ids[low],
        event_ids[high],
        tuple(float(value) for value in before),
        tuple(float(value) for value in after),
    )
