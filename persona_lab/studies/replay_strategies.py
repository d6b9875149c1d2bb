"""Which rules a replay compares: the catalogue, and the settings that published figures on these logs used."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence

from persona_lab.catalog import STRATEGIES
from persona_lab.errors import InputError
from persona_lab.protocols import UpdateStrategy
from persona_lab.strategies.baselines import RunningCount
from persona_lab.strategies.ewma import Ewma
from persona_lab.studies.replay import BASELINE

SETTINGS: dict[str, UpdateStrategy] = {
    "running-count": RunningCount(prior=0.0),
    "running-count-prior-1": RunningCount(prior=1.0),
    "ewma-0.03": Ewma(rate=0.03),
    "ewma-0.08": Ewma(rate=0.08),
    "ewma-0.12": Ewma(rate=0.12),
    "ewma-0.15": Ewma(rate=0.15),
    "ewma-0.2": Ewma(rate=0.2),
    "ewma-0.4": Ewma(rate=0.4),
}
"""Beside the catalogue: a sweep of EWMA, and the running count without prior (relative frequency, uniform before the
first event), which is what a replay calls ``running-count``; with a prior of 1 it is ``running-count-prior-1``."""

_EWMA = re.compile(r"ewma-(0?\.\d+|1(?:\.0*)?)")


def replay_strategies() -> dict[str, UpdateStrategy]:
    """Return every rule that a replay compares unless told otherwise: the catalogue and ``SETTINGS``."""
    return {**STRATEGIES, **SETTINGS}


def chosen_strategies(names: Sequence[str]) -> dict[str, UpdateStrategy]:
    """Return the rules of these names (all where empty); the running count is always among them, as the control.

    ``ewma-RATE`` works for any rate in (0, 1].

    Raises
    ------
    InputError
        For an unknown name, with those that are near.
    """
    known = replay_strategies()
    if not names:
        return known
    chosen: dict[str, UpdateStrategy] = {}
    for name in names:
        rate = _EWMA.fullmatch(name)
        if name in known:
            chosen[name] = known[name]
        elif rate is not None and float(rate[1]) > 0.0:
            chosen[name] = Ewma(rate=float(rate[1]))
        else:
            near = difflib.get_close_matches(name, known, n=3)
            cure = f"Did you mean {' or '.join(near)}?" if near else f"Use one of: {', '.join(sorted(known))}."
            raise InputError("unknown strategy", value=name, cure=cure)
    chosen.setdefault(BASELINE, known[BASELINE])
    return chosen
