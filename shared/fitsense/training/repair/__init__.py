"""The smallest edit that makes a plan keep the rules, as a diff with rule ids.

Numbers are changed before exercises are swapped, exercises swapped before they are taken out, exercises taken
out before days are. A plan that breaks no rule comes back as it is, so that a repair repaired is itself.
"""

from fitsense.training.repair.edits import Edit, Repair
from fitsense.training.repair.repair import repair

__all__ = ["Edit", "Repair", "repair"]
