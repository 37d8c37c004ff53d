"""Red flags by rule, under their old name; ``fitsense.safety.flags`` holds them."""

from fitsense.safety.flags import RED_FLAGS, Manner, RedFlag

Level = Manner

__all__ = ["RED_FLAGS", "Level", "RedFlag"]
