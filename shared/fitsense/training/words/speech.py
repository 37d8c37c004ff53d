"""How numbers, loads and days are said in each language and unit system."""

from __future__ import annotations

from functools import lru_cache

from fitsense.training.load.rounding import KG_PER_LB

_UNIT = {
    ("en", "kg"): "kg", ("en", "lb"): "lb", ("es", "kg"): "kg", ("es", "lb"): "lb",
    ("hi", "kg"): "किलो", ("hi", "lb"): "पाउंड", ("hinglish", "kg"): "kg", ("hinglish", "lb"): "lb",
}  # fmt: skip
_DAYS = {"en": ("day", "days"), "es": ("día", "días"), "hi": ("दिन", "दिन"), "hinglish": ("din", "din")}
MUSCLES: dict[str, dict[str, str]] = {
    "en": {
        "chest": "chest", "upper_back": "upper back", "lats": "lats", "front_delt": "front delts",
        "side_delt": "side delts", "rear_delt": "rear delts", "biceps": "biceps", "triceps": "triceps",
        "forearms": "forearms", "traps": "traps", "abs": "abs", "obliques": "obliques",
        "lower_back": "lower back", "glutes": "glutes", "quads": "quads", "hamstrings": "hamstrings",
        "adductors": "adductors", "abductors": "abductors", "calves": "calves", "cardio": "cardio",
    },
    "es": {
        "chest": "pecho", "upper_back": "espalda alta", "lats": "dorsales",
        "front_delt": "hombro frontal", "side_delt": "hombro lateral",
        "rear_delt": "hombro posterior", "biceps": "bíceps", "triceps": "tríceps",
        "forearms": "antebrazos", "traps": "trapecios", "abs": "abdominales",
        "obliques": "oblicuos", "lower_back": "zona lumbar", "glutes": "glúteos",
        "quads": "cuádriceps", "hamstrings": "isquios", "adductors": "aductores",
        "abductors": "abductores", "calves": "gemelos", "cardio": "cardio",
    },
    "hi": {
        "chest": "छाती", "upper_back": "ऊपरी पीठ", "lats": "लैट्स", "front_delt": "कंधे के अगले हिस्से",
        "side_delt": "कंधे के बगल के हिस्से", "rear_delt": "कंधे के पिछले हिस्से", "biceps": "बाइसेप्स",
        "triceps": "ट्राइसेप्स", "forearms": "बाज़ू", "traps": "ट्रैप्स", "abs": "पेट", "obliques": "कमर के बगल",
        "lower_back": "निचली पीठ", "glutes": "ग्लूट्स", "quads": "जाँघों के अगले हिस्से",
        "hamstrings": "हैमस्ट्रिंग", "adductors": "भीतरी जाँघों", "abductors": "बाहरी कूल्हे",
        "calves": "पिंडलियों", "cardio": "कार्डियो",
    },
}  # fmt: skip
MUSCLES["hinglish"] = MUSCLES["en"]


@lru_cache(maxsize=65536)
def number(value: float, language: str, digits: int = 1) -> str:
    """At most ``digits`` decimals, without trailing zeros; a comma in Spanish."""
    text = f"{value:.{digits}f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    text = "0" if text == "-0" else text
    return text.replace(".", ",") if language == "es" else text


def mass(kg: float, language: str, units: str, digits: int = 1) -> str:
    """Body weight or load with its unit, in the person's own units."""
    value = kg / KG_PER_LB if units == "lb" else kg
    return (
        f"{number(value, language, 0 if units == 'lb' and digits < 2 else digits)} {_UNIT[language, units]}"
    )


def load(kg: float, language: str, units: str) -> str:
    """A bar's or dumbbell's load: what stands on the plates."""
    if units == "lb":
        return f"{number(round(2 * kg / KG_PER_LB) / 2, language, 1)} {_UNIT[language, units]}"
    return f"{number(kg, language, 2)} {_UNIT[language, units]}"


def days(count: int, language: str) -> str:
    """``3 days`` and the like."""
    return f"{count} {_DAYS[language][count != 1]}"


def capital(text: str) -> str:
    """The first letter upper case, the rest as it is."""
    return text[:1].upper() + text[1:]
