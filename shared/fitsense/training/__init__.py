"""The rule engine: published training and safety rules as pure functions.

No I/O but the loading of schema data, no clock, no unseeded randomness. A ``context`` is
``fitsense.records.Context`` as a plain dict, a ``plan`` is ``fitsense.records.Plan`` as a plain dict:
the engine runs once a prompt, and building models would cost more than the planning.
"""
