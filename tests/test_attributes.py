"""Answers about items move beliefs about features: by exact inference on a small case, and on real-format choices."""

from __future__ import annotations

import itertools
import os
from pathlib import Path

import numpy as np
import pytest

from persona_lab.datasets.items import ItemLog, read_items
from persona_lab.errors import ConfigurationError
from persona_lab.feedback import NO_OPTION, Kind, feedback
from persona_lab.strategies.attributes import NO_STREAM, AttributeRule, Offer
from persona_lab.strategies.baselines import RunningCount
from persona_lab.strategies.ewma import Ewma
from persona_lab.strategies.feature_count import FeatureCount
from persona_lab.strategies.fixed_share import FixedShare
from persona_lab.studies.item_replay import cross_fitted, item_accuracy, item_log_loss, replay_items

DATA = Path(os.environ.get("PERSONA_LAB_DATA") or Path(__file__).parents[2] / "shared" / "data")
SHOPPING = DATA / "pahf" / "shopping.parquet"

# Two items of two features each that share feature 0: A = {0, 1}, B = {0, 2}; one person, three streams.
OFFER = Offer(np.array([[[0], [1]], [[0], [2]]]), np.array([[0], [1], [2]]))
NOW = np.zeros(1)
STILL = AttributeRule(FixedShare(hazard=0.0, noise=0.1), noise=0.02)


def _answer(kind: Kind, *, proposed: int = NO_OPTION, wanted: int = NO_OPTION, confidence: float = 1.0):
    return feedback(proposed=proposed, kind=[kind], corrected=wanted, confidence=confidence)


def _enumerated(noise: float = 0.02) -> tuple[np.ndarray, list[tuple[int, ...]], np.ndarray]:
    """Return P(combination), the combinations and P(wanted | combination), written the slow way."""
    prior = {0: 0.5, 1: 0.25, 2: 0.25}
    combinations = list(itertools.product(range(3), repeat=3))
    weight = np.array([np.prod([prior[level] for level in c]) for c in combinations])
    chances = []
    for c in combinations:
        score = [c[0] + c[other] if min(c[0], c[other]) > 0 else 0 for other in (1, 2)]
        best = max(score)
        share = [float(s == best and best > 0) for s in score] + [float(best == 0)]
        chances.append([(1 - noise) * x / sum(share) + noise / 3 for x in share])
    return weight, combinations, np.array(chances)


def test_predictions_and_the_posterior_are_exact_within_a_choice() -> None:
    weight, combinations, chances = _enumerated()
    state = STILL.init(3)
    assert STILL.predict(state, OFFER, NOW)[:, 0] == pytest.approx(weight @ chances, rel=1e-12)
    for given, chance in (
        (_answer(Kind.CORRECTED, wanted=1), chances[:, 1]),
        (_answer(Kind.CORRECTED, wanted=2), chances[:, 2]),
        (_answer(Kind.DECLINED, proposed=0), 1.0 - chances[:, 0]),
        (_answer(Kind.ACCEPTED, proposed=0), chances[:, 0]),
    ):
        after = STILL.update(state, OFFER, NOW, given)
        posterior = weight * chance / (weight @ chance)
        fine = [sum(p for p, c in zip(posterior, combinations, strict=True) if c[j] > 0) for j in range(3)]
        top = [sum(p for p, c in zip(posterior, combinations, strict=True) if c[j] == 2) for j in range(3)]
        assert STILL.memory.belief(after.acceptable)[1] == pytest.approx(fine, rel=1e-9)
        assert STILL.memory.belief(after.favourite)[1] == pytest.approx(np.array(top) / fine, rel=1e-9)


@pytest.mark.parametrize("memory", [FixedShare(0.01), Ewma(0.3), RunningCount()], ids=repr)
def test_silence_and_confidence_zero_say_nothing_and_predictions_are_probabilities(memory) -> None:
    rule = AttributeRule(memory)
    state = rule.update(rule.init(3), OFFER, NOW, _answer(Kind.CORRECTED, wanted=0))
    for nothing in (_answer(Kind.SILENT, proposed=1), _answer(Kind.CORRECTED, wanted=1, confidence=0.0)):
        after = rule.update(state, OFFER, NOW, nothing)
        assert rule.predict(after, OFFER, NOW).tolist() == rule.predict(state, OFFER, NOW).tolist()
    predicted = rule.predict(state, OFFER, NOW)
    assert predicted.sum(axis=0) == pytest.approx(1.0)
    assert predicted[0, 0] > rule.predict(rule.init(3), OFFER, NOW)[0, 0]


def test_tastes_fade_with_time_and_missing_slots_stay_untouched() -> None:
    fading = AttributeRule(FixedShare(hazard=0.0, daily_hazard=0.05))
    start = fading.predict(fading.init(4), OFFER, NOW)
    state = fading.update(fading.init(4), OFFER, NOW, _answer(Kind.CORRECTED, wanted=0))
    gaps = [abs(float(fading.predict(state, OFFER, np.array([t]))[0, 0] - start[0, 0])) for t in (0.0, 10.0, 1e4)]
    assert gaps[0] > gaps[1] > 0.05
    assert gaps[2] < 1e-9
    short = Offer(np.array([[[0], [1]], [[0], [1]]]), np.array([[0], [1], [NO_STREAM]]))
    learnt = fading.update(fading.init(4), short, NOW, _answer(Kind.CORRECTED, wanted=2))
    assert learnt.acceptable.share[1, 2:].tolist() == [0.5, 0.5]
    assert (learnt.acceptable.share[1, :2] < 0.5).all()


def test_wrong_noise_and_too_many_features_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="noise"):
        AttributeRule(noise=0.0)
    many = Offer(np.arange(10).reshape(1, 10, 1), np.arange(10).reshape(10, 1))
    with pytest.raises(ValueError, match="at most 9"):
        STILL.predict(STILL.init(10), many, NOW)


def test_people_side_by_side_equal_people_alone() -> None:
    one = {"file": "", "recipe": "", "title": "", "items": ("A", "B")}
    features = ((("a", "b"), ("a", "c")), (("b", "c"), ("d",))) * 3
    both = ItemLog(users=("x", "y") * 3, contexts=("k",) * 6, sessions=("1",) * 6, features=features,
                   gold=np.array([0, 1, -1, 0, 1, -1]), row=np.arange(6), **one)  # fmt: skip
    alone = ItemLog(users=("x",) * 3, contexts=("k",) * 3, sessions=("1",) * 3, features=features[::2],
                    gold=np.array([0, -1, 1]), row=np.arange(3), **one)  # fmt: skip
    left, right = replay_items(both, AttributeRule()), replay_items(alone, AttributeRule())
    assert left.probability[::2].tobytes() == right.probability.tobytes()


def test_without_favourites_all_acceptable_items_are_tied() -> None:
    rule = AttributeRule(FixedShare(hazard=0.0, noise=0.1), noise=0.02, favourites=False)
    weight = dict.fromkeys(itertools.product(range(2), repeat=3), 0.125)
    chances = {}
    for c in weight:
        fit = [float(c[0] and c[other]) for other in (1, 2)]
        share = [*fit, float(not any(fit))]
        chances[c] = [0.98 * x / sum(share) + 0.02 / 3 for x in share]
    expected = [sum(weight[c] * chances[c][k] for c in weight) for k in range(3)]
    state = rule.init(3)
    assert rule.predict(state, OFFER, NOW)[:, 0] == pytest.approx(expected, rel=1e-12)
    after = rule.update(state, OFFER, NOW, _answer(Kind.CORRECTED, wanted=1))
    posterior = {c: weight[c] * chances[c][1] / expected[1] for c in weight}
    fine = [sum(p for c, p in posterior.items() if c[j]) for j in range(3)]
    assert rule.memory.belief(after.acceptable)[1] == pytest.approx(fine, rel=1e-9)
    assert after.favourite.share.tolist() == state.favourite.share.tolist()


def test_counted_features_are_those_of_what_was_wanted_and_refused() -> None:
    rule = FeatureCount(prior=1.0, threshold=0.4, blame=0.5, keep=0.5)
    said = rule.update(rule.init(3), OFFER, NOW, _answer(Kind.CORRECTED, wanted=1))  # B = {0, 2}; 1 is passed over
    assert (said.wanted.tolist(), said.refused.tolist()) == ([1, 0, 1], [0, 0.5, 0])
    later = rule.update(said, OFFER, NOW + 1.0, _answer(Kind.CORRECTED, wanted=2))  # none: all are refused
    assert (later.wanted.tolist(), later.refused.tolist()) == ([0.5, 0, 0.5], [1, 1.25, 1])
    assert rule.update(later, OFFER, NOW + 1.0, _answer(Kind.SILENT, proposed=0)).refused.tolist() == (
        later.refused.tolist()
    )
    declined = rule.update(rule.init(3), OFFER, NOW, _answer(Kind.DECLINED, proposed=0))
    assert declined.refused.tolist() == [1, 1, 0]
    accepted_none = rule.update(rule.init(3), OFFER, NOW, _answer(Kind.ACCEPTED, proposed=2))
    assert accepted_none.refused.tolist() == [1, 1, 1]
    no_to_none = rule.update(rule.init(3), OFFER, NOW, _answer(Kind.DECLINED, proposed=2))  # says nothing of which
    assert (no_to_none.wanted.tolist(), no_to_none.refused.tolist()) == ([0] * 3, [0] * 3)
    scores = rule.predict(said, OFFER, NOW)[:, 0]
    assert scores == pytest.approx(np.array([1 / 2.5, 2 / 3, 0.4]) / (1 / 2.5 + 2 / 3 + 0.4))
    with pytest.raises(ConfigurationError, match="keep"):
        FeatureCount(keep=0.0)


def test_where_answers_name_nothing_the_rule_only_hears_whether_its_proposal_was_right() -> None:
    one = {"file": "", "recipe": "", "title": "", "items": ("A", "B")}
    log = ItemLog(users=("x",) * 3, contexts=("k",) * 3, sessions=("1",) * 3, features=((("a",), ("b",)),) * 3,
                  gold=np.array([1, 1, 1]), row=np.arange(3), **one)  # fmt: skip
    blind = replay_items(log, FeatureCount(prior=1.0, threshold=0.4), named=False)
    # A and B are tied, A is proposed and declined; then B is proposed and accepted.
    assert blind.probability.argmax(axis=1).tolist() == [0, 1, 1]
    assert blind.probability[1] == pytest.approx(np.array([1 / 3, 0.5, 0.4]) / (1 / 3 + 0.5 + 0.4))
    assert blind.probability[2] == pytest.approx(np.array([1 / 3, 2 / 3, 0.4]) / (1 / 3 + 2 / 3 + 0.4))


@pytest.mark.skipif(not SHOPPING.exists(), reason="needs pahf/shopping.parquet (PERSONA_LAB_DATA)")
def test_shoppers_tastes_are_followed_through_a_change_nobody_announced() -> None:
    log = read_items(SHOPPING, "pahf")
    hazards = (0.001, 0.004)  # pahf.json has them all
    rules = [AttributeRule(FixedShare(hazard=0.0, daily_hazard=hazard)) for hazard in hazards]
    runs = [replay_items(log, rule, learn=("1", "3")) for rule in rules]
    # The pace of change is fitted on the other half of the shoppers.
    forecasts, given = cross_fitted(runs, asked=("2", "4"))
    phase_2, phase_4 = (item_accuracy(forecasts=forecasts, sessions=(phase,)).value for phase in "24")
    assert phase_2 is not None
    assert phase_4 is not None
    assert phase_2 >= 0.735
    assert phase_4 >= 0.76
    loss = item_log_loss(forecasts=forecasts, sessions=("4",)).value
    assert loss is not None
    assert loss < np.log(4)  # better than not knowing
    assert len(given) == 2
