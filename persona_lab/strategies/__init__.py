"""Update strategies: how belief moves with feedback. One family per file; the docstrings are buyer's guides.

========================  ==========================================================================================
if you ...                take
========================  ==========================================================================================
need a control            ``baselines``: never update, last write wins, running count, the vendor's confidence average
must ship one line        ``ewma``; with a hard edge ``sliding_window``; with a promise per answer ``bounded_step``
see time pass unevenly    ``forgetting``: fades by answers and by days; ``kalman`` with ``daily_drift``
know the pace of change   ``fixed_share``: the Bayes filter; its sibling mixes in old habits
do not know it            ``bocpd``, ``kalman`` (volatile), ``hgf``, ``noise_or_volatility``, ``pearce_hall``
want the best             ``hierarchical_bayes``; with other people's logs ``population_bayes``
hold the choice steady    ``guards``: hysteresis on what is shown; a fresh start on a drift alarm; ``debounce``, a trap
sell items with features  ``attributes``: answers about items move beliefs about features; ``feature_count``, a control
have an idea              ``compose``: likelihood x weight x memory x guard; a memory takes ten lines
========================  ==========================================================================================
"""
