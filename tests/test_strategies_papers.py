"""Rules that follow a paper, against the paper's equations written out one stream at a time, without our code."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from persona_lab.feedback import NO_OPTION, Kind, feedback
from persona_lab.strategies.fixed_share import MixingPast
from persona_lab.strategies.hgf import HierarchicalGaussian
from persona_lab.strategies.kalman import VolatileKalman
from persona_lab.strategies.noise_or_volatility import NoiseOrVolatility

LANES = 64
EXACT = {"rel": 0.0, "abs": 1e-12}


def answers(options: int, steps: int, seed: int) -> list[int]:
    """Return the choices of a person who leans to option 0, then to the last one."""
    luck = np.random.default_rng(seed)  # a test's own luck
    lean = np.where(np.arange(steps) < steps // 2, 0, options - 1)
    return np.where(luck.random(steps) < 0.7, lean, luck.integers(0, options, steps)).tolist()


def beliefs(rule: Any, choices: Sequence[int], options: int) -> list[list[float]]:
    """Return what our rule believes after each choice."""
    state, found = rule.init(options, LANES), []
    for choice in choices:
        kind = np.full(LANES, Kind.CORRECTED)
        state = rule.update(state, feedback(proposed=NO_OPTION, kind=kind, corrected=choice))
        found.append(rule.belief(state)[:, 11].tolist())
    return found


def mixing_past(choices: Sequence[int], options: int, alpha: float, noise: float) -> list[list[float]]:
    """Bousquet & Warmuth (2002), figure 1 with the uniform past of figure 2: every past posterior is kept.

    Loss update: v^m_t(i) = v_t(i) e^{-L_t(i)} / sum; the log-loss of an option that slips with ``noise``.
    Mixing update: v_{t+1} = sum over q = 0 .. t of beta(q) v^m_q, beta(t) = 1 - alpha, beta(q < t) = alpha / t.
    """
    past = [[1.0 / options] * options]
    weights, said = past[0], []
    for choice in choices:
        losses = [-math.log(1.0 - noise if i == choice else noise / (options - 1)) for i in range(options)]
        scaled = [v * math.exp(-loss) for v, loss in zip(weights, losses, strict=True)]
        past.append([v / math.fsum(scaled) for v in scaled])
        t = len(past) - 1
        beta = [alpha / t] * t + [1.0 - alpha]
        weights = [math.fsum(b * v[i] for b, v in zip(beta, past, strict=True)) for i in range(options)]
        said.append(weights)
    return said


@pytest.mark.parametrize("options", [2, 5])
def test_mixing_past_posteriors_keeps_what_the_paper_keeps(options: int) -> None:
    choices = answers(options, 120, seed=1)
    ours = np.array(beliefs(MixingPast(hazard=0.07, noise=0.2), choices, options))
    assert ours == pytest.approx(np.array(mixing_past(choices, options, 0.07, 0.2)), **EXACT)


def hierarchical_gaussian(
    choices: Sequence[int], options: int, omega: float, kappa: float, theta: float
) -> list[list[float]]:
    """Mathys et al. (2014), three levels, binary input, in the precisions of the paper; one option against the rest.

    Level 2: pihat2 = 1 / (1 / pi2 + nu2), nu2 = exp(kappa mu3 + omega); pi2 = pihat2 + 1 / pihat1, where
    1 / pihat1 = s (1 - s); mu2 += delta1 / pi2. Level 3: pihat3 = 1 / (1 / pi3 + theta); w2 = nu2 pihat2,
    r2 = (nu2 - 1 / pi2_before) pihat2, delta2 = (1 / pi2 + (mu2 - mu2_before)^2) pihat2 - 1;
    pi3 = pihat3 + kappa^2 / 2 w2 (w2 + r2 delta2), mu3 += kappa / 2 w2 delta2 / pi3.
    """
    mu2, pi2 = [-math.log(options - 1.0)] * options, [1.0] * options
    mu3, pi3 = [0.0] * options, [1.0] * options
    said = []
    for choice in choices:
        for k in range(options):
            nu2 = math.exp(kappa * mu3[k] + omega)
            pihat2 = 1.0 / (1.0 / pi2[k] + nu2)
            s = 1.0 / (1.0 + math.exp(-mu2[k]))
            delta1 = (1.0 if k == choice else 0.0) - s
            pi2_new = pihat2 + s * (1.0 - s)
            mu2_new = mu2[k] + delta1 / pi2_new
            pihat3 = 1.0 / (1.0 / pi3[k] + theta)
            w2, r2 = nu2 * pihat2, (nu2 - 1.0 / pi2[k]) * pihat2
            delta2 = (1.0 / pi2_new + (mu2_new - mu2[k]) ** 2) * pihat2 - 1.0
            pi3[k] = pihat3 + 0.5 * kappa**2 * w2 * (w2 + r2 * delta2)
            assert pi3[k] > 0.1  # else our floor would act, and the paper has none
            mu3[k] += 0.5 * kappa * w2 * delta2 / pi3[k]
            mu2[k], pi2[k] = mu2_new, pi2_new
            assert abs(mu2[k]) < 12.0
        chance = [1.0 / (1.0 + math.exp(-m)) for m in mu2]
        said.append([c / math.fsum(chance) for c in chance])
    return said


@pytest.mark.parametrize(
    ("options", "omega", "kappa", "theta"), [(2, -2.0, 1.0, 0.01), (2, -4.0, 1.4, 0.1), (4, -2.0, 0.7, 0.05)]
)
def test_the_hierarchical_gaussian_filter_is_that_of_the_paper(
    options: int, omega: float, kappa: float, theta: float
) -> None:
    choices = answers(options, 80, seed=2)
    ours = np.array(beliefs(HierarchicalGaussian(tonic=omega, coupling=kappa, meta=theta), choices, options))
    assert ours == pytest.approx(np.array(hierarchical_gaussian(choices, options, omega, kappa, theta)), **EXACT)


def test_the_hierarchical_gaussian_filter_is_moved_by_one_slip_after_a_long_calm() -> None:
    """A failure of the model itself: on the logit scale certainty stops evidence, while the walk goes on."""
    calm = [0] * 300
    ours = beliefs(HierarchicalGaussian(), [*calm, 2], 4)
    assert ours[-2][0] > 0.99
    assert ours[-1][2] > ours[-1][0]


def volatile_kalman(choices: Sequence[int], options: int, rate: float, v: float, noise: float) -> list[list[float]]:
    """Piray & Daw (2020), equations 9 to 13, w_0 = sigma^2; the squared change is averaged over the options.

    k = (w + v) / (w + v + sigma^2); m' = m + k (o - m); w' = (1 - k) (w + v); the lag-one covariance is (1 - k) w;
    v' = v + lambda ((m' - m)^2 + w + w' - 2 cov - v).
    """
    m, w, said = [1.0 / options] * options, noise, []
    for choice in choices:
        k = (w + v) / (w + v + noise)
        moved = [x + k * ((1.0 if i == choice else 0.0) - x) for i, x in enumerate(m)]
        w_new, covariance = (1.0 - k) * (w + v), (1.0 - k) * w
        change = math.fsum((a - b) ** 2 for a, b in zip(moved, m, strict=True)) / options
        v += rate * (change + w + w_new - 2.0 * covariance - v)
        m, w = moved, w_new
        said.append(m)
    return said


@pytest.mark.parametrize("options", [2, 4])
def test_the_volatile_kalman_filter_is_that_of_the_paper(options: int) -> None:
    # With two options the average over the options is the paper's squared change of the one mean.
    choices = answers(options, 120, seed=3)
    ours = np.array(beliefs(VolatileKalman(rate=0.1, volatility=0.05, noise=0.3), choices, options))
    assert ours == pytest.approx(np.array(volatile_kalman(choices, options, 0.1, 0.05, 0.3)), **EXACT)


def simplex(options: int) -> np.ndarray:
    """Return an orthonormal basis of the directions in which shares that sum to 1 can move, (options - 1, options)."""
    rows = [[1.0] * k + [-float(k)] + [0.0] * (options - k - 1) for k in range(1, options)]
    return np.array([np.array(row) / np.linalg.norm(row) for row in rows])


@pytest.mark.parametrize("options", [2, 3])
def test_noise_or_volatility_is_exact_bayes_over_its_grid(options: int) -> None:
    """The model of Piray & Daw (2021) with both levels constant: a random walk seen with noise, each pair of a grid.

    Solved here in one go from the joint Gaussian of all answers, with no filter: the marginal likelihood weighs the
    pairs, the conditional mean of the latest state given all answers is the belief.
    """
    volatilities, noises = (0.002, 0.05), (0.1, 0.4)
    choices = answers(options, 24, seed=4)
    rule = NoiseOrVolatility(volatilities=volatilities, noises=noises, fade=0.0)
    basis = simplex(options)
    seen = (np.eye(options)[choices] - 1.0 / options) @ basis.T  # (answers, directions), prior mean 0
    start = (options - 1.0) / options**2
    for t in (1, 7, 24):
        steps = np.arange(1, t + 1)
        logs, means = [], []
        for volatility in volatilities:
            for noise in noises:
                walk = start + volatility * np.minimum.outer(steps, steps)
                joint = walk + noise * np.eye(t)
                logs.append(sum(multivariate_normal.logpdf(seen[:t, d], cov=joint) for d in range(options - 1)))
                means.append(1.0 / options + (walk[-1] @ np.linalg.solve(joint, seen[:t])) @ basis)
        trust = np.exp(np.array(logs) - max(logs))
        expected = (trust / trust.sum()) @ np.array(means)
        assert beliefs(rule, choices[:t], options)[-1] == pytest.approx(expected.tolist(), rel=0.0, abs=1e-11)


def test_noise_or_volatility_forgets_its_evidence_at_its_stated_pace() -> None:
    """Fading, written one filter at a time: credit_t = (1 - fade) credit_{t-1} + log density of the answer."""
    volatilities, noises, fade = (0.002, 0.05), (0.1, 0.4), 0.1
    choices = answers(2, 60, seed=5)
    bank = [{"v": v, "s": s, "m": 0.0, "w": 0.25, "credit": 0.0} for v in volatilities for s in noises]
    said = []
    for choice in choices:
        seen = (0.5 if choice == 0 else -0.5) * math.sqrt(2.0)  # along (1, -1) / sqrt(2)
        for f in bank:
            prior = f["w"] + f["v"]
            spread = prior + f["s"]
            density = -0.5 * ((seen - f["m"]) ** 2 / spread + math.log(spread))
            f["credit"] = (1.0 - fade) * f["credit"] + density
            gain = prior / spread
            f["m"], f["w"] = f["m"] + gain * (seen - f["m"]), (1.0 - gain) * prior
        top = max(f["credit"] for f in bank)
        trust = [math.exp(f["credit"] - top) for f in bank]
        mean = math.fsum(c * f["m"] for c, f in zip(trust, bank, strict=True)) / math.fsum(trust)
        said.append([0.5 + mean / math.sqrt(2.0), 0.5 - mean / math.sqrt(2.0)])
    ours = np.array(beliefs(NoiseOrVolatility(volatilities, noises, fade), choices, 2))
    assert ours == pytest.approx(np.array(said), **EXACT)
