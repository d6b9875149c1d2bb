"""A prior for people of all kinds, learnt from simulated ones: a start until there are logs of your own users."""

from __future__ import annotations

from dataclasses import replace

from persona_lab.strategies.grid_priors import POPULATION

MIXED_PRIOR = (
    (0.01509, 0.00993, 0.05147, 0.03858, 0.00765, 0.00677, 0.00001),
    (0.00005, 0.05319, 0.00008, 0.04737, 0.00113, 0.00007, 0.00001),
    (0.04012, 0.00006, 0.05454, 0.03519, 0.04182, 0.01536, 0.00001),
    (0.00001, 0.02194, 0.00307, 0.00039, 0.00001, 0.00899, 0.00001),
    (0.00678, 0.00281, 0.02212, 0.00001, 0.00375, 0.00002, 0.00001),
    (0.00528, 0.00835, 0.00960, 0.00805, 0.00000, 0.00001, 0.00001),
    (0.00424, 0.00001, 0.01539, 0.03985, 0.00342, 0.01682, 0.00001),
    (0.01092, 0.00011, 0.01214, 0.02244, 0.00977, 0.00662, 0.00001),
    (0.00006, 0.01619, 0.01664, 0.03122, 0.02092, 0.00023, 0.00001),
    (0.00001, 0.02353, 0.04590, 0.01792, 0.00306, 0.00007, 0.00001),
    (0.01061, 0.02197, 0.01854, 0.01618, 0.00758, 0.00661, 0.00001),
    (0.00686, 0.00263, 0.00034, 0.00051, 0.00022, 0.00025, 0.00016),
    (0.00030, 0.00039, 0.00023, 0.00050, 0.00080, 0.00006, 0.00001),
    (0.00001, 0.00009, 0.00312, 0.00001, 0.00001, 0.00001, 0.00001),
    (0.00003, 0.01903, 0.00246, 0.00407, 0.00008, 0.01005, 0.00001),
    (0.00406, 0.00353, 0.00002, 0.00002, 0.00001, 0.00002, 0.00001),
    (0.00044, 0.00180, 0.00027, 0.00155, 0.00033, 0.00018, 0.00016),
    (0.00655, 0.00039, 0.00041, 0.00219, 0.00661, 0.00027, 0.00016),
)
"""Learnt by ``population_bayes.fit`` from 300 people of the scenario mixed_v1 with 400 interactions each (seed 4001 of
``benchmarks/evidence/bayes.py``, scored nowhere). One row per dynamics, one column per observer of ``POPULATION``."""

MIXED = replace(POPULATION, prior=MIXED_PRIOR)
"""The catalogue's population-bayes. Learn your own prior with ``population_bayes.fit`` as soon as there are logs."""
