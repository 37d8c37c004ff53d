"""Simulated athletes, pure: people in, what they did, slept, ate and felt out.

``roster`` takes people, ``programme`` and ``prescription`` plan their week, ``attendance`` and ``body`` are
life outside the gym, ``session`` the sets, ``adaptation`` what they do to strength, ``progression`` what the
next week asks for; ``athletes.simulate`` puts them together.
"""
