"""What the words part was chosen on: training families, each part read by an interpreter fitted on the rest.

With the adapters that ``rebuild(keep=ADAPTERS)`` left it takes ten minutes, without them ten more.
"""

import json
import tempfile
from dataclasses import asdict
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from persona_lab.catalog import STRATEGIES
from persona_lab.studies.duplicates import merged, opposite_pairs, paraphrase_pairs, sameness
from persona_lab.studies.fitted_interpreter import cross_fitted
from persona_lab.studies.interpreted import Hearing, Pool, interpreted_study, read_pool
from persona_lab.studies.interpreter import by_register, read_held_out, score
from persona_lab.studies.new_phrasings import adapter_readings
from persona_lab.text import CachedEncoder, Dedupe, SentenceEncoder

SEED = 4242
PEOPLE = 64
PAIRS = 600
ADAPTERS = Path("build") / "adapters"
"""Where adapters fitted by an earlier run, or by ``rebuild``, wait."""

THRESHOLDS = (0.3, 0.4, 0.5, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)
REFUSALS = (0.0, 0.7, 0.8, 0.9, 0.95)
ANNOUNCED = (1, 2, 3)
RULE = "population-bayes"


def run(out: Path) -> None:
    """Cross-fit and write what each choice was made on."""
    readings, opposites, paraphrases = [], [], []
    pools: list[Pool] = []
    with tempfile.TemporaryDirectory() as folder:
        encoder = CachedEncoder(SentenceEncoder(), Path(folder) / "vectors.db")
        for number, (part, interpreter) in enumerate(cross_fitted(encoder, keep=ADAPTERS)):
            dedupe = Dedupe(interpreter)
            readings += read_held_out(interpreter, part)
            opposites.append(sameness(dedupe, opposite_pairs(seed=SEED + number, count=PAIRS, among=part)))
            paraphrases.append(sameness(dedupe, paraphrase_pairs(seed=SEED + number, count=PAIRS, among=part)))
            pools.append(read_pool(interpreter, seed=SEED + number, among=part))
            print(number, {name: found.value for name, found in score(readings).items()}, flush=True)
        alone = adapter_readings(encoder, keep=ADAPTERS)
    apart, same = np.concatenate(opposites), np.concatenate(paraphrases)
    record = {
        "seed": SEED,
        "cross_fitted": {name: asdict(found) for name, found in score(readings).items()},
        "by_register": by_register(readings).to_dicts(),
        "threshold": [
            {
                "threshold": threshold,
                "opposites_merged": int((apart >= threshold).sum()),
                "of": len(apart),
                "paraphrase_recall": merged(same, threshold).value,
            }
            for threshold in THRESHOLDS
        ],
        "adapter_alone": [{"hand": one.hand, "right": asdict(one.right)} for one in alone],
        "hearing": _hearings(pools),
    }
    (out / "words_choices.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def _hearings(pools: list[Pool]) -> list[dict[str, Any]]:
    channels = {f"{sure} {times}": Hearing(True, sure, times) for sure, times in product(REFUSALS, ANNOUNCED)}
    tables = [
        interpreted_study(
            pool,
            seed=SEED + 100 + number,
            people=PEOPLE,
            rules={RULE: STRATEGIES[RULE]},
            channels={"fields": None, **channels},
        )
        for number, pool in enumerate(pools)
    ]
    whole = pl.concat(tables).filter(pl.col("feedback") != "fields")
    found: list[dict[str, Any]] = []
    for name, hearing in channels.items():
        ratios = whole.filter(pl.col("feedback") == name)["ratio"]
        found.append(
            {
                "sure_of_refusal": hearing.sure_of_refusal,
                "announced": hearing.announced,
                "mean_ratio": ratios.mean(),
                "worst_ratio": ratios.max(),
            }
        )
    print(pl.DataFrame(found), flush=True)
    return found
