"""What the quality reports share: checks, charts, and one self-contained HTML page.

A report is a pure function of its facts: no run_id, no clock, no network, no script, so that the same
data give the same bytes.
"""
