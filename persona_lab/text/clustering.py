"""Clusters of feedback by context and meaning, named by their most typical words."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from persona_lab.errors import ConfigurationError, InputError
from persona_lab.events import DEFAULT_CONTEXT
from persona_lab.plaintext import plain
from persona_lab.protocols import TextEncoder
from persona_lab.text.cues import normalised

CLOSE = 0.55
"""Default cosine distance at which clusters stop merging."""

NAME_WORDS = 3

LONGEST_WORD = 30
"""Characters from which a run of letters is no word that names anything."""

_WORD = re.compile(r"[^\W_]+(?:'[^\W\d_]+)?")
"""A word of any script: feedback is not only in English, and names come from it."""

STOP_WORDS = frozenset(
    [
        "a",
        "about",
        "after",
        "again",
        "all",
        "am",
        "an",
        "and",
        "any",
        "are",
        "as",
        "at",
        "be",
        "because",
        "been",
        "before",
        "but",
        "by",
        "can",
        "could",
        "did",
        "do",
        "does",
        "don't",
        "for",
        "from",
        "get",
        "give",
        "go",
        "had",
        "has",
        "have",
        "he",
        "her",
        "him",
        "his",
        "how",
        "i",
        "i'd",
        "i'm",
        "if",
        "in",
        "is",
        "it",
        "it's",
        "its",
        "just",
        "let",
        "like",
        "make",
        "me",
        "more",
        "my",
        "no",
        "not",
        "now",
        "of",
        "off",
        "on",
        "only",
        "or",
        "other",
        "our",
        "out",
        "over",
        "please",
        "rather",
        "she",
        "so",
        "some",
        "than",
        "that",
        "the",
        "their",
        "them",
        "then",
        "there",
        "these",
        "they",
        "this",
        "to",
        "today",
        "too",
        "up",
        "us",
        "use",
        "want",
        "was",
        "we",
        "were",
        "what",
        "when",
        "which",
        "who",
        "why",
        "will",
        "with",
        "would",
        "you",
        "your",
    ]
)
"""Words that never name a cluster."""


class Cluster(NamedTuple):
    """Statements of one context that are close in meaning; ``members`` index the input, oldest first."""

    context: str
    name: str
    members: tuple[int, ...]


def cluster_feedback(
    texts: Sequence[str], contexts: Sequence[str | None], encoder: TextEncoder, close: float = CLOSE
) -> list[Cluster]:
    """Return the clusters, largest first; deterministic.

    Average-linkage agglomerative clustering of cosine distances (scikit-learn) within each context, cut at ``close``.
    A cluster's name is its words that are most over-represented against all the statements (class TF-IDF,
    Grootendorst 2022).

    Parameters
    ----------
    texts, contexts
        What was said and what about, one context per text (of the metadata or of the interpreter); None, which is what
        the interpreter says of a text about nothing, stands for ``"general"`` as it does on the wire.
    close
        Cosine distance, 0 to 2; larger gives fewer clusters.

    Raises
    ------
    InputError
        Where there are not as many contexts as texts.

    Notes
    -----
    Time and memory grow with the square of the statements in a context: 10,000 in one take about 7 s.
    """
    if len(texts) != len(contexts):
        raise InputError(
            f"there are {len(texts)} texts and {len(contexts)} contexts", cure="Pass one context per text."
        )
    if not 0.0 <= close <= 2.0:
        raise ConfigurationError("cluster_feedback", "close", close, "a cosine distance, 0 to 2")
    from sklearn.cluster import AgglomerativeClustering

    shown = [plain(text) for text in texts]
    everywhere = Counter(word for text in shown for word in set(_content(text)))
    found: list[Cluster] = []
    groups: dict[str, list[int]] = {}
    for i, name in enumerate(contexts):
        groups.setdefault(DEFAULT_CONTEXT if name is None else name, []).append(i)
    for context, rows in sorted(groups.items()):
        labels = np.zeros(len(rows), dtype=int)
        if len(rows) > 1:
            model = AgglomerativeClustering(
                n_clusters=None, metric="cosine", linkage="average", distance_threshold=close
            )
            labels = model.fit_predict(_nonzero(encoder.encode([shown[i] for i in rows])))
        for label in sorted(set(labels.tolist())):
            members = tuple(i for i, own in zip(rows, labels.tolist(), strict=True) if own == label)
            found.append(Cluster(context, _name([shown[i] for i in members], everywhere, len(shown)), members))
    return sorted(found, key=lambda cluster: (-len(cluster.members), cluster.members))


def _nonzero(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Give a text without letters its own direction: cosine of a zero vector is undefined."""
    empty = np.linalg.norm(vectors, axis=1) == 0.0
    return np.hstack([vectors, empty[:, None].astype(vectors.dtype)])


def _name(texts: Sequence[str], everywhere: Counter[str], total: int) -> str:
    inside = Counter(word for text in texts for word in set(_content(text)))
    score = {word: count / len(texts) * math.log(1.0 + total / everywhere[word]) for word, count in inside.items()}
    best = sorted(score, key=lambda word: (-round(score[word], 9), word))[:NAME_WORDS]
    return ", ".join(best) or "(no words)"


def _content(text: str) -> list[str]:
    found = _WORD.findall(normalised(text).casefold())
    return [word for word in found if word not in STOP_WORDS and 1 < len(word) <= LONGEST_WORD]
