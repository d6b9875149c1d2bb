"""Words at full size: the held-out families, opposites and paraphrases, words against fields."""

import json
import tempfile
from dataclasses import asdict
from pathlib import Path

import polars as pl

from persona_lab.studies.duplicates import merged, opposite_pairs, paraphrase_pairs, sameness
from persona_lab.studies.interpreted import interpreted_study, read_pool
from persona_lab.studies.interpreter import by_register, confusion, read_held_out, score
from persona_lab.text import CachedEncoder, Dedupe, SentenceEncoder, TextInterpreter

TALKERS = 320
SEED = 9102
"""People of this seed chose nothing."""

THRESHOLDS = (0.3, 0.4, 0.5, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)


def run(out: Path, talkers: int = TALKERS) -> None:
    """Measure every target and write the records."""
    with tempfile.TemporaryDirectory() as folder:
        interpreter = TextInterpreter(CachedEncoder(SentenceEncoder(), Path(folder) / "vectors.db"))
        readings = read_held_out(interpreter)
        figures = {name: asdict(found) for name, found in score(readings).items()}
        print(json.dumps(figures, indent=1), flush=True)

        dedupe = Dedupe(interpreter)
        opposite = sameness(dedupe, opposite_pairs(seed=SEED))
        paraphrase = sameness(dedupe, paraphrase_pairs(seed=SEED))
        duplicates = [
            {
                "threshold": threshold,
                "opposites_merged_of_500": int((opposite >= threshold).sum()),
                "paraphrase_recall": merged(paraphrase, threshold).value,
                "standard_error": merged(paraphrase, threshold).standard_error,
            }
            for threshold in THRESHOLDS
        ]
        print(pl.DataFrame(duplicates), flush=True)
        pool = read_pool(interpreter, seed=SEED)
    told = interpreted_study(pool, seed=SEED, people=talkers, learnt=True)
    told.write_parquet(out / "words_against_fields.parquet")
    print(told.filter(pl.col("feedback") != "fields"), flush=True)

    ours = told.filter((pl.col("update") == "population-bayes") & (pl.col("feedback") != "fields"))
    record = {
        "seed": SEED,
        "talkers": talkers,
        "held_out_families": figures,
        "by_register": by_register(readings).to_dicts(),
        "confusion": confusion(readings).to_dicts(),
        "duplicates": duplicates,
        "targets": {
            "stance >= .90": figures["stance"]["value"],
            "context and option >= .90, words known": figures["pair_known_words"]["value"],
            "context and option, new words for the option too": figures["pair_new_words"]["value"],
            "context and option >= .90, all": figures["pair"]["value"],
            "confidence ECE <= .07": figures["ece"]["value"],
            "opposites merged at the default threshold (0)": int((opposite >= dedupe.threshold).sum()),
            "paraphrase recall at the default threshold (.85)": merged(paraphrase, dedupe.threshold).value,
            "words / fields, population Bayes (<= 1.15)": ours.select(
                "scenario", "feedback", "ratio", "ratio_se"
            ).to_dicts(),
        },
    }
    (out / "words.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
