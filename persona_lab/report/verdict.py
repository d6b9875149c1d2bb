"""The verdict in words: computed from the records, and silent about differences that are only noise."""

from __future__ import annotations

from persona_lab.report.sections import listing, signed
from persona_lab.report.study import ALL, Study
from persona_lab.studies.plan import LAST_WRITE_WINS, LIMIT

WORTH_NAMING = ("never-update", "running-count", "confidence-average")
"""Controls at the slow end, of which the verdict names the best one measured as the contrast to last-write-wins."""

POPULATION = "population-bayes"


def verdict(study: Study) -> tuple[str, ...]:
    """Return the verdict as paragraphs of small Markdown, most important first."""
    lines = [
        _winner(study),
        _price(study),
        _learnt(study),
        _ties(study),
        _contrast(study),
        _where(study),
        _worst(study),
        _limit(study),
    ]
    return tuple(line for line in lines if line)


def _learnt(study: Study) -> str:
    """Say so where the winner's prior was learnt from people like some of those that are scored."""
    if study.best != POPULATION:
        return ""
    among = " (scored here)" if "mixed_v1" in study.scenarios else ""
    return (
        f"{POPULATION} starts from a prior learnt from other simulated people of mixed_v1{among}, under another seed; "
        "hierarchical-bayes is the same rule without it. On your own people, learn the prior from their logs."
    )


def people(study: Study) -> str:
    """Return how many people of which kinds the study looked at, in words."""
    manifest = study.result.manifest
    lengths = sorted(set(manifest.get("interactions", {}).values()))
    span = f"{lengths[0]:,}" if len(lengths) == 1 else f"{lengths[0]:,} to {lengths[-1]:,}" if lengths else "?"
    kinds = len(study.scenarios)
    many = "1 scenario" if kinds == 1 else f"{kinds} scenarios"
    users = f"{manifest['users']:,} people" if "users" in manifest else "people"
    return f"{many}, {users} in each, {span} interactions per person"


def _winner(study: Study) -> str:
    rate = study.figure(ALL, study.best, "error_rate")
    if rate.value is None:
        return f"No verdict: the error rate is undefined ({rate.reason})."
    tied = study.tied(ALL, study.best, study.strategies)
    shares = f", level with {listing([f'**{name}**' for name in tied])}" if 0 < len(tied) <= 3 else ""
    error = f" ± {100 * rate.standard_error:.2f}" if rate.standard_error is not None else ""
    ratio = study.value(ALL, study.best, "ratio_to_limit")
    regret = study.value(ALL, study.best, "regret")
    beside = f", {ratio:.2f} times the errors of the exact limit" if ratio is not None else ""
    extra = f" ({signed(f'{regret:.2f}')} extra errors per 100 interactions)" if regret is not None else ""
    return (
        f"On these people ({people(study)}), **{study.best}** makes the fewest errors of the "
        f"{len(study.strategies)} rules compared{shares}: {100 * rate.value:.2f}{error} % of its proposals are "
        f"wrong{beside}{extra}."
    )


def _price(study: Study) -> str:
    parts = {
        "noise": study.value(ALL, study.best, "over_correction_rate"),
        "change": study.value(ALL, study.best, "adaptation_rate"),
        "getting to know the person": study.value(ALL, study.best, "cold_start_rate"),
    }
    if any(value is None for value in parts.values()):
        return ""
    paid = {name: 100 * value for name, value in parts.items() if value is not None}
    index = study.value(ALL, study.best, "over_correction_index")
    delay = study.value(ALL, study.best, "adaptation_delay")
    jumpy = f" (over-correction index {index:.3f})" if index is not None else ""
    slow = f" ({delay:.1f} wrong proposals per true change)" if delay is not None else ""
    least = [study.value(ALL, LIMIT, f"{cause}_rate") for cause in ("over_correction", "adaptation")]
    known = [100 * value for value in least if value is not None]
    floor = f" The limit itself pays {known[0]:.2f} and {known[1]:.2f}." if len(known) == len(least) else ""
    return (
        f"Per 100 interactions it pays **{paid['noise']:.2f} errors for noise**{jumpy}, "
        f"**{paid['change']:.2f} for change**{slow}, and {paid['getting to know the person']:.2f} for getting to know "
        f"the person.{floor}"
    )


def _ties(study: Study) -> str:
    others = [name for name in study.strategies if name != study.best]
    tied = study.tied(ALL, study.best, others)
    if tied:
        found = [(name, study.difference(ALL, name, study.best)) for name in tied]
        gaps = [
            f"{name} ({signed(f'{100 * gap[0]:+.2f}')} ± {100 * gap[1]:.2f} points)"
            for name, gap in found
            if gap is not None
        ]
        return f"Differing from it by less than their noise, so not to be ranked: {listing(gaps)}."
    if others:
        gap = study.difference(ALL, others[0], study.best)
        if gap is not None:
            return (
                f"The runner-up, {others[0]}, makes {100 * gap[0]:.2f} ± {100 * gap[1]:.2f} percentage points more "
                "errors on the same people and luck: more than noise."
            )
    return ""


def _contrast(study: Study) -> str:
    jumpy = _cost(study, LAST_WRITE_WINS, "over_correction_rate")
    slow = [
        (name, cost) for name in WORTH_NAMING if (cost := _cost(study, name, "adaptation_rate")) and name != study.best
    ]
    said = []
    if jumpy is not None and study.best != LAST_WRITE_WINS:
        said.append(f"**last-write-wins**, what most memory products do, pays {jumpy:.1f} per 100 for noise alone")
    if slow:
        name, cost = min(slow, key=lambda pair: pair[1])
        said.append(f"**{name}**, which never forgets, pays {cost:.1f} per 100 for change alone")
    return f"For contrast: {'; '.join(said)}." if said else ""


def _cost(study: Study, name: str, metric: str) -> float | None:
    value = study.value(ALL, name, metric)
    return None if value is None else 100 * value


def _where(study: Study) -> str:
    if len(study.scenarios) < 2:
        return ""
    leaders: dict[str, list[str]] = {}
    for scenario in study.scenarios:
        name = study.best_in(scenario)
        if name is not None:
            leaders.setdefault(name, []).append(study.title(scenario))
    ranked = sorted(leaders.items(), key=lambda item: (-len(item[1]), item[0]))
    if len(ranked) == 1:
        return f"It is also the one with the fewest errors in every scenario: **{ranked[0][0]}**."
    said = [f"{name} in {len(where)} of {len(study.scenarios)} ({', '.join(where)})" for name, where in ranked]
    return (
        f"No rule is best everywhere. Fewest errors, ties not counted: {listing(said)}. The pooled figure depends on "
        "this mix."
    )


def _worst(study: Study) -> str:
    """Say which rule is safest: the smallest regret in its own worst scenario."""
    worst = {}
    for name in study.strategies:
        found = [(study.value(scenario, name, "regret"), scenario) for scenario in study.scenarios]
        known = [(value, scenario) for value, scenario in found if value is not None]
        if known and len(known) == len(found):
            worst[name] = max(known)
    if len(worst) < 2 or len(study.scenarios) < 2:
        return ""
    safest, second = sorted(worst, key=lambda name: (worst[name][0], name))[:2]
    regret, scenario = worst[safest]
    return (
        f"Safest, if you do not know your people: **{safest}**. In its worst scenario ({study.title(scenario)}) it "
        f"makes {regret:.2f} errors per 100 more than the limit; the next safest, {second}, {worst[second][0]:.2f} "
        f"({study.title(worst[second][1])})."
    )


def _limit(study: Study) -> str:
    if not study.has_limit:
        return "No exact limit is computed for these scenarios, so nothing here says how good a rule could be."
    beaten = beats_limit(study)
    if beaten:
        return (
            f"**Suspicious**: the exact limit was beaten beyond noise by {listing(beaten)}; look for a leak of truth."
        )
    return "No rule beat the exact limit, the filter that is told the scenario's parameters, beyond noise."


def beats_limit(study: Study, level: float = 1e-3) -> list[str]:
    """Return "strategy in scenario" wherever fewer errors than the limit's were made at Holm's p below ``level``."""
    found = []
    for scenario in study.scenarios:
        for name in study.strategies:
            gap = study.difference(scenario, name, LIMIT)
            if gap is not None and gap[0] < 0 and gap[2] < level:
                found.append(f"{name} in {scenario}")
    return found
