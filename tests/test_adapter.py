"""The adapter that reads stances: what is fitted, what is merged into the weights, and what goes without one."""

from __future__ import annotations

import numpy as np
import pytest

from persona_lab.contracts import Stance
from persona_lab.errors import ConfigurationError
from persona_lab.text import CachedEncoder, HashingEncoder, SentenceEncoder
from persona_lab.text.adapter import AdaptedEncoder, linear_maps, parts, pooled, shapes, stance_reader, tokens
from persona_lab.text.adapting import Labelled, fit_adapter, stance_names
from persona_lab.text.encoder import DEFAULT_MODEL, load_model
from persona_lab.text.interpreter import TextInterpreter
from persona_lab.text.model import stacked

torch = pytest.importorskip("torch", reason="the extra 'semantic' is not installed")

SAID = [
    Labelled(template.format(what), stance, family)
    for family, stance, template in (
        ("love", Stance.WANTS, "I love {}, more of that please."),
        ("hate", Stance.DOES_NOT_WANT, "I hate {}, never again."),
        ("once", Stance.ONLY_ONCE, "Just for today I need {}."),
    )
    for what in ("slides", "phone calls", "long answers", "weekly digests", "a formal tone", "Monday meetings")
]


def numbers():
    network = load_model(DEFAULT_MODEL)[0].auto_model
    return sum(rows * columns for rows, columns in shapes(network))


def test_an_adapter_of_zeros_knows_nothing():
    read = AdaptedEncoder(DEFAULT_MODEL, np.zeros(numbers(), dtype=np.float16)).encode(["Mornings, please.", ""])
    np.testing.assert_allclose(read, np.log(0.2), rtol=1e-6)
    assert AdaptedEncoder(DEFAULT_MODEL, np.zeros(numbers(), dtype=np.float16)).encode([]).shape == (0, 5)


def test_merged_weights_read_as_the_two_thin_matrices_do():
    from persona_lab.text.adapter_network import adapted_copy

    whole = load_model(DEFAULT_MODEL)
    network, matrices = adapted_copy(whole, 0.0)
    chance = np.random.default_rng(3)
    adapter = (0.05 * chance.standard_normal(numbers())).astype(np.float16)
    with torch.no_grad():
        for matrix, values in zip(matrices, parts(adapter, whole[0].auto_model), strict=True):
            matrix.copy_(torch.from_numpy(values))
        texts = ["Please, no calls before lunch.", "ok"]
        batch = tokens(whole.tokenizer, texts)
        apart = torch.log_softmax(pooled(network.eval(), batch) @ matrices[-2].T + matrices[-1], dim=1).numpy()
        plain = torch.log_softmax(pooled(whole[0].auto_model, batch) @ matrices[-2].T + matrices[-1], dim=1).numpy()
    merged = AdaptedEncoder(DEFAULT_MODEL, adapter).encode(texts)
    np.testing.assert_allclose(merged, apart, atol=2e-4)
    assert np.abs(merged - plain).max() > 0.05  # the model itself is untouched, and the adapter does something
    assert len(linear_maps(whole[0].auto_model)) == 36


def test_fitting_learns_leaves_out_what_it_is_told_to_and_repeats_itself():
    one = fit_adapter(SAID, seed=5, epochs=30, without={"once"})
    again = fit_adapter([line for line in SAID if line.family != "once"], seed=5, epochs=30)
    np.testing.assert_array_equal(one, again)
    assert not np.array_equal(one, fit_adapter(SAID, seed=5, epochs=30))
    read = AdaptedEncoder(DEFAULT_MODEL, one).encode([line.text for line in SAID])
    names = stance_names()
    known = [i for i, line in enumerate(SAID) if line.family != "once"]
    own = np.array([names.index(SAID[i].stance.value) for i in known])
    before = AdaptedEncoder(DEFAULT_MODEL, fit_adapter(SAID, seed=5, epochs=0)).encode([SAID[i].text for i in known])
    places = np.arange(len(known))
    assert read[known][places, own].mean() > before[places, own].mean() + 0.2


def test_numbers_of_another_model_are_refused():
    with pytest.raises(ConfigurationError, match="numbers"):
        AdaptedEncoder(DEFAULT_MODEL, np.zeros(7, dtype=np.float16)).encode(["hello"])


def test_only_an_encoder_that_takes_an_adapter_gets_one(tmp_path):
    adapter = np.zeros(numbers(), dtype=np.float16)
    assert stance_reader(HashingEncoder(16), adapter) is None
    assert stance_reader(SentenceEncoder(), adapter[:0]) is None
    assert CachedEncoder(HashingEncoder(16), tmp_path / "a.db").adapted(adapter).encode(["hello"]).shape == (1, 0)
    cached = stance_reader(CachedEncoder(SentenceEncoder(), tmp_path / "b.db"), adapter)
    bare = stance_reader(SentenceEncoder(), adapter)
    assert cached is not None
    assert bare is not None
    other = SentenceEncoder().adapted(adapter + np.float16(0.5))
    assert cached.name == bare.name != other.name
    for _ in range(2):  # the second time from the file
        np.testing.assert_allclose(cached.encode(["hello", "no"]), bare.encode(["hello", "no"]), atol=1e-5)


def test_a_stack_of_two_readings_is_a_weighted_product():
    chances = np.array([[0.5, 0.3, 0.2]])
    np.testing.assert_array_equal(stacked(chances, np.zeros((1, 0)), np.array([1.0, 0.0])), chances)
    np.testing.assert_allclose(stacked(chances, np.log([[0.2, 0.2, 0.6]]), np.array([1.0, 0.0])), chances)
    product = stacked(chances, np.log([[0.2, 0.2, 0.6]]), np.array([1.0, 1.0]))
    np.testing.assert_allclose(product, [[0.1 / 0.28, 0.06 / 0.28, 0.12 / 0.28]])


def test_the_packaged_interpreter_uses_both_readings():
    model = TextInterpreter().fitted
    assert len(model.adapter) == numbers()
    assert model.stacking.shape == (2,)
    assert (model.stacking > 0.1).all()
