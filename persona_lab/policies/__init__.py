"""When to stay silent, suggest or act, one family per file.

Over streams of answers (:class:`~persona_lab.protocols.StreamPolicy`): ``baselines``, ``thresholds`` (the vendor's
rule in its three readings), ``expected_utility``, ``told_bayes`` (a yardstick), ``adaptive`` (told nothing),
``population`` (learnt from other people) and ``curious`` (both: the default), ``risk``.
For one opportunity: ``decision`` (reason, numbers, undo) under ``boundaries``; ``utilities`` is the one rule of both;
``keeper`` keeps one person's state (beliefs, learnt boundaries, earlier proposals) as a function of the log.
What a decision draws on: ``routines``, ``goals``, ``reminders``, ``choices``, ``teams``, ``confidence`` with its
``calibrators`` and what ships, fitted on others (``acceptance_prior``, ``acceptance_map``), and ``clock`` (local time).
"""
