"""When to stay silent, suggest or act, one family per file.

Over streams of answers (:class:`~persona_lab.protocols.StreamPolicy`): ``baselines``, ``thresholds`` (the vendor's
rule in its three readings), ``expected_utility``, ``told_bayes`` (a yardstick), ``adaptive`` (the default), ``risk``.
For one opportunity: ``decision`` (reason, numbers, undo) under ``boundaries``; ``utilities`` is the one rule of both;
``keeper`` keeps one person's state (beliefs, learnt boundaries, earlier proposals) as a function of the log.
What a decision draws on: ``routines``, ``goals``, ``reminders``, ``choices``, ``teams``, ``confidence`` with its
``calibrators`` and the shipped ``acceptance_map``, and ``clock`` (local time).
"""
