"""Draws depend on their coordinates and on nothing else."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from persona_lab.randomness import TILE_STEPS, TILE_STREAMS, generator, uniforms


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 150), st.integers(1, 80), st.integers(0, 1500), st.integers(1, 700))
def test_a_part_equals_the_whole(first_step, steps, first_stream, streams):
    whole = uniforms(7, "whole", steps=(0, 230), streams=(0, 2200))
    part = uniforms(7, "whole", steps=(first_step, first_step + steps), streams=(first_stream, first_stream + streams))
    assert np.array_equal(part, whole[first_step : first_step + steps, first_stream : first_stream + streams])


def test_draws_are_uniform_and_purposes_and_seeds_independent():
    n = 400_000
    a, b, c = (
        uniforms(seed, purpose, steps=(0, 400), streams=(0, 1000)).ravel()
        for seed, purpose in ((0, "a"), (0, "b"), (1, "a"))
    )
    for draws in (a, b, c):
        counts = np.histogram(draws, bins=64, range=(0.0, 1.0))[0]
        chi_squared = ((counts - n / 64) ** 2 / (n / 64)).sum()
        assert abs(chi_squared - 63) < 5 * np.sqrt(2 * 63)
        assert draws.min() >= 0.0
        assert draws.max() < 1.0
    for other in (b, c, np.roll(a, 1), np.roll(a, TILE_STREAMS), np.roll(a, TILE_STEPS * 1000)):
        assert abs(np.corrcoef(a, other)[0, 1]) < 5 / np.sqrt(n)


def test_draws_are_the_philox_floats_of_numpy():
    # The generator is specified, so that other implementations can draw the same luck.
    import hashlib

    key = np.frombuffer(hashlib.blake2b(b"3/x", digest_size=16).digest(), dtype=np.uint64)
    stream = np.random.Generator(np.random.Philox(key=key, counter=np.array([0, 1, 2, 0], dtype=np.uint64)))
    tile = stream.random((TILE_STEPS, TILE_STREAMS), dtype=np.float32)
    mine = uniforms(3, "x", steps=(TILE_STEPS, 2 * TILE_STEPS), streams=(2 * TILE_STREAMS, 3 * TILE_STREAMS))
    assert np.array_equal(mine, tile)


def test_generators_are_keyed_like_tiles():
    assert generator(0, "a", 3).random() == generator(0, "a", 3).random()
    assert len({generator(0, "a", 3).random(), generator(0, "a", 4).random(), generator(0, "b", 3).random()}) == 3
    with pytest.raises(ValueError, match="at most three"):
        generator(0, "a", 1, 2, 3, 4)
