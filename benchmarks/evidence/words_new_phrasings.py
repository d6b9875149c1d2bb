"""Words by other hands: the packaged interpreter on the third, which nothing was fitted on; stances fitted on more."""

import json
import tempfile
from dataclasses import asdict
from pathlib import Path

from persona_lab.studies.interpreter import by_register, confusion, score
from persona_lab.studies.new_phrasings import read_third_hand, stance_fits
from persona_lab.text import CachedEncoder, SentenceEncoder, TextInterpreter


def run(out: Path) -> None:
    """Read, cross-fit and write; the held-out families of the data set are left to ``words``."""
    with tempfile.TemporaryDirectory() as folder:
        encoder = CachedEncoder(SentenceEncoder(), Path(folder) / "vectors.db")
        readings = read_third_hand(TextInterpreter(encoder))
        fits = stance_fits(encoder)
    record = {
        "families": len({reading.row.family for reading in readings}),
        "packaged_interpreter": {
            name: asdict(found) for name, found in score(readings).items() if found.value is not None
        },
        "by_register": by_register(readings).to_dicts(),
        "confusion": confusion(readings).to_dicts(),
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
    print(json.dumps({key: record[key] for key in ("packaged_interpreter", "stance_cross_fitted")}, indent=1))
