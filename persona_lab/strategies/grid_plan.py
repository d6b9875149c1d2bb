"""A grid of worlds turned into the arrays that the filter computes with, sorted by family."""

from __future__ import annotations

from itertools import groupby
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from persona_lab.feedback import BoolArray, FloatArray
from persona_lab.strategies import grid_kernel as kernel
from persona_lab.strategies.worlds import Dynamics, Habits, Observer, Restless, Scheduled, Switching


class Plan(NamedTuple):
    """The grid, sorted by family: plain switching, exceptions, habits, restless.

    Attributes
    ----------
    dtype
        Precision of the weights.
    order
        Index, in the rule's configuration, of each dynamics of the families in turn.
    prior
        (dynamics, observers), in the order of the families.
    plain, bursts, habits, restless
        Where each family lies on the axis of dynamics.
    noise, slope
        (observers,), see :class:`persona_lab.strategies.worlds.Observer`.
    weighs, listens
        Whether any observer gives confidence, or silence, a meaning.
    rates, random
        (2, observers) answer rates; (observers,) whether they are to be learnt instead.
    lengths, phases
        The longest burst; how many phases a calm and a restless stretch have together.
    laws
        Where on the axis of dynamics each law of bursts applies.
    plain_hazard, burst_hazard, burst_rate, habit_hazard, leave, phase_hazard
        Columns over dynamics, to broadcast over observers and streams.
    scheduled, restless_hazard, block
        Which of the plain dynamics follow a schedule; columns over these: their hazard in restless stretches, and the
        length of a stretch.
    """

    dtype: Any
    order: tuple[int, ...]
    prior: FloatArray
    plain: slice
    bursts: slice
    habits: slice
    restless: slice
    noise: FloatArray
    slope: FloatArray
    weighs: bool
    rates: NDArray[Any]
    random: BoolArray
    listens: bool
    lengths: int
    phases: int
    laws: kernel.Laws
    plain_hazard: FloatArray
    scheduled: list[int]
    restless_hazard: FloatArray
    block: FloatArray
    burst_hazard: FloatArray
    burst_rate: FloatArray
    habit_hazard: FloatArray
    leave: FloatArray
    phase_hazard: FloatArray


def plan_of(
    dynamics: tuple[Dynamics, ...],
    observers: tuple[Observer, ...],
    prior: tuple[tuple[float, ...], ...],
    *,
    single: bool,
) -> Plan:
    """Return the arrays of a grid; ``single`` for single precision."""
    dtype = np.float32 if single else np.float64
    numbered = list(enumerate(dynamics))
    switching = [(i, d) for i, d in numbered if isinstance(d, Switching)]
    plain = [
        (i, d) for i, d in numbered if isinstance(d, Scheduled) or (isinstance(d, Switching) and not d.exception_rate)
    ]
    bursts = sorted(((i, d) for i, d in switching if d.exception_rate > 0), key=lambda pair: _law(pair[1]))
    habits = [(i, d) for i, d in numbered if isinstance(d, Habits)]
    restless = [(i, d) for i, d in numbered if isinstance(d, Restless)]
    order = tuple(i for i, _ in (*plain, *bursts, *habits, *restless))
    weights = np.asarray(prior, dtype=np.float64)[list(order)]
    weights = np.maximum(weights / weights.sum(), kernel.FLOOR)
    ends = np.cumsum([len(plain), len(bursts), len(habits), len(restless)]).tolist()
    laws, first = [], 0
    for (rate, law), group in groupby(bursts, key=lambda pair: _law(pair[1])):
        last = first + len(list(group))
        laws.append((slice(first, last), rate, law))
        first = last
    phases = restless[0][1].phases if restless else 1

    def hazards(values: list[float]) -> FloatArray:
        return kernel.column([max(value, kernel.NEVER) for value in values], dtype)

    scheduled = [(row, d) for row, (_, d) in enumerate(plain) if isinstance(d, Scheduled)]
    return Plan(
        dtype=dtype,
        order=order,
        prior=weights.astype(dtype),
        plain=slice(0, ends[0]),
        bursts=slice(ends[0], ends[1]),
        habits=slice(ends[1], ends[2]),
        restless=slice(ends[2], ends[3]),
        noise=np.asarray([o.noise for o in observers], dtype=dtype),
        slope=np.asarray([o.slope for o in observers], dtype=dtype),
        weighs=any(o.slope != 0 for o in observers),
        rates=np.asarray([o.answers or (0.5, 0.5) for o in observers], dtype=dtype).T,
        random=np.asarray([o.answers is None for o in observers]),
        listens=any(o.answers is not None for o in observers),
        lengths=max((len(d.lengths) for _, d in bursts), default=1),
        phases=2 * phases,
        laws=tuple(laws),
        plain_hazard=hazards([d.calm if isinstance(d, Scheduled) else d.hazard for _, d in plain]),
        scheduled=[row for row, _ in scheduled],
        restless_hazard=hazards([d.restless for _, d in scheduled]),
        block=kernel.column([float(d.block) for _, d in scheduled], np.float64),
        burst_hazard=hazards([d.hazard for _, d in bursts]),
        burst_rate=kernel.column([d.exception_rate for _, d in bursts], dtype),
        habit_hazard=kernel.column([d.hazard for _, d in habits], dtype),
        leave=kernel.column([d.phases / d.block for _, d in restless], dtype),
        phase_hazard=kernel.column(
            [[max(d.calm if p < phases else d.restless, kernel.NEVER) for _, d in restless] for p in range(2 * phases)],
            dtype,
        ),
    )


def _law(world: Switching) -> tuple[float, tuple[float, ...]]:
    return world.exception_rate, world.lengths
