"""Parity with the Open Bandit Pipeline on its bundled sample; runs where ``obp`` is installed (it is no dependency)."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from persona_lab.metrics import off_policy

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def sample():
    """Return the bundled log of a uniform logger: reward, action, propensity, and another policy's choices."""
    obp = pytest.importorskip("obp", reason="obp is not installed; it is only wanted for this comparison")
    file = Path(obp.__file__).parent / "dataset" / "obd" / "random" / "all" / "all.csv"
    rows = pl.read_csv(file).sort("timestamp")
    actions = 80
    luck = np.random.default_rng(1)
    chosen = luck.dirichlet(np.ones(actions), size=rows.height)
    return {
        "reward": rows["click"].to_numpy().astype(float),
        "logged": rows["item_id"].to_numpy(),
        "propensity": rows["propensity_score"].to_numpy() * 1.0,
        "chosen": chosen.T,
        "predicted": np.tile(luck.random(actions) * 0.01, (rows.height, 1)).T,
    }


def test_the_three_estimators_agree_with_obp(sample):
    estimators = pytest.importorskip("obp.ope", reason="obp.ope needs matplotlib and seaborn", exc_type=ImportError)
    n = sample["reward"].size
    common = {
        "reward": sample["reward"],
        "action": sample["logged"],
        "position": np.zeros(n, dtype=int),
        "pscore": sample["propensity"],
        "action_dist": sample["chosen"].T[:, :, np.newaxis],
    }
    ours = {name: sample[name] for name in ("reward", "logged", "propensity", "chosen")} | {"user": np.arange(n)}
    pairs = [
        (estimators.InverseProbabilityWeighting(), {}, off_policy.inverse_propensity(**ours)),
        (estimators.SelfNormalizedInverseProbabilityWeighting(), {}, off_policy.self_normalised(**ours)),
        (
            estimators.DoublyRobust(),
            {"estimated_rewards_by_reg_model": sample["predicted"].T[:, :, np.newaxis]},
            off_policy.doubly_robust(**ours, predicted=sample["predicted"]),
        ),
    ]
    for theirs, extra, mine in pairs:
        assert mine.reason is None
        assert mine.value == pytest.approx(theirs.estimate_policy_value(**common, **extra), rel=1e-10)
