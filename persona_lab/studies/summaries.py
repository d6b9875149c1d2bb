"""Summary strategies crossed with update strategies: a good summary of a jumpy belief still lies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from persona_lab.catalog import STRATEGIES
from persona_lab.contracts import Belief, Sentence, Summary
from persona_lab.events import Event, read_answer
from persona_lab.feedback import BoolArray, IntArray, Kind
from persona_lab.measurement import Measurement
from persona_lab.metrics import summary as metrics
from persona_lab.protocols import SummaryStrategy, UpdateStrategy
from persona_lab.simulate.loop import Trajectory, closed_loop
from persona_lab.simulate.people import Lives, live
from persona_lab.simulate.scenarios import SCENARIOS, Scenario
from persona_lab.simulate.wire import names_of
from persona_lab.summaries import Budgeted, Cautious, ChangeFirst, Recency, Template, TopK
from persona_lab.summaries.reading import in_order, moment_of

SCENARIO_IDS = ("stable_noise10_v1", "slow_noise10_v1", "exceptions_noise10_v1", "slow_exceptions_noise10_v1")
UPDATE_RULES = ("last-write-wins", "ewma-0.2", "population-bayes")
CONTEXTS = 4
INTERACTIONS = 160
EVERY = 20
"""Interactions per context between checkpoints."""

START = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
"""First moment of the simulated log; nothing depends on it."""

LATEST_EVENTS = 200
"""Events of the person's log that a summary is given."""


@dataclass(frozen=True, slots=True)
class EmptySummary:
    """Control: says nothing."""

    def __call__(
        self, beliefs: Sequence[Belief], history: Sequence[Event], purpose: str, max_chars: int | None
    ) -> Summary:
        """Return a summary without sentences."""
        return Summary(purpose, moment_of(beliefs, history), ())


@dataclass(frozen=True, slots=True)
class RawEvents:
    """Control: the last ``last`` events as they stand, which is what pasting the log into a prompt does."""

    last: int = 5

    def __call__(
        self, beliefs: Sequence[Belief], history: Sequence[Event], purpose: str, max_chars: int | None
    ) -> Summary:
        """Return one sentence per event."""
        sentences = []
        for event in in_order(history)[-self.last :]:
            answer = read_answer(event)
            option = answer.proposed if answer.kind == "accepted" else answer.corrected
            text = f"{answer.context}: {answer.kind} {option or answer.proposed}."
            sentences.append(Sentence(text, (event.event_id,), answer.context, option))
        return Summary(purpose, moment_of(beliefs, history), tuple(sentences))


SUMMARY_STRATEGIES: dict[str, SummaryStrategy] = {
    "template": Template(),
    "top-k": TopK(),
    "recency": Recency(),
    "cautious": Cautious(),
    "change-first": ChangeFirst(),
    "budgeted (60 characters)": Budgeted(),
    "control: empty": EmptySummary(),
    "control: raw last five events": RawEvents(),
}
"""The rows of the table, controls last."""

MAX_CHARS = {"budgeted (60 characters)": 60}
"""Only the budgeted strategy is given a budget here: it is what it is for."""


class Cell(NamedTuple):
    """What one update rule believed of a population, at checkpoints; arrays (checkpoints, people, contexts)."""

    preferred: IntArray
    previous: IntArray
    believed: IntArray
    one_off: IntArray
    scored: BoolArray
    beliefs: list[list[list[Belief]]]
    histories: list[list[list[Event]]]
    options: tuple[tuple[str, ...], ...]
    contexts: tuple[str, ...]


def crossed_study(
    *,
    seed: int,
    people: int,
    scenario_ids: Sequence[str] = SCENARIO_IDS,
    rules: Mapping[str, UpdateStrategy] | None = None,
    summaries: Mapping[str, SummaryStrategy] | None = None,
) -> pl.DataFrame:
    """Return one row per scenario, update rule, summary strategy and metric: value, standard error, n, reason.

    The people, their luck and the checkpoints are the same for every row of a scenario. The agent in the loop proposes
    from its belief; the summary's reader is scored beside it and does not change what is learnt.
    """
    rows: list[dict[str, object]] = []
    for scenario_id in scenario_ids:
        scenario = replace(SCENARIOS[scenario_id], contexts=CONTEXTS, interactions=INTERACTIONS)
        lives = live(scenario, seed=seed, users=(0, people))
        for rule_name in UPDATE_RULES if rules is None else rules:
            rule = STRATEGIES[rule_name] if rules is None else rules[rule_name]
            run = closed_loop(scenario, lives, rule, seed=seed, users=(0, people), record_belief=True)
            cell = observe(scenario, lives, run, people)
            for name, strategy in (summaries or SUMMARY_STRATEGIES).items():
                for metric, found in score(cell, strategy, MAX_CHARS.get(name)).items():
                    rows.append(
                        {
                            "scenario": scenario_id,
                            "update": rule_name,
                            "summary": name,
                            "metric": metric,
                            "value": found.value,
                            "standard_error": found.standard_error,
                            "n": found.n,
                            "reason": found.reason,
                        }
                    )
    return pl.DataFrame(rows, infer_schema_length=None)


def score(cell: Cell, strategy: SummaryStrategy, max_chars: int | None) -> dict[str, Measurement]:
    """Return every metric of one summary strategy on one cell."""
    shape = cell.preferred.shape
    stated = np.full(shape, metrics.NOT_STATED, dtype=np.int8)
    characters = np.zeros(shape[:2], dtype=np.int64)
    texts = np.empty(shape, dtype=object)
    texts[:] = ""
    place = {context: number for number, context in enumerate(cell.contexts)}
    for point in range(shape[0]):
        for person in range(shape[1]):
            made = strategy(cell.beliefs[point][person], cell.histories[point][person], "preferences", max_chars)
            characters[point, person] = len(made.text)
            for sentence in made.sentences:
                if sentence.context in place and sentence.option is not None:
                    context = place[sentence.context]
                    stated[point, person, context] = cell.options[context].index(sentence.option)
                    texts[point, person, context] = sentence.text
    options = len(cell.options[0])
    return {
        "faithfulness": metrics.faithfulness(stated=stated, preferred=cell.preferred),
        "coverage": metrics.coverage(stated=stated),
        "staleness": metrics.staleness(stated=stated, previous=cell.previous),
        "churn": metrics.churn(changed=texts[1:] != texts[:-1], preferred=cell.preferred),
        "over-correction": metrics.over_correction(stated=stated, preferred=cell.preferred, one_off=cell.one_off),
        "length": metrics.length(characters=characters),
        "reader's error rate": metrics.reader_errors(
            stated=stated, preferred=cell.preferred, scored=cell.scored, options=options
        ),
        "cost of reading only it": metrics.reading_cost(
            stated=stated, believed=cell.believed, preferred=cell.preferred, scored=cell.scored, options=options
        ),
    }


def observe(scenario: Scenario, lives: Lives, run: Trajectory, people: int) -> Cell:
    """Return beliefs, logs and truth at the checkpoints: after every ``EVERY`` interactions, before the next one."""
    assert run.belief is not None  # recorded on request
    contexts = scenario.contexts
    named = [names_of(scenario, context) for context in range(contexts)]
    points = list(range(EVERY, lives.preferred.shape[0], EVERY))

    def at(array: NDArray[Any]) -> NDArray[Any]:
        shaped: NDArray[Any] = array[points].reshape(len(points), people, contexts)
        return shaped

    log = [_log(lives, run, person, named) for person in range(people)]
    beliefs: list[list[list[Belief]]] = []
    histories: list[list[list[Event]]] = []
    for point in points:
        seen = [log[person][: point * contexts] for person in range(people)]
        histories.append([events[-LATEST_EVENTS:] for events in seen])
        beliefs.append(
            [
                [
                    Belief(
                        f"user_{person:04d}",
                        named[context][0],
                        named[context][1],
                        tuple(float(p) for p in run.belief[point, :, person * contexts + context]),
                        float((run.kind[:point, person * contexts + context] != Kind.SILENT).sum()),
                        seen[person][-1].timestamp,
                    )
                    for context in range(contexts)
                ]
                for person in range(people)
            ]
        )
    believed = run.belief[points].argmax(axis=1).reshape(len(points), people, contexts)
    return Cell(
        preferred=at(lives.preferred),
        previous=at(_previous(lives.preferred)),
        believed=believed.astype(np.int8),
        one_off=at(_one_offs(lives)),
        scored=at(~lives.in_exception),
        beliefs=beliefs,
        histories=histories,
        options=tuple(options for _, options in named),
        contexts=tuple(name for name, _ in named),
    )


def _previous(preferred: IntArray) -> IntArray:
    """Return the option of the epoch before, -1 in the first."""
    found = np.full(preferred.shape, metrics.NOT_STATED, dtype=np.int8)
    for step in range(1, len(preferred)):
        switched = preferred[step] != preferred[step - 1]
        found[step] = np.where(switched, preferred[step - 1], found[step - 1])
    return found


def _one_offs(lives: Lives) -> IntArray:
    """Return, before each step, the latest option of the last ``EVERY`` answers that was not the preferred one then."""
    found = np.full(lives.preferred.shape, metrics.NOT_STATED, dtype=np.int8)
    age = np.full(lives.preferred.shape[1], EVERY, dtype=np.int64)
    latest = np.full(lives.preferred.shape[1], metrics.NOT_STATED, dtype=np.int8)
    for step in range(len(found)):
        found[step] = np.where(age < EVERY, latest, metrics.NOT_STATED)
        stray = lives.expressed[step] != lives.preferred[step]
        latest = np.where(stray, lives.expressed[step], latest)
        age = np.where(stray, 0, age + 1)
    return found


def _log(lives: Lives, run: Trajectory, person: int, named: Sequence[tuple[str, tuple[str, ...]]]) -> list[Event]:
    """Return the person's events, contexts taking turns, one interaction of each per day."""
    contexts = len(named)
    events: list[Event] = []
    for step in range(lives.preferred.shape[0]):
        for context, (name, options) in enumerate(named):
            stream = person * contexts + context
            kind = Kind(int(run.kind[step, stream]))
            metadata = {
                "context": name,
                "proposed": options[int(run.proposed[step, stream])],
                "status": kind.name.lower(),
            }
            if kind is Kind.CORRECTED:
                metadata["corrected"] = options[int(run.corrected[step, stream])]
            events.append(
                Event(
                    event_id=f"{person}-{context}-{step}",
                    type="outcome" if kind is Kind.ACCEPTED else "correction",
                    timestamp=START + timedelta(days=step, hours=context),
                    metadata=metadata,
                )
            )
    return events
