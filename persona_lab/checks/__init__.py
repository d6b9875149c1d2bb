"""The contract suite: ``check_strategy(my_rule)`` says whether a rule can be trusted in the lab and the engine.

Every check is named after the promise that it tests, see :mod:`persona_lab.checks.promises`. Rules may *declare* more
than the contract asks, in a class variable ``declares``; what is declared is checked too, see :data:`DECLARABLE`.

>>> from persona_lab.strategies.ewma import Ewma
>>> check_strategy(Ewma(rate=0.2))
"""

from __future__ import annotations

from persona_lab.checks.promises import CHECKS, DECLARABLE, FOUNDATIONS
from persona_lab.errors import PersonaLabError
from persona_lab.protocols import UpdateStrategy

__all__ = ["CHECKS", "DECLARABLE", "ContractError", "check_strategy", "find_failures"]


class ContractError(PersonaLabError, AssertionError):
    """A rule breaks the contract; ``failures`` maps the name of each failed check to what was seen."""

    def __init__(self, strategy: object, failures: dict[str, str]) -> None:
        self.failures = failures
        lines = [f"  {name}: {seen}" for name, seen in failures.items()]
        super().__init__("\n".join([f"{strategy!r} breaks {len(failures)} of the contract's promises:", *lines]))


def check_strategy(strategy: UpdateStrategy) -> None:
    """Check a rule against the contract of :class:`persona_lab.protocols.UpdateStrategy`.

    Parameters
    ----------
    strategy
        The rule: a frozen dataclass with ``init``, ``update`` and ``belief``.

    Raises
    ------
    ContractError
        Naming every promise that the rule breaks, with what was seen.
    """
    failures = find_failures(strategy)
    if failures:
        raise ContractError(strategy, failures)


def find_failures(strategy: UpdateStrategy) -> dict[str, str]:
    """Return name of the failed check to what was seen, empty if none; stops at a broken foundation."""
    said: str | frozenset[str] = getattr(strategy, "declares", frozenset())
    declared = frozenset({said} if isinstance(said, str) else said)
    failures = {
        name: f"is declared but unknown; declarable: {', '.join(DECLARABLE)}"
        for name in sorted(declared - DECLARABLE.keys())
    }
    for name, check in {**CHECKS, **DECLARABLE}.items():
        if name in DECLARABLE and name not in declared:
            continue
        try:
            check(strategy)
        except Exception as failure:  # a rule that raises breaks the promise under test, whatever it raises
            failures[name] = str(failure) or type(failure).__name__
            if name in FOUNDATIONS:
                break
    return failures
