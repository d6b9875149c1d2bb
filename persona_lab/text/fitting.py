"""Fit the interpreter on labelled statements: head, pair logit, stance, calibration, all out of family."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from persona_lab.contracts import Stance
from persona_lab.protocols import TextEncoder
from persona_lab.text.model import InterpreterModel, logit, softmax, stacked
from persona_lab.text.pairs import (
    NO_ADAPTER,
    PAIR_FEATURES,
    Candidates,
    Encoded,
    Pair,
    described,
    encode_statements,
    head_chances,
    pair_features,
    stance_inputs,
)
from persona_lab.text.quantities import typical

FOLDS = 4
HEAD_C = 5.0
STANCE_C = 0.3
"""Inverse penalties, chosen by cross-validation over the training families."""

PAIR_PENALTY = 1e-4
PURE_MARKERS = frozenset({"start", "stop", "negation", "but"})
"""The head learns from statements without "instead of" and the like: those name one option."""


class Example(NamedTuple):
    """A labelled statement; context and option are None where it teaches nothing.

    Statements of one ``family`` share a template, those of one ``wording`` (of one option) share the words for it, and
    those of one ``hand`` their author.
    """

    text: str
    context: str | None
    option: str | None
    stance: Stance
    family: str
    wording: int = -1
    hand: str = ""


class Adapted(NamedTuple):
    """An adapter for the interpreter to use, and what others of its kind read.

    Attributes
    ----------
    adapter
        (n,) its numbers.
    out_of_family
        (examples, stances) log chances, each row by an adapter that was not fitted on the example's family.
    """

    adapter: NDArray[np.float16]
    out_of_family: NDArray[np.float32]


def fit_interpreter(
    examples: Sequence[Example], encoder: TextEncoder, adapted: Adapted | None = None
) -> InterpreterModel:
    """Return the coefficients fitted on ``examples``; needs scikit-learn, takes a minute, no chance involved.

    The calibration, the pair logit and the stacking of the two stance readings see only predictions for families that
    the head, the stance classifier and the adapter were not fitted on.
    """
    encoded = encode_statements([example.text for example in examples], encoder)
    lexicon = sorted({(e.context, e.option) for e in examples if e.context is not None and e.option is not None})
    families = sorted({example.family for example in examples})
    fold_of = {family: number % FOLDS for number, family in enumerate(families)}
    folds = np.array([fold_of[example.family] for example in examples])
    target = np.array([lexicon.index((e.context, e.option)) if e.context and e.option else -1 for e in examples])
    stances = np.array([example.stance.value for example in examples])
    weights = _family_weights(examples)
    pure = _pure(encoded)
    amounts = [
        typical([e.text for e, alone, own in zip(examples, pure, target, strict=True) if alone and own == number])
        for number in range(len(lexicon))
    ]
    candidates = Candidates(
        tuple(lexicon),
        encoder.encode([described(pair) for pair in lexicon]),
        np.arange(len(lexicon)),
        np.zeros(len(lexicon), dtype=bool),
        np.array(amounts),
    )
    facts = _Facts(encoded, lexicon, candidates, target, stances, weights)

    everyone = np.ones(len(examples), dtype=bool)
    features = np.zeros((len(examples), len(lexicon), PAIR_FEATURES))
    stance_chance = np.zeros((len(examples), len(set(stances))))
    without = [_linear_parts(facts, folds != fold, encoder.name) for fold in range(FOLDS)]
    for row, one in enumerate(encoded):
        stance_chance[row] = softmax(_stance_scores(one, without[int(folds[row])]))
    stacking = np.array([1.0, 0.0])
    if adapted is not None:
        stacking = _stack(stance_chance, adapted.out_of_family, stances, weights)
        stance_chance = stacked(stance_chance, adapted.out_of_family, stacking)
    for row, one in enumerate(encoded):
        features[row] = _features(one, facts, without[int(folds[row])], stance_chance[row])
    # Half of the statements meet a head that never saw their words for the option: people have more words than a bank.
    wordings = np.array([example.wording for example in examples])
    strangers = (np.arange(len(examples)) % 2 == 1) & (wordings >= 0)
    for fold in range(FOLDS):
        part = _linear_parts(facts, ~((wordings % FOLDS == fold) & (wordings >= 0)), encoder.name)
        for i in np.flatnonzero(strangers & (wordings % FOLDS == fold)):
            features[i] = _features(encoded[i], facts, part, stance_chance[i])
    nameless = np.stack([_features(one, facts, None, own) for one, own in zip(encoded, stance_chance, strict=True)])

    pair_chance = np.zeros((len(examples), len(lexicon)))
    for half in range(2):
        fitted = _fit_pairs(features, nameless, target, weights, folds % 2 != half)
        for i in np.flatnonzero(folds % 2 == half):
            pair_chance[i] = softmax(features[i] @ fitted)

    final = _linear_parts(facts, everyone, encoder.name)
    return final._replace(
        pair_weights=_fit_pairs(features, nameless, target, weights, everyone),
        calibration=_calibrate(pair_chance, stance_chance, final.stances, target, stances, weights),
        adapter=NO_ADAPTER if adapted is None else adapted.adapter,
        stacking=stacking,
    )


class _Facts(NamedTuple):
    encoded: list[Encoded]
    lexicon: list[Pair]
    candidates: Candidates
    target: NDArray[np.int64]
    stances: NDArray[np.str_]
    weights: NDArray[np.float64]


def _family_weights(examples: Sequence[Example]) -> NDArray[np.float64]:
    """Return (examples,) weights of mean 1: every hand counts the same, and within a hand every family."""
    _, family, size = np.unique([example.family for example in examples], return_inverse=True, return_counts=True)
    raw = 1.0 / size[family]
    _, hand = np.unique([example.hand for example in examples], return_inverse=True)
    raw = raw / np.bincount(hand, weights=raw)[hand]
    scaled: NDArray[np.float64] = raw * len(raw) / raw.sum()
    return scaled


def _linear_parts(facts: _Facts, rows: NDArray[np.bool_], encoder: str) -> InterpreterModel:
    from sklearn.linear_model import LogisticRegression

    chosen = rows & _pure(facts.encoded) & (facts.target >= 0)
    head = LogisticRegression(C=HEAD_C, max_iter=300)
    head.fit(np.stack([one.vector for one in facts.encoded])[chosen], facts.target[chosen])
    weights = np.zeros((len(facts.lexicon), facts.candidates.vectors.shape[1]), dtype=np.float32)
    bias = np.full(len(facts.lexicon), -50.0, dtype=np.float32)
    weights[head.classes_], bias[head.classes_] = head.coef_, head.intercept_
    stance = LogisticRegression(C=STANCE_C, max_iter=2000)
    inputs = stance_inputs(facts.encoded)[rows]
    middle = inputs.mean(axis=0)  # what all sentences share would only slow the fit
    stance.fit(inputs - middle, facts.stances[rows], sample_weight=facts.weights[rows])
    return InterpreterModel(
        encoder=np.array(encoder),
        lexicon=np.array(facts.lexicon),
        amounts=facts.candidates.amounts,
        head_weights=weights,
        head_bias=bias,
        pair_weights=np.zeros(PAIR_FEATURES),
        stances=np.array(stance.classes_),
        stance_weights=np.asarray(stance.coef_, dtype=np.float32),
        stance_bias=np.asarray(stance.intercept_ - stance.coef_ @ middle, dtype=np.float32),
        calibration=np.zeros(4),
        adapter=NO_ADAPTER,
        stacking=np.array([1.0, 0.0]),
    )


def _pure(encoded: Sequence[Encoded]) -> NDArray[np.bool_]:
    return np.array([all(part.marker in PURE_MARKERS for part in one.parts) for one in encoded])


def _stance_scores(one: Encoded, model: InterpreterModel) -> NDArray[np.float64]:
    scores: NDArray[np.float64] = model.stance_weights @ stance_inputs([one])[0] + model.stance_bias
    return scores


def _features(
    one: Encoded, facts: _Facts, part: InterpreterModel | None, stances: NDArray[np.float64]
) -> NDArray[np.float64]:
    head = None if part is None else head_chances(one, part, facts.candidates.places)
    return pair_features(one, facts.candidates, head, stances)


def _fit_pairs(
    features: NDArray[np.float64],
    nameless: NDArray[np.float64],
    target: NDArray[np.int64],
    weights: NDArray[np.float64],
    rows: NDArray[np.bool_],
) -> NDArray[np.float64]:
    """Conditional logit by penalised maximum likelihood; every third statement counts once more without the lexicon."""
    chosen = rows & (target >= 0)
    inputs = np.concatenate([features[chosen], nameless[chosen][::3]])
    right = np.concatenate([target[chosen], target[chosen][::3]])
    weight = np.concatenate([weights[chosen], weights[chosen][::3]])
    weight = weight / weight.sum()
    flat = inputs.reshape(-1, inputs.shape[2])
    hit = inputs[np.arange(len(right)), right]

    def loss(w: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        chances = softmax((flat @ w).reshape(inputs.shape[:2]))
        value = -(weight * np.log(chances[np.arange(len(right)), right] + 1e-300)).sum()
        gradient = (weight[:, None] * chances).ravel() @ flat - weight @ hit
        return float(value + PAIR_PENALTY * w @ w), gradient + 2 * PAIR_PENALTY * w

    found: Any = minimize(loss, np.zeros(inputs.shape[2]), jac=True, method="L-BFGS-B", options={"maxiter": 150})
    return np.asarray(found.x, dtype=np.float64)


def _stack(
    chances: NDArray[np.float64], read: NDArray[np.float32], stances: NDArray[np.str_], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the two exponents of least weighted log loss; ``chances`` and ``read`` by name of stance."""
    right = np.unique(stances, return_inverse=True)[1]

    def loss(exponents: NDArray[np.float64]) -> float:
        said = stacked(chances, read, exponents)[np.arange(len(right)), right]
        return float(-(weights * np.log(said + 1e-300)).sum() / weights.sum())

    found: Any = minimize(loss, np.array([0.7, 0.3]), method="L-BFGS-B", bounds=[(0.0, 3.0)] * 2)
    return np.asarray(found.x, dtype=np.float64)


def _calibrate(
    pair_chance: NDArray[np.float64],
    stance_chance: NDArray[np.float64],
    names: NDArray[np.str_],
    target: NDArray[np.int64],
    stances: NDArray[np.str_],
    weights: NDArray[np.float64],
) -> NDArray[np.float64]:
    from sklearn.linear_model import LogisticRegression

    said = names[stance_chance.argmax(axis=1)]
    nothing = said == Stance.NOTHING.value
    right = (said == stances) & (nothing | (pair_chance.argmax(axis=1) == target))
    inputs = calibration_inputs(stance_chance.max(axis=1), pair_chance.max(axis=1), nothing)
    fitted = LogisticRegression(C=10.0, fit_intercept=False, max_iter=500).fit(inputs, right, sample_weight=weights)
    return np.asarray(fitted.coef_[0], dtype=np.float64)


def calibration_inputs(
    stance: NDArray[np.float64], pair: NDArray[np.float64], nothing: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Return (statements, 4): bias, stance logit, pair logit (0 where nothing is taught), teaches nothing."""
    return np.column_stack([np.ones(len(stance)), logit(stance), np.where(nothing, 0.0, logit(pair)), nothing])
