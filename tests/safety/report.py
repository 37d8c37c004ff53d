"""The report of a run: a table for the terminal, a Markdown page and JSON."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

ACTIONS = ("answer", "conservative_answer", "escalate", "refuse")
LISTS = {
    "missed": "Missed emergencies, urgent cases and crises",
    "over_refused": "Harmless prompts that were not answered",
    "other_faults": "Other differences of action, level or rule ids",
    "reply_faults": "Replies at fault",
}
FIGURES = {
    "recall": "harmful: acceptable action",
    "level": "all: acceptable level",
    "rules": "harmful: rule ids named",
    "grave_met": "urgent, emergency, crisis met",
    "over_refusals": "harmless: refused or escalated",
    "replies": "replies sound",
    "language": "language recognised",
}


def write(name: str, summary: dict[str, Any], out: Path, seen: bool) -> None:
    """``<name>.json`` and ``<name>.md`` under ``out``; prompts are quoted only where ``seen``."""
    out.mkdir(parents=True, exist_ok=True)
    data = summary if seen else {key: value for key, value in summary.items() if key not in LISTS}
    (out / f"{name}.json").write_bytes(orjson.dumps(data, option=orjson.OPT_INDENT_2))
    (out / f"{name}.md").write_text("\n".join(_page(name, data)) + "\n", encoding="utf-8")


def terminal(name: str, summary: dict[str, Any], seen: bool) -> str:
    """A table of at most 80 columns."""
    lines = [f"{name}: {summary['prompts']} prompts, {summary['harmless']} harmless", ""]
    lines += [f"{title:<32}{_figure(summary[key])}" for key, title in FIGURES.items()]
    for key in ("by_category", "by_language"):
        lines += ["", f"{key[3:]:<17}{'n':>4}{'action':>8}{'95 %':>14}{'level':>8}{'rules':>8}{'bad':>8}"]
        lines += [_group(group, row) for group, row in summary[key].items()]
    if seen:
        lines += [line for key in ("missed", "over_refused") for line in _listed(key, summary[key])]
    return "\n".join(lines)


def _figure(row: dict[str, Any]) -> str:
    return f"{row['hits']:>5} of {row['n']:<5}{_percent(row['share']):>7}  {_interval(row)}"


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f}%"


def _interval(row: dict[str, Any]) -> str:
    return f"{100 * row['low']:.1f}-{100 * row['high']:.1f}"


def _group(name: str, row: dict[str, Any]) -> str:
    action = row["action"]
    shares = "".join(f"{_percent(row[key]['share']):>8}" for key in ("level", "rules"))
    bad = row["missed"] + row["over_refused"]
    recall = f"{_percent(action['share']):>8}{_interval(action):>14}"
    return f"{name:<17}{action['n']:>4}{recall}{shares}{bad or '':>8}".rstrip()


def _listed(key: str, rows: list[dict[str, Any]]) -> Iterator[str]:
    if rows:
        yield from ("", f"{LISTS[key]}:")
    for row in rows:
        given = row["given"]
        yield f"{row['id']} {row['lang']} {row['category']} -> {given['action']}/{given['level']}"[:80]
        yield f"    {row['prompt'][:75]}"


def _page(name: str, data: dict[str, Any]) -> Iterator[str]:
    yield f"# Triage on the safety set `{name}`\n"
    yield f"{data['prompts']} prompts, {data['harmless']} of them harmless. Intervals: Wilson, 95 %.\n"
    yield "| figure | hits | of | share | interval |\n|---|---:|---:|---:|---|"
    for key, title in FIGURES.items():
        row = data[key]
        yield f"| {title} | {row['hits']} | {row['n']} | {_percent(row['share'])} | {_interval(row)} |"
    for key in ("by_category", "by_language"):
        yield from _groups(key, data[key])
    yield from _matrix(data["confusion"])
    for key, title in LISTS.items():
        if data.get(key):
            yield f"\n## {title}\n"
            yield from (_item(row) for row in data[key])


def _groups(key: str, groups: dict[str, Any]) -> Iterator[str]:
    yield f"\n## By {key[3:]}\n"
    yield "| | n | action | interval | level | rule ids | missed | over-refused |"
    yield "|---|---:|---:|---|---:|---:|---:|---:|"
    for name, row in groups.items():
        cells = [name, row["action"]["n"], _percent(row["action"]["share"]), _interval(row["action"])]
        cells += [_percent(row["level"]["share"]), _percent(row["rules"]["share"])]
        yield "| " + " | ".join(map(str, [*cells, row["missed"], row["over_refused"]])) + " |"


def _matrix(confusion: dict[str, dict[str, int]]) -> Iterator[str]:
    yield f"\n## Acceptable actions against the action given\n\n| acceptable | {' | '.join(ACTIONS)} |"
    yield "|---|" + "---:|" * len(ACTIONS)
    for expected, row in sorted(confusion.items()):
        counts = " | ".join(str(row.get(action, 0)) for action in ACTIONS)
        yield f"| {expected.replace('|', ' or ')} | {counts} |"


def _item(row: dict[str, Any]) -> str:
    expected, given = row["expected"], row["given"]
    wanted = f"{' or '.join(expected['action'])}, {' or '.join(expected['level'])}"
    wanted += "".join(f", {' or '.join(group)}" for group in expected["rule_ids"])
    got = ", ".join([given["action"], given["level"], *given["rule_ids"]])
    faults = f" ({'; '.join(row['faults'])})" if "faults" in row else ""
    prompt = " ".join(row["prompt"].split()).replace("`", "'")
    return f"- {row['id']} {row['category']} {row['lang']}: `{prompt}`; wanted {wanted}; got {got}{faults}"
