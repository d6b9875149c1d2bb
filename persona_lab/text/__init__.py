"""Text understood: encoders, the interpreter, duplicates by meaning, clusters. Loads nothing heavy on import."""

from persona_lab.text.cache import CachedEncoder
from persona_lab.text.clustering import Cluster, cluster_feedback
from persona_lab.text.dedupe import Dedupe, Said
from persona_lab.text.encoder import SentenceEncoder
from persona_lab.text.hashing import HashingEncoder
from persona_lab.text.interpreter import TextInterpreter

__all__ = [
    "CachedEncoder",
    "Cluster",
    "Dedupe",
    "HashingEncoder",
    "Said",
    "SentenceEncoder",
    "TextInterpreter",
    "cluster_feedback",
]
