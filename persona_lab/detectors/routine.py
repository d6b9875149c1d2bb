"""Has a routine shifted? Hour-of-week histograms of one week against the weeks before it."""

from __future__ import annotations

from itertools import combinations
from math import comb
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from persona_lab.detectors.stream import is_number
from persona_lab.errors import ConfigurationError
from persona_lab.feedback import FloatArray
from persona_lab.randomness import generator

HOURS = 168
"""Hours of a week, 0 = Monday 00:00 to 168 exclusive, local to the person."""

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


class RoutineDrift(NamedTuple):
    """Has the latest week left the routine, and how.

    ``shifted`` at the level asked for; ``p_value`` of "the week is one of the same kind as before" (exact, by permuting
    weeks); ``shift_hours`` the circular shift (-12 to 12) that best explains the week and ``shift_gain`` its gain in
    log likelihood over no shift; ``hours`` the hours of the week that changed most, largest first, ``expected`` and
    ``seen`` their counts; ``words`` the finding in words.
    """

    shifted: bool
    p_value: float
    shift_hours: int
    shift_gain: float
    hours: NDArray[np.intp]
    expected: FloatArray
    seen: FloatArray
    words: str


def routine_drift(
    counts: NDArray[np.integer[Any]], *, level: float = 0.05, recent: int = 1, smooth: float = 1.0, seed: int = 0
) -> RoutineDrift:
    """Compare the latest weeks' hour-of-week histogram with the weeks before.

    Use it for the vendor document's goal-drift question: is this person's week still what it was, and if not, what
    moved. The statistic is the Dirichlet-multinomial log Bayes factor of "two routines" against "one", hours smoothed
    over neighbours; the p-value compares it with that of every other choice of ``recent`` weeks as the latest (weeks
    are exchangeable while the routine stands), so false alarms are at most ``level`` whatever the routine, and weeks
    may be as bursty as they are. It cannot be below 1 / (number of such choices): with few weeks nothing is ever
    significant, and it says so.

    Parameters
    ----------
    counts
        (weeks, 168) events by hour of the week, oldest week first; weeks without events are allowed.
    level
        Highest p-value that counts as a shift.
    recent
        How many of the latest weeks make up "now".
    smooth
        Standard deviation, in hours, of the smoothing that lets 9:00 and 10:00 count as near.
    seed
        Of the sampled choices where there are more than 5,000.

    Raises
    ------
    ConfigurationError
        If the shape is not (weeks, 168), a count is negative or no whole number, ``level`` is no probability,
        ``smooth`` no number of hours, or ``recent`` leaves no week before.
    """
    weeks = np.asarray(counts)
    if weeks.ndim != 2 or weeks.shape[1] != HOURS:
        raise ConfigurationError("routine_drift", "counts", weeks.shape, "(weeks, 168)")
    if not np.issubdtype(weeks.dtype, np.integer):
        raise ConfigurationError("routine_drift", "counts", str(weeks.dtype), "whole numbers")
    if not (is_number(level) and 0 < level < 1):
        raise ConfigurationError("routine_drift", "level", level, "a probability between 0 and 1")
    if not (is_number(smooth) and 0 <= smooth < np.inf):
        raise ConfigurationError("routine_drift", "smooth", smooth, "hours, 0 or more")
    if (weeks < 0).any():
        raise ConfigurationError("routine_drift", "counts", int(weeks.min()), "counts of at least 0")
    if weeks.shape[0] < 2:
        raise ConfigurationError("routine_drift", "counts", weeks.shape, "at least two weeks: one now, one before")
    if not isinstance(recent, (int, np.integer)) or not 1 <= recent < weeks.shape[0]:
        raise ConfigurationError("routine_drift", "recent", recent, f"1 to {weeks.shape[0] - 1} of the weeks given")
    blurred = _blur(weeks.astype(np.float64), smooth)
    choices = _choices(weeks.shape[0], recent, seed)
    scores = np.array([_bayes_factor(blurred, choice) for choice in choices])
    p_value = float((scores >= scores[0] - 1e-9).mean())
    now = weeks[-recent:].sum(axis=0).astype(np.float64)
    before = weeks[:-recent].sum(axis=0).astype(np.float64)
    expected = _blur(before[np.newaxis], smooth)[0]
    expected = expected / max(expected.sum(), 1e-12) * now.sum()
    surprise = np.abs(np.sqrt(_blur(now[np.newaxis], smooth)[0]) - np.sqrt(expected))
    hours = np.argsort(-surprise, kind="stable")[:5]
    shift, gain = _best_shift(before, now, smooth)
    shifted = p_value <= level
    return RoutineDrift(
        shifted,
        p_value,
        shift,
        gain,
        hours,
        expected[hours],
        now[hours],
        _words(shifted, p_value, len(choices), level, shift, gain, hours, expected, now),
    )


def hour_name(hour: int) -> str:
    """Return an hour of the week in words, such as ``Tuesday 09:00``."""
    return f"{DAYS[hour // 24]} {hour % 24:02d}:00"


def _choices(weeks: int, recent: int, seed: int, most: int = 5000) -> NDArray[np.intp]:
    """Return the choices of ``recent`` weeks, the true one first; all of them, or a sample where there are many."""
    latest = np.arange(weeks - recent, weeks)
    if comb(weeks, recent) <= most:
        rest = [choice for choice in combinations(range(weeks), recent) if choice != tuple(latest)]
        return np.array([tuple(latest), *rest], dtype=np.intp)
    luck = generator(seed, "routine-drift")
    drawn = np.stack([np.sort(luck.permutation(weeks)[:recent]) for _ in range(most - 1)])
    return np.concatenate([latest[np.newaxis], drawn])


def _blur(rows: FloatArray, smooth: float) -> FloatArray:
    """Smooth along the week, circularly; the total of each row stays."""
    if smooth <= 0:
        return rows
    lag = np.arange(-3, 4)
    weight = np.exp(-0.5 * (lag / smooth) ** 2)
    weight /= weight.sum()
    blurred: FloatArray = sum(w * np.roll(rows, int(k), axis=1) for k, w in zip(lag, weight, strict=True))
    return blurred


def _bayes_factor(weeks: FloatArray, now: NDArray[np.intp]) -> float:
    whole = weeks.sum(axis=0)
    recent = weeks[now].sum(axis=0)
    prior = np.full(HOURS, 0.1)
    return _log_marginal(recent, prior) + _log_marginal(whole - recent, prior) - _log_marginal(whole, prior)


def _log_marginal(counts: FloatArray, prior: FloatArray) -> float:
    return float(
        gammaln(prior.sum()) - gammaln(counts.sum() + prior.sum()) + (gammaln(counts + prior) - gammaln(prior)).sum()
    )


def _best_shift(before: FloatArray, now: FloatArray, smooth: float) -> tuple[int, float]:
    """Return the shift of the old routine, in hours, that explains the new weeks best, and its gain in nats."""
    rate = _blur(before[np.newaxis], smooth)[0] + 0.1
    rate /= rate.sum()
    shifts = np.arange(-12, 13)
    value = np.array([float((now * np.log(np.roll(rate, int(shift)))).sum()) for shift in shifts])
    best = int(value.argmax())
    return int(shifts[best]), float(value[best] - value[12])


def _words(
    shifted: bool,
    p_value: float,
    choices: int,
    level: float,
    shift: int,
    gain: float,
    hours: NDArray[np.intp],
    expected: FloatArray,
    now: FloatArray,
) -> str:
    if 1 / choices > level:
        return f"Too few weeks to tell: with {choices} choices of weeks no p-value can be below {1 / choices:.2f}."
    if not shifted:
        return f"The week looks like the weeks before (p = {p_value:.2f})."
    where = ", ".join(f"{hour_name(int(h))} {now[h]:.0f} instead of {expected[h]:.1f}" for h in hours[:3])
    moved = (
        f" Everything about {abs(shift)} h {'later' if shift > 0 else 'earlier'} fits best."
        if gain > 3 and shift
        else ""
    )
    return f"The routine has shifted (p = {p_value:.2f}).{moved} Largest changes: {where}."
