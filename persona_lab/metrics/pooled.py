"""Ratios of pooled sums with user-level standard errors: the arithmetic under most figures."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from persona_lab.feedback import FloatArray, IntArray
from persona_lab.measurement import Measurement, undefined

Numbers = FloatArray | IntArray


def pooled_ratio(*, numerator: Numbers, denominator: Numbers, undefined_because: str) -> Measurement:
    """Return sum(numerator) / sum(denominator) over users with its linearised standard error.

    Parameters
    ----------
    numerator, denominator
        Arrays of shape (users,), paired by user.
    undefined_because
        Reason given when the denominator sums to zero.

    Returns
    -------
    Measurement with n = number of users.

    Notes
    -----
    Delta method for a ratio of means (Cochran 1977, *Sampling Techniques*, eq. 6.4): the residuals are
    ``numerator - ratio * denominator``.
    """
    top = np.asarray(numerator, dtype=np.float64)
    bottom = np.asarray(denominator, dtype=np.float64)
    users = top.size
    total = float(bottom.sum())
    if users == 0 or total == 0.0:
        return undefined(undefined_because, n=users)
    ratio = float(top.sum()) / total
    if users < 2:
        return Measurement(value=ratio, standard_error=None, n=users)
    residual: NDArray[np.float64] = top - ratio * bottom
    spread = math.sqrt(float((residual**2).sum()) * users / (users - 1))
    return Measurement(value=ratio, standard_error=spread / abs(total), n=users)


def mean(*, values: Numbers, undefined_because: str) -> Measurement:
    """Return the mean over users with its standard error; n = number of users."""
    return pooled_ratio(numerator=values, denominator=np.ones(np.size(values)), undefined_because=undefined_because)
