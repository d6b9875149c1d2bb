"""Words by other hands: the packaged interpreter on the third, which nothing was fitted on; stances fitted on more."""

import json
import tempfile
from dataclasses import asdict
from pathlib import Path

from persona_lab.simulate.other_hands import families_third
from persona_lab.studies.duplicates import merged, opposite_pairs, paraphrase_pairs, sameness
from persona_lab.studies.interpreter import by_register, confusion, score
from persona_lab.studies.new_phrasings import read_third_hand, stance_fits
from persona_lab.text import CachedEncoder, Dedupe, SentenceEncoder, TextInterpreter

SEED = 9102
THRESHOLDS = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95)


def run(out: Path) -> None:
    """Read, cross-fit and write; the held-out families of the data set are left to ``words``."""
    with tempfile.TemporaryDirectory() as folder:
        encoder = CachedEncoder(SentenceEncoder(), Path(folder) / "vectors.db")
        interpreter = TextInterpreter(encoder)
        readings = read_third_hand(interpreter)
        duplicates = _duplicates(Dedupe(interpreter))
        fits = stance_fits(encoder)
    record = {
        "families": len({reading.row.family for reading in readings}),
        "packaged_interpreter": {
            name: asdict(found) for name, found in score(readings).items() if found.value is not None
        },
        "by_register": by_register(readings).to_dicts(),
        "confusion": confusion(readings).to_dicts(),
        "duplicates": duplicates,
        "stance_cross_fitted": [
            {
                "judged_on": fit.judged_on,
                "fitted_on": fit.fitted_on,
                "right": asdict(fit.right),
                "sure_and_wrong": asdict(fit.sure_and_wrong),
            }
            for fit in fits
        ],
    }
    (out / "words_new_phrasings.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    print(
        json.dumps(
            {key: record[key] for key in ("packaged_interpreter", "duplicates", "stance_cross_fitted")}, indent=1
        )
    )


def _duplicates(dedupe: Dedupe) -> list[dict[str, object]]:
    """Return what each threshold merges of 500 opposites and 500 paraphrases in the third hand's families."""
    families = families_third()
    names = {family.name for family in families}
    apart = sameness(dedupe, opposite_pairs(seed=SEED, among=names, families=families))
    same = sameness(dedupe, paraphrase_pairs(seed=SEED, among=names, families=families))
    return [
        {
            "threshold": threshold,
            "opposites_merged_of_500": int((apart >= threshold).sum()),
            "paraphrase_recall": merged(same, threshold).value,
        }
        for threshold in THRESHOLDS
    ]
