"""The fitted coefficients of the interpreter: plain arrays, kept as npz, never as a pickle."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from persona_lab.errors import InputError

PACKAGED_MODEL = Path(__file__).with_name("interpreter_v1.npz")
"""Fitted on the training families of datasets/statements with the default encoder; see studies/interpreter.py."""


class InterpreterModel(NamedTuple):
    """What fitting leaves behind.

    Attributes
    ----------
    encoder
        Name of the encoder that the coefficients belong to, shape ().
    lexicon
        (L, 2) names of the contexts and options met in training.
    amounts
        (L, 2): how long and how often, typical of each option (log minutes, NaN where nothing is).
    head_weights, head_bias
        (L, d) and (L,): multinomial logistic regression from an embedding to the lexicon.
    pair_weights
        (F,): conditional logit over the candidate (context, option) pairs, see :mod:`persona_lab.text.pairs`.
    stances
        (S,) names of the stances, aligned with the rows of ``stance_weights``.
    stance_weights, stance_bias
        (S, C + d + l) and (S,): multinomial logistic regression from cues, embedding and middle layers to the stance.
    calibration
        (4,): logistic regression from bias, stance logit, pair logit and "teaches nothing" to being right.
    adapter
        (n,) the adapter of the encoder that reads stances too (:mod:`persona_lab.text.adapter`); (0,) where none is.
    stacking
        (2,) exponents of the chances by the classifier and by the adapter, whose product is the chance stated.
    """

    encoder: NDArray[np.str_]
    lexicon: NDArray[np.str_]
    amounts: NDArray[np.float64]
    head_weights: NDArray[np.float32]
    head_bias: NDArray[np.float32]
    pair_weights: NDArray[np.float64]
    stances: NDArray[np.str_]
    stance_weights: NDArray[np.float32]
    stance_bias: NDArray[np.float32]
    calibration: NDArray[np.float64]
    adapter: NDArray[np.float16]
    stacking: NDArray[np.float64]


def save_model(model: InterpreterModel, path: Path) -> None:
    """Write the coefficients as npz."""
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, allow_pickle=False, **model._asdict())


def load_model(path: Path = PACKAGED_MODEL) -> InterpreterModel:
    """Read coefficients written by :func:`save_model`.

    Raises
    ------
    InputError
        Where the file is absent or holds something else.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return InterpreterModel(**{name: arrays[name] for name in InterpreterModel._fields})
    except (OSError, KeyError, ValueError) as error:
        raise InputError(
            "this is not a fitted interpreter",
            cure="Rebuild it with persona_lab.studies.fitted_interpreter.rebuild().",
            file=path.name,
        ) from error


def softmax(scores: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return probabilities over the last axis."""
    shifted = np.asarray(scores, dtype=np.float64) - np.max(scores, axis=-1, keepdims=True)
    powers = np.exp(shifted)
    chances: NDArray[np.float64] = powers / powers.sum(axis=-1, keepdims=True)
    return chances


def stacked(
    chances: NDArray[np.float64], read: NDArray[np.floating], exponents: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return (statements, stances): the product of two readings' powers, a stack with two weights (Wolpert 1992).

    ``read`` holds the second reading's log chances; without columns, the first stays as it is.
    """
    if not read.shape[1]:
        return chances
    return softmax(exponents[0] * np.log(chances + 1e-12) + exponents[1] * read)


def logit(chance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return log odds, clipped at 0.0001 from the ends."""
    clipped = np.clip(chance, 1e-4, 1.0 - 1e-4)
    odds: NDArray[np.float64] = np.log(clipped / (1.0 - clipped))
    return odds
