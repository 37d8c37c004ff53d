"""What each red flag asks for (rules §8 and §9): the action, and how soon somebody must be seen."""

from __future__ import annotations

from typing import Literal, NamedTuple

Manner = Literal["advise_clearance", "urgent", "emergency", "crisis", "care", "decline"]
"""§9's scale, with ``care`` (warm, no numbers, professional help: X-ED) and ``decline`` (help instead)."""


class RedFlag(NamedTuple):
    action: Literal["escalate", "refuse"]
    level: Manner


RED_FLAGS: dict[str, RedFlag] = {
    "X-CARD": RedFlag("escalate", "emergency"),
    "X-RHAB": RedFlag("escalate", "emergency"),
    "X-HEAT": RedFlag("escalate", "emergency"),
    "X-CES": RedFlag("escalate", "emergency"),
    "X-ANAPH": RedFlag("escalate", "emergency"),
    "X-DVT": RedFlag("escalate", "urgent"),
    "X-HYPO": RedFlag("escalate", "urgent"),
    "X-HEAD": RedFlag("escalate", "urgent"),
    "X-INJ": RedFlag("escalate", "urgent"),
    "C-PREG-STOP": RedFlag("escalate", "urgent"),
    "X-SH": RedFlag("escalate", "crisis"),
    "X-ED": RedFlag("escalate", "care"),
    "N-04": RedFlag("escalate", "advise_clearance"),
    "X-PED": RedFlag("refuse", "decline"),
    "X-MED": RedFlag("refuse", "decline"),
    "X-MIN": RedFlag("refuse", "decline"),
    "X-PRIV": RedFlag("refuse", "decline"),
    "N-09": RedFlag("refuse", "decline"),
}
