"""What every rule of the catalogue survives: long lives, few and many options, silence, no streams, odd numbers."""

from __future__ import annotations

import ast
import pickle
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import persona_lab.strategies
from persona_lab.catalog import STRATEGIES
from persona_lab.checks.probes import feedback_history, identical
from persona_lab.datasets.log import load_log
from persona_lab.datasets.streams import streams_of
from persona_lab.datasets.wire import write_events
from persona_lab.errors import ConfigurationError, InputError
from persona_lab.feedback import LANES, NO_OPTION, Feedback, Kind, feedback, select
from persona_lab.simulate.loop import closed_loop
from persona_lab.simulate.people import live
from persona_lab.simulate.scenarios import SCENARIOS, with_interactions
from persona_lab.simulate.wire import names_of, to_told
from persona_lab.strategies.compose import Composed
from persona_lab.strategies.debounce import Debounce
from persona_lab.strategies.evidence import Equal, Noisy
from persona_lab.strategies.ewma import Ewma
from persona_lab.strategies.forgetting import ForgettingCount
from persona_lab.strategies.grid_priors import ATTENTIVE
from persona_lab.strategies.guards import Hysteresis
from persona_lab.strategies.hierarchical_bayes import HierarchicalBayes
from persona_lab.strategies.rate_filter import RateFilter
from persona_lab.strategies.sliding_window import SlidingWindow
from persona_lab.strategies.worlds import Observer, Switching
from persona_lab.studies.targets import measure

RULES: dict[str, Any] = {**STRATEGIES, "rate-filter": RateFilter(points=11, hazards=(0.0001, 0.05))}
FOREVER = 20_000
NEVER_MOVES = ("never-update",)
GRIDS = (HierarchicalBayes, RateFilter)


def all_of(kind: Kind, *, proposed: int = 0, corrected: int = NO_OPTION, **more: Any) -> Feedback:
    return feedback(proposed=proposed, kind=np.full(LANES, kind), corrected=corrected, **more)


def is_probability(belief: np.ndarray) -> bool:
    return bool(np.isfinite(belief).all() and belief.min() >= 0.0 and np.abs(belief.sum(axis=0) - 1.0).max() < 1e-9)


@pytest.mark.parametrize("options", [2, 12])
@pytest.mark.parametrize("name", RULES)
def test_after_a_long_life_beliefs_are_probabilities_and_still_move(name: str, options: int) -> None:
    rule = RULES[name]
    steps = FOREVER // 40 if isinstance(rule, GRIDS) or name == "change-point" else FOREVER // 4
    state = rule.init(options, LANES)
    agreed, other = all_of(Kind.ACCEPTED), all_of(Kind.CORRECTED, corrected=options - 1)
    with np.errstate(all="raise", under="ignore"):
        for _ in range(steps):
            state = rule.update(state, agreed)
        assert is_probability(rule.belief(state))
        assert is_probability(rule.belief(state, 1e9))
        if name in NEVER_MOVES:
            return
        assert rule.belief(state)[:, 0].argmax() == 0
        for _ in range(steps + 2):
            state = rule.update(state, other)
            if rule.belief(state)[:, 0].argmax() == options - 1:
                break
        assert rule.belief(state)[:, 0].argmax() == options - 1
        assert is_probability(rule.belief(state))


@pytest.mark.parametrize("name", [name for name in RULES if name not in ("change-point",)])
def test_twenty_thousand_answers_underflow_nowhere(name: str) -> None:
    """The very length of the promise, on rules fast enough; answers that no option explains come in between."""
    rule = RULES[name]
    steps = FOREVER if not isinstance(rule, GRIDS) else FOREVER // 20
    state = rule.init(2, LANES)
    said = [all_of(Kind.ACCEPTED), all_of(Kind.CORRECTED, corrected=1), all_of(Kind.DECLINED)]
    with np.errstate(all="raise", under="ignore"):
        for step in range(steps):
            state = rule.update(state, said[0] if step % 1000 else said[step // 1000 % 3])
    assert is_probability(rule.belief(state))
    for array in _arrays(state):
        assert np.isfinite(array).all()


def _arrays(state: Any) -> list[np.ndarray]:
    if isinstance(state, tuple):
        return [array for part in state for array in _arrays(part)]
    return [np.asarray(state)]


@pytest.mark.parametrize("options", [2, 12])
@pytest.mark.parametrize("name", RULES)
def test_silence_alone_confidence_zero_and_no_streams_at_all(name: str, options: int) -> None:
    rule = RULES[name]
    start = rule.init(options, LANES)
    silent, ignored = start, start
    for step in range(30):
        silent = rule.update(silent, all_of(Kind.SILENT, proposed=NO_OPTION))
        ignored = rule.update(ignored, all_of(Kind.CORRECTED, proposed=step % options, corrected=1, confidence=0.0))
    for state in (silent, ignored):  # nobody said anything: nobody is known better
        assert rule.belief(state) == pytest.approx(rule.belief(start), abs=1e-12)
    nobody = rule.update(rule.init(options, 0), feedback(proposed=NO_OPTION, kind=np.zeros(0, dtype=np.int8)))
    assert rule.belief(nobody).shape == (options, 0)
    lone = rule.update(rule.init(options, 1), feedback(proposed=NO_OPTION, kind=[Kind.CORRECTED], corrected=1))
    assert is_probability(rule.belief(lone))


@pytest.mark.parametrize("name", RULES)
def test_numbers_of_half_the_width_give_the_same_beliefs_and_tiny_confidences_are_harmless(name: str) -> None:
    rule = RULES[name]
    wide = narrow = tiny = rule.init(4, LANES)
    for step in range(40):
        given = all_of(Kind.CORRECTED, proposed=0, corrected=step % 3, confidence=0.5, elapsed=0.25)
        wide = rule.update(wide, given)
        narrow = rule.update(
            narrow,
            given._replace(confidence=given.confidence.astype(np.float32), elapsed=given.elapsed.astype(np.float32)),
        )
        tiny = rule.update(tiny, all_of(Kind.CORRECTED, proposed=0, corrected=1, confidence=1e-300))
    assert rule.belief(narrow).tobytes() == rule.belief(wide).tobytes()
    assert is_probability(rule.belief(tiny))


@pytest.mark.parametrize("name", RULES)
def test_a_restart_between_two_answers_changes_nothing(name: str) -> None:
    rule = RULES[name]
    history = feedback_history(LANES, 4)
    through, restarted = rule.init(4, LANES), rule.init(4, LANES)
    for given in history:
        for elapsed in (0.0, 3.0, 400.0):  # read as of several moments, then again after the process came back
            before = rule.belief(restarted, elapsed)
            restarted = pickle.loads(pickle.dumps(restarted))
            assert rule.belief(restarted, elapsed).tobytes() == before.tobytes()
        through, restarted = rule.update(through, given), rule.update(restarted, given)
        assert identical(through, restarted)


@pytest.mark.parametrize("name", [name for name in RULES if not isinstance(RULES[name], GRIDS)])
def test_waiting_in_two_parts_is_waiting_once(name: str) -> None:
    """Forgetting is a property of time; for grids each interaction is a chance of a switch, answered or not."""
    rule = RULES[name]
    for options in (2, 12):
        state = rule.init(options, LANES)
        for given in feedback_history(LANES, options)[:25]:
            state = rule.update(state, given)
        for first, second in ((3.0, 4.0), (100.0, 0.5)):
            heard_of = rule.update(state, all_of(Kind.SILENT, proposed=NO_OPTION, elapsed=first))
            assert rule.belief(heard_of, second) == pytest.approx(rule.belief(state, first + second), abs=1e-12)


@pytest.mark.parametrize("name", [*STRATEGIES])
def test_the_log_of_a_live_agent_replays_to_the_very_beliefs_it_acted_on(name: str, tmp_path: Path) -> None:
    """Through files: what the agent wrote on the wire, read again, gives what it believed, bit for bit."""
    scenario = replace(with_interactions(SCENARIOS["slow_exceptions_noise10_partial_v1"], 20), options=3)
    people, rule = (0, 5), STRATEGIES[name]
    lives = live(scenario, seed=6, users=people)
    trace = closed_loop(scenario, lives, rule, seed=6, users=people, record_belief=True)
    assert trace.belief is not None
    path = tmp_path / "events.jsonl"
    write_events((told.event for told in to_told(scenario, lives, trace, seed=6, users=people)), path)
    (block,) = streams_of(load_log(path)).blocks
    named = [block.options.index(name) for name in names_of(scenario, 0)[1]]
    order = [int(label.split("/")[0].rsplit("_", 1)[-1]) for label in block.streams]
    first = min(order)
    state = rule.init(3, block.row.shape[1])
    for step in range(20):
        given = block.at(step)
        believed = rule.belief(state, given.elapsed).astype(np.float32)
        for lane, number in enumerate(order):
            assert believed[named, lane].tolist() == trace.belief[step, :, number - first].tolist(), (step, number)
        state = select(block.active(step), rule.update(state, given), state)


def test_no_rule_can_see_the_truth() -> None:
    """No strategy module imports what holds truth: simulate, metrics, studies, data sets; nor anything at run time."""
    hidden = ("simulate", "metrics", "studies", "datasets", "report", "engine", "cli")
    folder = Path(persona_lab.strategies.__file__).parent
    modules = sorted(folder.glob("*.py"))
    assert len(modules) > 20
    for module in modules:
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [f"{node.module}.{alias.name}" for alias in node.names]
            elif isinstance(node, ast.Name) and node.id in ("__import__", "eval", "exec", "open", "globals"):
                names = [f"persona_lab.simulate ({node.id})"]
            elif isinstance(node, ast.Attribute) and node.attr in ("import_module", "_getframe", "modules"):
                names = [f"persona_lab.simulate ({node.attr})"]
            for name in names:
                assert not any(f"persona_lab.{layer}" in name for layer in hidden), f"{module.name}: {name}"


def test_random_silence_read_as_consent_costs_what_the_weight_says() -> None:
    memory = ForgettingCount(keep=0.8, half_life=None, prior=0.05)
    rules = {"hears nothing": Composed(memory), "hears consent": Composed(memory, weight=Equal(silence=1.0))}
    for name in ("slow", "fast"):
        nothing, consent = (
            cell.ratio for cell in measure(SCENARIOS[f"{name}_noise10_sparse_v1"], rules, seed=888, most=256, batch=256)
        )
        assert nothing.value == pytest.approx(1.3, abs=0.2 + 3 * nothing.standard_error)
        assert consent.value == pytest.approx(3.25, abs=0.75 + 3 * consent.standard_error)


def test_after_five_thousand_silences_in_single_precision_an_answer_is_heard_at_once() -> None:
    """No floor is reached that later answers cannot lift: met with silence, or accepted throughout, then corrected."""
    rule = replace(ATTENTIVE, single=True)
    state = rule.init(4, 2)
    met = feedback(proposed=0, kind=[Kind.SILENT, Kind.ACCEPTED], confidence=0.9)
    corrected = feedback(proposed=0, kind=[Kind.CORRECTED] * 2, corrected=2, confidence=0.9)
    with np.errstate(all="raise", under="ignore"):
        for _ in range(FOREVER // 4):
            state = rule.update(state, met)
        assert is_probability(rule.belief(state))
        for _ in range(12):
            state = rule.update(state, corrected)
    assert is_probability(rule.belief(state))
    assert rule.belief(state)[2].min() > 0.9


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("confidence", float("nan")),
        ("confidence", 1.5),
        ("confidence", -0.1),
        ("elapsed", -1.0),
        ("elapsed", float("inf")),
        ("proposed", 300),
        ("corrected", -2),
    ],
)
def test_feedback_by_hand_is_refused_where_it_means_nothing(field: str, value: float) -> None:
    """300 would have been option 44 (eight bits), NaN a belief in nothing."""
    fine = {"proposed": 0, "corrected": 1, "confidence": 1.0, "elapsed": 1.0}
    feedback(kind=np.full(LANES, Kind.CORRECTED), **fine)
    with pytest.raises(InputError, match=rf"{field} holds .*Pass"):
        feedback(kind=np.full(LANES, Kind.CORRECTED), **{**fine, field: value})
    with pytest.raises(InputError, match="kind holds 7"):
        feedback(kind=[7], **fine)


@pytest.mark.parametrize("name", [name for name in RULES if name not in NEVER_MOVES])
def test_options_that_are_not_there_are_refused_not_believed_in(name: str) -> None:
    state = RULES[name].init(4, LANES)
    with pytest.raises(InputError, match="names option 4, but there are 4"):
        RULES[name].update(state, all_of(Kind.ACCEPTED, proposed=4))


KNOBS_WITH_RANGES = [
    (rule, field.name)
    for rule in {
        type(rule): rule for rule in (*RULES.values(), Hysteresis(), Noisy(), Observer(0.1), Switching(0.1))
    }.values()
    for field in fields(rule)
]


@pytest.mark.parametrize(
    ("rule", "knob"), KNOBS_WITH_RANGES, ids=[f"{type(rule).__name__}.{knob}" for rule, knob in KNOBS_WITH_RANGES]
)
def test_a_knob_or_part_of_another_type_is_refused_with_what_was_expected(rule: Any, knob: str) -> None:
    for odd in ("often", [0.1], np.array([0.1]), 1 + 2j, Ewma, (0.5, "often")):
        with pytest.raises(ConfigurationError, match=rf"{type(rule).__name__}\.{knob}(, \w+)* = .*: expected"):
            replace(rule, **{knob: odd})


def test_counts_of_answers_are_whole_numbers() -> None:
    for build in (SlidingWindow, Debounce, lambda length: Hysteresis(patience=length)):
        with pytest.raises(ConfigurationError, match="whole number"):
            build(2.5)
