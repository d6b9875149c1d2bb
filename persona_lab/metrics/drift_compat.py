"""Drift scores as other libraries define them, for comparison with their published figures.

Not this project's definitions: CapyMOA's evaluator counts repeated alarms as hits, so an always-on alarm looks good.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from persona_lab.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class CapymoaScores:
    """Scores of CapyMOA 0.15's drift evaluator; delays None where no change was caught.

    ``far`` and ``ar`` are false alarms and alarms per 1,000 events of a stream of ``n``; ``mdt`` is the mean delay of
    each change's first alarm, ``ndt`` the same over ``max_delay``.
    """

    fp: int
    tp: int
    fn: int
    precision: float
    recall: float
    episode_recall: float
    f1: float
    mdt: float | None
    ndt: float | None
    far: float
    ar: float


def capymoa_scores(
    *, changes: Sequence[int | tuple[int, int]], alarms: Sequence[int], max_delay: int, n: int
) -> CapymoaScores:
    """Score alarms as CapyMOA does: every alarm from a change's start to ``max_delay`` after its end is a hit.

    Parameters
    ----------
    changes
        Event of each change, or (start, end) of a gradual one.
    alarms
        Events at which the alarm rang.
    max_delay
        Events after a change within which an alarm counts.
    n
        Length that the two rates per 1,000 events refer to.

    Raises
    ------
    ConfigurationError
        If there is no event, or none within which an alarm counts.
    """
    if n < 1 or max_delay < 1:
        raise ConfigurationError("capymoa_scores", "n, max_delay", (n, max_delay), "at least 1 event each")
    spans = [(change, change) if isinstance(change, int) else change for change in changes]
    hit = [any(start <= alarm <= end + max_delay for start, end in spans) for alarm in alarms]
    first = [
        min((alarm for alarm in alarms if start <= alarm <= end + max_delay), default=None) for start, end in spans
    ]
    delays = [alarm - start for alarm, (start, _) in zip(first, spans, strict=True) if alarm is not None]
    tp, fn = sum(hit), sum(alarm is None for alarm in first)
    fp = len(alarms) - tp
    precision = tp / (tp + fp) if tp + fp else 0.0
    recall = tp / (tp + fn) if tp + fn else 0.0
    mean = sum(delays) / len(delays) if delays else None
    return CapymoaScores(
        fp=fp,
        tp=tp,
        fn=fn,
        precision=precision,
        recall=recall,
        episode_recall=len(delays) / len(spans) if spans else 0.0,
        f1=2 * precision * recall / (precision + recall) if precision + recall else 0.0,
        mdt=mean,
        ndt=None if mean is None else mean / max_delay,
        far=1000 * fp / n,
        ar=1000 * len(alarms) / n,
    )


def ruptures_precision_recall(*, true: Sequence[int], found: Sequence[int], margin: int) -> tuple[float, float]:
    """Return precision and recall of break points as ruptures 1.1 does: nearer than ``margin``, each used once.

    Both lists end with the length of the signal, which is no break point.
    """
    used: set[int] = set()
    hits = 0
    for point in true[:-1]:
        near = [other for other in found[:-1] if point - margin < other < point + margin and other not in used]
        if near:
            used.add(near[0])
            hits += 1
    if not found[:-1] or not true[:-1]:
        return 0.0, 0.0
    return hits / len(found[:-1]), hits / len(true[:-1])


def hausdorff(*, true: Sequence[int], found: Sequence[int]) -> float | None:
    """Return the largest distance from a break point to the nearest of the other list; None where one list is empty."""
    if not true[:-1] or not found[:-1]:
        return None
    one_way = max(min(abs(a - b) for b in true[:-1]) for a in found[:-1])
    other_way = max(min(abs(a - b) for b in found[:-1]) for a in true[:-1])
    return float(max(one_way, other_way))


def rand_index(*, true: Sequence[int], found: Sequence[int]) -> float:
    """Return the share of pairs of events on whose being in one segment both segmentations agree (ruptures 1.1)."""
    n = true[-1]
    together = _pairs(true)
    also = _pairs(found)
    both = sum(
        _choose_two(max(0, min(b, d) - max(a, c)))
        for a, b in zip([0, *true[:-1]], true, strict=True)
        for c, d in zip([0, *found[:-1]], found, strict=True)
    )
    return 1.0 - (together + also - 2 * both) / _choose_two(n)


def _pairs(ends: Sequence[int]) -> int:
    return sum(_choose_two(b - a) for a, b in zip([0, *ends[:-1]], ends, strict=True))


def _choose_two(n: int) -> int:
    return n * (n - 1) // 2
