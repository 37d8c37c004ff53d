"""How strong a person is in each exercise, from three lifts: squat, bench press and bent-over row.

House ratios within what strength-standard tables (strengthlevel.com, ExRx) and body-segment studies of
body-weight exercises (push-up 64 % of body weight: Suprak 2011) show. Exercises in neither table are done
by feel: bands, mobility, balance; their resistance is not a number.
"""

from __future__ import annotations

KG_PER_ANCHOR: dict[str, float] = {
    # anchor: squat
    "sq01": 1.0, "sq02": 0.82, "sq03": 0.36, "sq04": 0.36, "sq07": 1.9, "sq08": 1.6, "sq09": 1.2,
    "sq10": 0.95, "sq11": 0.3, "lu01": 0.2, "lu02": 0.2, "lu03": 0.2, "lu06": 0.2, "hi01": 1.2,
    "hi02": 1.2, "hi03": 1.25,
    "hi04": 0.95, "hi05": 0.34, "hi06": 0.2, "hi07": 0.5, "hi08": 0.3, "hi09": 0.5, "hi10": 1.15,
    "hi12": 1.1,
    "hi13": 0.45, "hi16": 0.16, "kf01": 0.38, "kf02": 0.34, "ke01": 0.55, "ke02": 0.6, "ha03": 0.55,
    "hd01": 0.5, "ca01": 0.9, "ca03": 0.6,
    # anchor: bench press
    "hp01": 1.0, "hp02": 0.82, "hp03": 0.38, "hp04": 0.33, "hp05": 0.36, "hp06": 0.95,
    "hp10": 0.35,
    "hp14": 0.88, "cf01": 0.2, "cf02": 0.15, "cf03": 0.6, "vp01": 0.62, "vp02": 0.24, "vp03": 0.6,
    "vp04": 0.55, "vp05": 0.45, "vp07": 0.72, "sr01": 0.1, "sr02": 0.09, "sr03": 0.09, "sr04": 0.4,
    "te01": 0.38,
    "te02": 0.25, "te03": 0.35,
    # anchor: row
    "hr01": 1.0, "hr02": 0.34, "hr03": 0.42, "hr04": 0.95, "hr05": 0.95, "hr08": 0.9, "vr03": 0.95,
    "vr04": 0.8, "vr07": 0.42, "vr08": 0.95, "sr05": 0.5, "sr06": 0.1, "sr07": 0.4, "bc01": 0.19,
    "bc02": 0.42, "bc03": 0.2,
    "bc04": 0.42, "sh01": 0.45, "co05": 0.2, "co12": 0.6, "co10": 0.1, "ca11": 0.45, "ca12": 0.4,
}  # fmt: skip
"""1RM per implement = ratio * anchor lift."""

BODY_WEIGHT: dict[str, tuple[float, float, float]] = {
    "sq05": (0.6, 1.0, 0.6), "sq06": (0.65, 1.0, 0.65), "sq15": (0.6, 1.0, 0.6),
             "lu04": (0.8, 0.5, 0.8),
    "lu05": (0.75, 0.5, 0.75), "lu07": (0.7, 0.5, 0.7), "lu08": (0.6, 0.5, 0.7),
             "hi11": (0.4, 1.0, 0.4),
    "hi15": (0.5, 0.8, 0.5), "kf03": (0.55, 0.35, 0.1), "kf04": (0.35, 0.4, 0.15),
             "kf05": (0.35, 0.4, 0.15),
    "ca02": (1.0, 0.8, 0.9), "ca04": (1.0, 1.6, 0.9), "hp07": (0.64, 1.05, 0.0),
             "hp08": (0.48, 1.05, 0.0),
    "hp09": (0.3, 1.05, 0.0), "hp12": (0.95, 1.3, 0.0), "hp13": (0.6, 1.15, 0.0),
             "vp06": (0.55, 0.65, 0.0),
    "hr06": (0.6, 1.05, 0.0), "vr01": (0.97, 1.1, 0.0), "vr02": (0.97, 1.17, 0.0),
}  # fmt: skip
"""Load = first * body weight; 1RM of the movement = second * anchor lift + third * body weight."""

LEGS, PUSH, PULL = 0, 1, 2
"""Lift groups; their anchors are squat, bench press and row, in that order."""
GROUP_OF_PATTERN: dict[str, int] = {
    **dict.fromkeys(("squat", "lunge", "hinge", "knee_flex", "knee_ext", "hip_abd", "hip_add", "calf"), LEGS),
    **dict.fromkeys(("plyo", "olympic", "cardio", "mobility", "balance"), LEGS),
    **dict.fromkeys(("h_push", "v_push", "chest_iso", "shoulder_iso", "elbow_ext"), PUSH),
    **dict.fromkeys(("h_pull", "v_pull", "elbow_flex", "shrug", "carry"), PULL),
    **dict.fromkeys(("core_antiext", "core_antirot", "core_lat", "core_flex", "core_rot"), PULL),
}
GROUP_OF_EXERCISE = {"sr05": PULL, "sr06": PULL, "sr07": PULL, "sr08": PULL, "sr09": PULL}
"""Rear delts are pulled, whatever their pattern's name."""
UNDOSED = frozenset(
    [
        "core_antiext",
        "core_antirot",
        "core_lat",
        "core_flex",
        "core_rot",
        "carry",
        "balance",
        "mobility",
        "cardio",
    ]
)
"""Patterns that do not train a lift group."""
