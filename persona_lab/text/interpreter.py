"""What a statement means for the user's model: structured fields first, then text."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from persona_lab.contracts import Interpretation, Stance, Statement
from persona_lab.errors import ConfigurationError
from persona_lab.plaintext import plain
from persona_lab.protocols import TextEncoder
from persona_lab.text.cues import FEATURE_NAMES, cue_values, words
from persona_lab.text.encoder import SentenceEncoder
from persona_lab.text.fields import Fields, check_known, fields_of, unreadable
from persona_lab.text.model import InterpreterModel, load_model, logit, softmax, stacked
from persona_lab.text.pairs import (
    Candidates,
    Encoded,
    Pair,
    described,
    encode_statements,
    head_chances,
    names_a_stranger,
    pair_features,
    stance_inputs,
)
from persona_lab.text.quantities import quantities

OPENING_BIAS = 3.0
"""Log odds against opening a new option or context where a known one would do."""


STRANGER_BIAS = 3.0
"""Log odds against "says nothing" where words name a user's option that the lexicon lacks: all that was fitted on is
about the lexicon's topics or about nothing, so that other topics look like small talk. Set by hand, on no data."""


@dataclass(frozen=True, slots=True)
class TextInterpreter:
    """Read feedback in words: context and option by embeddings and names, stance by a classifier and an adapter.

    The stance is a stack of two readings: a classifier over cues, embedding and middle layers, and an adapter of the
    encoder (:mod:`persona_lab.text.adapter`).

    When to use it: feedback arrives as sentences. Where the client can send ``metadata.context``, ``metadata.status``
    and an option, let it: structured fields win over text. Words may add what fields leave open, name what is wanted
    instead of what was refused, and say that it was for once; a bare "yes" or "no" answers what was proposed. How it
    fails: words for an option that it never met (four in five right instead of nineteen in twenty), topics unlike those
    it was fitted on (their wishes look like small talk), options that the user does not have and its lexicon of 37
    lacks, which it cannot open, contrasts in a few words ("not mornings, afternoons"), hints ("I have dinner with the
    kids at seven"), two preferences in one sentence, languages other than English, options whose names say nothing
    ("option_b"). Of people who phrase things unlike all that it was fitted on, expect six stances in a hundred to be
    misread (``reports/evidence/words_new_phrasings.json``). Its confidence is calibrated on phrasings that it was not
    fitted on, and is meant to multiply the event's weight (:meth:`persona_lab.contracts.Interpretation.weight`).

    Parameters
    ----------
    encoder
        Texts to vectors; must be the one that ``model`` was fitted with.
    model
        Fitted coefficients; None takes those of the package (for the default encoder).
    open_new
        Whether text may open an option or context that the user does not have yet; if not, the best known one is taken.
    """

    encoder: TextEncoder = field(default_factory=SentenceEncoder)
    model: InterpreterModel | None = None
    open_new: bool = True

    def __post_init__(self) -> None:
        fitted_with = str(self.fitted.encoder)
        if fitted_with != self.encoder.name:
            raise ConfigurationError(
                "TextInterpreter", "encoder", self.encoder.name, f"{fitted_with!r}, with which the model was fitted"
            )

    @property
    def fitted(self) -> InterpreterModel:
        """The coefficients in use."""
        return _packaged() if self.model is None else self.model

    def interpret(
        self, statements: Sequence[Statement], known: Mapping[str, Sequence[str]]
    ) -> Sequence[Interpretation]:
        """Return one interpretation per statement.

        Parameters
        ----------
        statements
            What was said, with metadata. Text is cut at 2,000 visible characters.
        known
            The user's contexts and the options of each; may be empty.

        Raises
        ------
        InputError
            Where a text is no text, metadata no mapping, or ``known`` no mapping to lists of names.
        """
        check_known(known)
        structured = [fields_of(statement) for statement in statements]
        texts = [plain(statement.text) for statement in statements]
        reading = [
            i
            for i, (fields, text) in enumerate(zip(structured, texts, strict=True))
            if words(text) and (not fields.complete or fields.refused or _may_be_exception(text))
        ]
        # What the user wants instead of what was refused is for the words alone to say.
        open_to = [_unanswered(structured[i]) for i in reading]
        read = dict(zip(reading, self._read([texts[i] for i in reading], open_to, known), strict=True))
        return [
            _joined(fields, read.get(i), text) for i, (fields, text) in enumerate(zip(structured, texts, strict=True))
        ]

    def meanings(self, statements: Sequence[Statement], known: Mapping[str, Sequence[str]]) -> list[Meaning]:
        """Return the probabilities behind :meth:`interpret`, from text alone but for ``metadata.context``."""
        check_known(known)
        if not statements:
            return []
        model = self.fitted
        encoded = encode_statements([plain(statement.text) for statement in statements], self.encoder, model.adapter)
        candidates = _candidates(known, model, self.open_new, self.encoder)
        if not candidates.pairs:
            # Nothing to mean: no two mean the same.
            return [Meaning(np.zeros(0), np.zeros(3), np.zeros(0)) for _ in statements]
        names = [str(name) for name in model.stances]
        groups = ((Stance.WANTS, Stance.CHANGED_MIND), (Stance.DOES_NOT_WANT,), (Stance.ONLY_ONCE,))
        contexts = list(dict.fromkeys(context for context, _ in candidates.pairs))
        topic = np.array([contexts.index(context) for context, _ in candidates.pairs])
        found: list[Meaning] = []
        for one, statement, stances in zip(encoded, statements, _heard(encoded, candidates, model), strict=True):
            context = fields_of(statement).context
            scores = pair_scores(one, model, candidates, stances)
            outside = np.array([context not in (None, pair[0]) for pair in candidates.pairs])
            pairs = softmax(np.where(outside, scores - 50.0, scores))
            directions = np.array([sum(float(stances[names.index(s.value)]) for s in group) for group in groups])
            topics = np.bincount(topic, weights=pairs, minlength=len(contexts)).astype(np.float64)
            found.append(Meaning(pairs, directions, topics))
        return found

    def _read(
        self, texts: Sequence[str], fields: Sequence[Fields], known: Mapping[str, Sequence[str]]
    ) -> list[Interpretation]:
        if not texts:
            return []
        model = self.fitted
        encoded = encode_statements(texts, self.encoder, model.adapter)
        candidates = _candidates(known, model, self.open_new, self.encoder)
        stances = _heard(encoded, candidates, model)
        return [
            self._decide(one, field, chances, candidates)
            for one, field, chances in zip(encoded, fields, stances, strict=True)
        ]

    def _decide(
        self,
        one: Encoded,
        fields: Fields,
        stances: NDArray[np.float64],
        candidates: Candidates,
    ) -> Interpretation:
        model = self.fitted
        stance, stance_chance = _stance(stances, model, fields)
        if stance is Stance.NOTHING:
            return Interpretation(None, None, stance, _confidence(model, stance_chance, 1.0, True), False)
        if not candidates.pairs:
            return Interpretation(fields.context, None, stance, 0.0, False)
        allowed = [
            i
            for i, (context, option) in enumerate(candidates.pairs)
            if fields.context in (None, context) and fields.option in (None, option)
        ]
        if not allowed:
            sure = 0.0 if fields.option is None else _confidence(model, stance_chance, 1.0, False)
            return Interpretation(fields.context, fields.option, stance, sure, False)
        scores = pair_scores(one, model, candidates, stances)[allowed]
        chances = softmax(scores + _offered([candidates.pairs[i] for i in allowed], fields.proposed))
        best = int(chances.argmax())
        context, option = candidates.pairs[allowed[best]]
        return Interpretation(
            context, option, stance, _confidence(model, stance_chance, float(chances[best]), False), False
        )


class Meaning(NamedTuple):
    """What a statement may mean, as probabilities.

    Over the candidate pairs; over for, against and only once; over the contexts of the pairs.
    """

    pairs: NDArray[np.float64]
    directions: NDArray[np.float64]
    topics: NDArray[np.float64]


def stance_chances(encoded: Sequence[Encoded], model: InterpreterModel) -> NDArray[np.float64]:
    """Return (statements, stances) probabilities, in the order of ``model.stances``."""
    scores = stance_inputs(encoded) @ model.stance_weights.T.astype(np.float64) + model.stance_bias
    return stacked(softmax(scores), np.stack([one.read for one in encoded]), model.stacking)


def _heard(encoded: Sequence[Encoded], candidates: Candidates, model: InterpreterModel) -> NDArray[np.float64]:
    """Return (statements, stances) probabilities for a user with these candidates."""
    chances = stance_chances(encoded, model)
    strangers = np.array([names_a_stranger(one, candidates) for one in encoded])
    nothing = [str(name) for name in model.stances].index(Stance.NOTHING.value)
    chances[strangers, nothing] *= math.exp(-STRANGER_BIAS)
    heard: NDArray[np.float64] = chances / chances.sum(axis=1, keepdims=True)
    return heard


def pair_scores(
    one: Encoded, model: InterpreterModel, candidates: Candidates, stances: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return (pairs,) scores of the conditional logit."""
    head = head_chances(one, model, candidates.places)
    features = pair_features(one, candidates, head, stances)
    scores: NDArray[np.float64] = features @ model.pair_weights - OPENING_BIAS * candidates.new
    return scores


@cache
def _packaged() -> InterpreterModel:
    return load_model()


def _candidates(
    known: Mapping[str, Sequence[str]], model: InterpreterModel, open_new: bool, encoder: TextEncoder
) -> Candidates:
    own = [(context, option) for context, options in known.items() for option in options]
    lexicon: list[Pair] = [(str(context), str(option)) for context, option in model.lexicon]
    extra = [pair for pair in lexicon if pair not in set(own)] if open_new else []
    place = {pair: number for number, pair in enumerate(lexicon)}
    pairs = (*own, *extra)
    places = np.array([place.get(pair, -1) for pair in pairs], dtype=np.int64)
    amounts = np.array([quantities(option) for _, option in pairs], dtype=np.float64).reshape(-1, 2)
    amounts[places >= 0] = model.amounts[places[places >= 0]]
    vectors = _names_encoded(encoder, tuple(described(pair) for pair in pairs))
    return Candidates(pairs, vectors, places, np.arange(len(pairs)) >= len(own), amounts)


def _names_encoded(encoder: TextEncoder, names: tuple[str, ...]) -> NDArray[np.float32]:
    """Return the vectors of options' names; a user's options change rarely, so those of the last calls are kept."""
    return _kept(encoder, names) if isinstance(encoder, Hashable) else encoder.encode(names)


@lru_cache(maxsize=64)
def _kept(encoder: TextEncoder, names: tuple[str, ...]) -> NDArray[np.float32]:
    return encoder.encode(names)


def _offered(pairs: Sequence[Pair], proposed: str | None) -> NDArray[np.float64]:
    """Return log odds that make what was offered as likely as all its rivals together: an answer is mostly about it."""
    rivals = Counter(context for context, _ in pairs)
    return np.array([math.log(max(rivals[c] - 1, 1)) if option == proposed else 0.0 for c, option in pairs])


def _unanswered(fields: Fields) -> Fields:
    return Fields(fields.context, None, None, fields.refused) if fields.refused else fields


_ONCE_CUES = tuple(FEATURE_NAMES.index(name) for name in ("once", "this_once", "exception", "only_time", "this_week"))


def _may_be_exception(text: str) -> bool:
    values = cue_values(text)
    return any(values[i] for i in _ONCE_CUES)


def _joined(fields: Fields, read: Interpretation | None, text: str) -> Interpretation:
    """Structured fields win; text may add what they leave open, what is wanted instead, and that it was for once."""
    if fields.refused and read is not None:
        return _refused(fields, read)
    if fields.complete:
        once = read is not None and read.stance is Stance.ONLY_ONCE and fields.stance is Stance.WANTS
        stance = Stance.ONLY_ONCE if once else fields.stance
        assert stance is not None  # complete
        option = None if stance is Stance.NOTHING else fields.option
        return Interpretation(fields.context, option, stance, 1.0, True)
    if read is None:
        settled = fields.stance is not None and fields.option is not None
        stance = fields.stance if settled and fields.stance is not None else Stance.NOTHING
        sure = 1.0 if settled or not unreadable(text) else 0.0  # a text in another script may say anything
        return Interpretation(fields.context, fields.option, stance, sure, fields.any_given)
    return read


def _refused(fields: Fields, read: Interpretation) -> Interpretation:
    """Return what a refusal with words means: the option wanted instead, a refusal for once, or the refusal."""
    instead = read.option not in (None, fields.refused) and read.stance in _WISHES
    if instead and read.confidence >= 0.5:
        return read
    if fields.stance is Stance.NOTHING or (read.stance is Stance.ONLY_ONCE and not instead):
        return Interpretation(fields.context, None, Stance.NOTHING, 1.0, True)
    return Interpretation(fields.context, fields.refused, Stance.DOES_NOT_WANT, 1.0, True)


_WISHES = (Stance.WANTS, Stance.CHANGED_MIND, Stance.ONLY_ONCE)


def _stance(stances: NDArray[np.float64], model: InterpreterModel, fields: Fields) -> tuple[Stance, float]:
    names = [str(name) for name in model.stances]
    best_place = int(stances.argmax())
    best_read = Stance(names[best_place])
    if fields.stance is Stance.ONLY_ONCE and (fields.option or best_read in (Stance.WANTS, Stance.CHANGED_MIND)):
        return Stance.ONLY_ONCE, 1.0
    if fields.stance is Stance.WANTS and fields.option:
        # The status says that it was welcome; the text may say for how long, or since when.
        return max(_WISHES, key=lambda stance: float(stances[names.index(stance.value)])), 1.0
    return best_read, float(stances[best_place])


def _confidence(model: InterpreterModel, stance: float, pair: float, nothing: bool) -> float:
    inputs = np.array([1.0, 0.0, 0.0, float(nothing)])
    inputs[1:3] = logit(np.array([stance, pair]))
    if nothing:
        inputs[2] = 0.0
    return round(1.0 / (1.0 + math.exp(-float(inputs @ model.calibration))), 4)
