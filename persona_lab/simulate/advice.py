"""People who take advice or leave it, round by round: willingness moves with outcomes, and differs between people.

The figures to be like are those that DESIGN section 6 states from real logs. A person follows the advice of a round
with probability logistic(w_t); w_0 is normal over people, and w_t moves by a fixed amount after each of: followed and
good, followed and bad, ignored and good (the advice would have been right), ignored and bad. Text that is accepted is
kept unedited, and gets a thumb, with fixed probabilities.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import NamedTuple

import numpy as np

from persona_lab.errors import ConfigurationError
from persona_lab.feedback import BoolArray, FloatArray
from persona_lab.randomness import uniforms
from persona_lab.simulate.paths import probability

ROUNDS = 10


class Target(NamedTuple):
    """A figure of real logs: its value, and how far a fitted simulation may be from it."""

    value: float
    tolerance: float


TARGETS: dict[str, Target] = {
    "follow rate, first round": Target(0.78, 0.02),
    "follow rate, last round": Target(0.53, 0.02),
    "follow after followed and good": Target(0.74, 0.02),
    "follow after followed and bad": Target(0.60, 0.02),
    "follow after ignored and good": Target(0.39, 0.02),
    "acceptance of the least willing of 11": Target(0.13, 0.05),
    "acceptance of the most willing of 11": Target(0.57, 0.05),
    "accepted text left unedited": Target(0.60, 0.02),
    "answers that get a thumb": Target(0.20, 0.02),
}
"""Figures of real logs (DESIGN section 6): advice over ten rounds, suggestions to 11 programmers, edits, thumbs."""

ADVICE = tuple(TARGETS)[:5]

RESTARTS = (1.0, 0.5, 0.2)
"""Widths of the simplices that the search starts from, one after the other, logits."""


@dataclass(frozen=True, slots=True)
class AdviceTakers:
    """People who get advice; moves and willingness are in logits of following.

    Parameters
    ----------
    willingness, spread
        Mean and standard deviation over people of the willingness at the first round.
    after_good, after_bad
        Move after advice that was followed and proved good, or bad.
    after_missed, after_avoided
        Move after advice that was ignored and would have been good, or bad.
    quality
        Probability that the advice is good.
    unedited
        Probability that followed (accepted) text is left as it is.
    thumbs
        Probability that an answer gets a thumb.
    """

    willingness: float
    spread: float
    after_good: float
    after_bad: float
    after_missed: float
    after_avoided: float
    quality: float = 0.6
    unedited: float = 0.6
    thumbs: float = 0.2

    def __post_init__(self) -> None:
        if not self.spread >= 0.0:
            raise ConfigurationError("AdviceTakers", "spread", self.spread, "logits, 0 or more")
        for name in ("quality", "unedited", "thumbs"):
            probability(self, name, getattr(self, name))


class Advice(NamedTuple):
    """What happened, (rounds, people) booleans; ``edited`` is among followed advice only."""

    good: BoolArray
    followed: BoolArray
    edited: BoolArray
    thumbed: BoolArray


def take_advice(takers: AdviceTakers, *, seed: int, people: int, rounds: int = ROUNDS) -> Advice:
    """Simulate people who get advice."""
    from scipy.special import ndtri

    where = {"steps": (0, rounds), "streams": (0, people)}
    base = uniforms(seed, "advice/willingness", steps=(0, 1), streams=(0, people))[0].astype(np.float64)
    will = takers.willingness + takers.spread * ndtri(base + 2.0**-25)
    good = uniforms(seed, "advice/good", **where) < takers.quality
    luck = uniforms(seed, "advice/follow", **where)
    followed = np.empty((rounds, people), dtype=bool)
    for step in range(rounds):
        followed[step] = luck[step] < 1.0 / (1.0 + np.exp(-will))
        kept, lost = (takers.after_good, takers.after_bad), (takers.after_missed, takers.after_avoided)
        will = will + np.where(
            followed[step], np.where(good[step], *kept), np.where(good[step], *lost)
        )  # fmt: skip
    edited = followed & (uniforms(seed, "advice/edit", **where) >= takers.unedited)
    thumbed = uniforms(seed, "advice/thumb", **where) < takers.thumbs
    return Advice(good, followed, edited, thumbed)


def advice_figures(seen: Advice) -> dict[str, float]:
    """Return the five figures of advice over rounds, named as in ``TARGETS``."""
    before, after = seen.followed[:-1], seen.followed[1:]
    good = seen.good[:-1]
    values = (
        seen.followed[0].mean(),
        seen.followed[-1].mean(),
        _share(after, before & good),
        _share(after, before & ~good),
        _share(after, ~before & good),
    )
    return {name: float(value) for name, value in zip(ADVICE, values, strict=True)}


def all_figures(takers: AdviceTakers, programmers: AdviceTakers, *, seed: int, people: int) -> dict[str, float]:
    """Return every figure of ``TARGETS`` for people who take advice and for programmers who get suggestions.

    The extremes of 11 programmers with 57 suggestions each are averaged over many such groups.
    """
    seen = take_advice(takers, seed=seed, people=people)
    found = advice_figures(seen)
    shown = take_advice(programmers, seed=seed + 1, people=11 * max(people // 11, 1), rounds=57)
    rates = shown.followed.mean(axis=0).reshape(-1, 11)
    found["acceptance of the least willing of 11"] = float(rates.min(axis=1).mean())
    found["acceptance of the most willing of 11"] = float(rates.max(axis=1).mean())
    found["accepted text left unedited"] = 1.0 - float(seen.edited.sum() / max(int(seen.followed.sum()), 1))
    found["answers that get a thumb"] = float(seen.thumbed.mean())
    return found


def fit_advice(start: AdviceTakers, *, seed: int, people: int = 4000, steps: int = 600) -> AdviceTakers:
    """Return takers whose five figures come closest to ``TARGETS`` (simulated moments, McFadden 1989; Nelder-Mead).

    The luck is the same at every step of the search, so the distance is smooth enough for a simplex.
    """
    from scipy.optimize import minimize

    free = [field.name for field in fields(AdviceTakers)][:6]
    wanted = np.array([TARGETS[name].value for name in ADVICE])

    def made(point: FloatArray) -> AdviceTakers:
        return replace(start, **{name: float(value) for name, value in zip(free, point, strict=True)})

    def distance(point: FloatArray) -> float:
        if point[1] < 0.0:
            return float(1.0 - point[1])
        found = advice_figures(take_advice(made(point), seed=seed, people=people))
        return float(((np.array(list(found.values())) - wanted) ** 2).sum())

    point = np.array([getattr(start, name) for name in free])
    for width in RESTARTS:
        simplex = np.vstack([point, point + width * np.eye(len(free))])
        options = {"maxiter": steps, "initial_simplex": simplex, "xatol": 1e-3, "fatol": 1e-8, "adaptive": True}
        point = minimize(distance, point, method="Nelder-Mead", options=options).x
    return made(point)


def _share(of: BoolArray, among: BoolArray) -> float:
    return float(of[among].mean()) if among.any() else 0.0


ADVICE_TAKERS = AdviceTakers(
    willingness=1.665, spread=1.331, after_good=-0.053, after_bad=-0.874, after_missed=-0.481, after_avoided=1.245,
    quality=0.55,
)  # fmt: skip
"""Fitted: ``fit_advice(AdviceTakers(1.4, 1, .1, -.5, -.3, .5, quality=.55), seed=5, people=12000, steps=250)``."""

PROGRAMMERS = AdviceTakers(
    willingness=-0.78, spread=0.62, after_good=0.0, after_bad=0.0, after_missed=0.0, after_avoided=0.0
)
"""People who get suggestions while they type: no two alike, nobody moved by outcomes; set by the two extremes of 11."""
