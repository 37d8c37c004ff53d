"""The exercises, what they need and what they load."""
