"""Every component by the name that a person types: dict literals, greppable; users pass objects instead."""

from __future__ import annotations

from persona_lab.contracts import Move
from persona_lab.detectors.beta_factor import BetaFactor
from persona_lab.detectors.bocpd import Bocpd
from persona_lab.detectors.categorical_bocpd import CategoricalBocpd
from persona_lab.detectors.cusum import Cusum
from persona_lab.detectors.dirichlet_factor import DirichletFactor
from persona_lab.detectors.ewma_chart import EwmaChart
from persona_lab.detectors.exception_aware import ExceptionAware
from persona_lab.detectors.glr import Glr
from persona_lab.detectors.option_shift import OptionShift
from persona_lab.detectors.page_hinkley import PageHinkley
from persona_lab.detectors.shiryaev import ShiryaevRoberts
from persona_lab.policies.acceptance_map import ACCEPTANCE_MAP
from persona_lab.policies.acceptance_prior import SHIPPED_BELIEF
from persona_lab.policies.adaptive import AdaptiveBayes
from persona_lab.policies.baselines import Fixed
from persona_lab.policies.calibrators import Calibrated
from persona_lab.policies.curious import Curious
from persona_lab.policies.expected_utility import DiscountedBeta
from persona_lab.policies.risk import RiskControlled
from persona_lab.policies.thresholds import ApprovalRule
from persona_lab.protocols import DriftDetector, StreamPolicy, SummaryStrategy, UpdateStrategy
from persona_lab.strategies.baselines import ConfidenceAverage, LastWriteWins, NeverUpdate, RunningCount
from persona_lab.strategies.bocpd import ChangePoint
from persona_lab.strategies.bounded_step import BoundedStep
from persona_lab.strategies.compose import Composed
from persona_lab.strategies.debounce import Debounce
from persona_lab.strategies.evidence import ByConfidence
from persona_lab.strategies.ewma import Ewma
from persona_lab.strategies.fixed_share import FixedShare, MixingPast
from persona_lab.strategies.forgetting import ForgettingCount
from persona_lab.strategies.grid_priors import ATTENTIVE as ATTENTIVE_BAYES
from persona_lab.strategies.grid_priors import DEFAULT as HIERARCHICAL_BAYES
from persona_lab.strategies.guards import Guarded, Hysteresis, ResetOnAlarm
from persona_lab.strategies.hgf import HierarchicalGaussian
from persona_lab.strategies.kalman import Kalman, VolatileKalman
from persona_lab.strategies.mixed_prior import MIXED as POPULATION_BAYES
from persona_lab.strategies.noise_or_volatility import NoiseOrVolatility
from persona_lab.strategies.pearce_hall import PearceHall
from persona_lab.strategies.sliding_window import SlidingWindow
from persona_lab.summaries import Budgeted, Cautious, ChangeFirst, Recency, Template, TopK

STRATEGIES: dict[str, UpdateStrategy] = {
    "never-update": NeverUpdate(),
    "last-write-wins": LastWriteWins(),
    "running-count": RunningCount(),
    "confidence-average": ConfidenceAverage(),
    "ewma-0.1": Ewma(rate=0.1),
    "ewma-0.2": Ewma(rate=0.2),
    "ewma-0.3": Ewma(rate=0.3),
    "ewma-0.2-by-confidence": Composed(
        memory=ForgettingCount(keep=0.8, half_life=None, prior=0.05), weight=ByConfidence()
    ),
    "sliding-window": SlidingWindow(length=9),
    "debounce": Debounce(repeats=3),
    "hysteresis": Guarded(Ewma(rate=0.3), Hysteresis(margin=0.1)),
    "bounded-step": BoundedStep(step=0.05),
    "forgetting-count": ForgettingCount(),
    "pearce-hall": PearceHall(),
    "kalman": Kalman(),
    "volatile-kalman": VolatileKalman(),
    "hierarchical-gaussian": HierarchicalGaussian(),
    "noise-or-volatility": NoiseOrVolatility(),
    "fixed-share": FixedShare(hazard=0.01, noise=0.15),
    "mixing-past": MixingPast(hazard=0.03, noise=0.15),
    "change-point": ChangePoint(),
    "reset-on-alarm": ResetOnAlarm(RunningCount(), ShiryaevRoberts(arl0=300.0)),
    "hierarchical-bayes": HIERARCHICAL_BAYES,
    "attentive-bayes": ATTENTIVE_BAYES,
    "population-bayes": POPULATION_BAYES,
}
"""Update strategies. The controls of every table come first."""

DETECTORS: dict[str, DriftDetector] = {
    "shiryaev-roberts": ShiryaevRoberts(),
    "beta-factor": BetaFactor(),
    "glr": Glr(),
    "bocpd": Bocpd(),
    "cusum": Cusum(),
    "ewma-chart": EwmaChart(),
    "page-hinkley": PageHinkley(),
    "exception-aware": ExceptionAware(),
    "option-shift": OptionShift(),
    "dirichlet-factor": DirichletFactor(),
    "categorical-bocpd": CategoricalBocpd(),
}
"""Drift detectors; those for accept or reject first, then those for K options."""

SUMMARIES: dict[str, SummaryStrategy] = {
    "template": Template(),
    "top-k": TopK(),
    "recency": Recency(),
    "cautious": Cautious(),
    "change-first": ChangeFirst(),
    "budgeted": Budgeted(),
}
"""Summary strategies."""

POLICIES: dict[str, StreamPolicy] = {
    "never": Fixed(Move.SILENT),
    "always-suggest": Fixed(Move.SUGGEST),
    "always-act": Fixed(Move.ACT),
    "approval-else-silent": ApprovalRule("else_silent"),
    "approval-else-suggest": ApprovalRule("else_suggest"),
    "approval-three-way": ApprovalRule("three_way"),
    "discounted-beta": DiscountedBeta(),
    "adaptive-bayes": AdaptiveBayes(),
    "adaptive-bayes-calibrated": Calibrated(AdaptiveBayes(), ACCEPTANCE_MAP),
    "population-tolerance": SHIPPED_BELIEF,
    "curious": Curious(),
    "risk-controlled": RiskControlled(alpha=0.05),
}
"""Proactive policies; the controls and the vendor's three readings first."""
