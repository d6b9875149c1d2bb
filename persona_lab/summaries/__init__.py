"""What an agent reads of its user: six strategies, deterministic, every sentence citing its events."""

from persona_lab.summaries.purposes import PURPOSES
from persona_lab.summaries.reading import within_freshness
from persona_lab.summaries.strategies import Budgeted, Cautious, ChangeFirst, Recency, Template, TopK

__all__ = ["PURPOSES", "Budgeted", "Cautious", "ChangeFirst", "Recency", "Template", "TopK", "within_freshness"]
