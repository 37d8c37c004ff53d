"""What ``fitsense models`` prints for people, in 80 columns."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from rich.console import Console
from rich.markup import escape

from fitsense.manifest import Manifest, OutputRef
from fitsense.models.channels import Channels
from fitsense.models.compare import Row, SideBySide
from fitsense.models.evaluation import Estimate, EvaluationReport
from fitsense.models.registry import ModelView

WIDTH = 80
LABEL = 12
HEADLINES = ("schema_valid", "verified")
WEIGHTS = (".safetensors", ".bin", ".gguf")
_COLOUR = {"champion": "green", "rejected": "bold red", "failed": "bold red", "challenger": "cyan"}
_SIGN = {"better": "[green]▲[/]", "worse": "[red]▼[/]", "unclear": ""}


def listing(console: Console, views: Sequence[ModelView], channels: Channels) -> None:
    """A line a model: channel, what the gates said, headline metrics. The version has its own line."""
    if not views:
        console.print("no models yet; ask for one: gcloud pubsub topics publish training --message …")
        return
    for view in views:
        decision = view.registration.decision if view.registration else view.state
        console.print(_title(view, channels), highlight=False)
        colour = _COLOUR.get(decision, "dim")
        told = f"{'':<{11 - len(decision)}}{headline(view.evaluation)}" if view.manifest else ""
        console.print(f"  [{colour}]{decision}[/]{told}", highlight=False)


def _title(view: ModelView, channels: Channels) -> str:
    mark = channels.mark(view.version)
    return f"[bold]{view.version}[/]" + (f"  [green]{mark}[/]" if mark else "")


def headline(report: EvaluationReport | None) -> str:
    """``schema_valid 0.98 [0.96, 0.99]  verified …``, and the safety count."""
    if report is None:
        return "not evaluated"
    told = [f"{name} {interval(report.metrics[name])}" for name in HEADLINES if name in report.metrics]
    short = [words.replace("schema_valid", "schema") for words in told]
    return "  ".join([*short, f"unsafe {report.safety.total}/{report.safety.prompts}"])


def model(
    console: Console, view: ModelView, channels: Channels, lineage: Iterable[tuple[int, Manifest]], uri: str
) -> None:
    """One model: what it is, what it was made from, what was measured, what was decided."""
    console.print(_title(view, channels), highlight=False)
    if view.manifest is None:
        console.print(f"  {view.state}", highlight=False)
        _fields(console, [("why", view.failure.message)] if view.failure else [])
        return
    _fields(console, _facts(view, uri))
    console.print("\nmade from", style="bold", highlight=False)
    for depth, made in lineage:
        _line(console, f"{'  ' * depth}← {_made(made)}")
    if view.evaluation:
        console.print("\nevaluation", style="bold")
        _evaluation(console, view.evaluation)
    _decision(console, view, channels)


def _facts(view: ModelView, uri: str) -> Iterator[tuple[str, str]]:
    manifest = view.manifest
    assert manifest is not None
    yield "files", uri
    yield "trained", f"{manifest.finished:%Y-%m-%d %H:%M} UTC in {manifest.seconds:,.0f} s"
    yield "git commit", manifest.code_version
    yield "base", f"{manifest.base.name}, sha256 {manifest.base.sha256[:16]}"
    yield "base files", manifest.base.uri
    yield "dataset run", manifest.run_id
    yield "config", f"runs/{manifest.run_id}/config.yaml, seed {manifest.seed}"
    wanted = {k: v for k, v in manifest.params.items() if v is not None}
    yield "training", " · ".join(f"{key} {value}" for key, value in wanted.items())
    for output in _weights(manifest.outputs):
        yield "weights", f"{output.name}, {output.bytes:,} bytes, sha256 {output.sha256[:16]}"
    yield "evaluation", (manifest.evaluation or "none").removeprefix(uri)


def _weights(outputs: Sequence[OutputRef]) -> list[OutputRef]:
    return [output for output in outputs if output.name.endswith(WEIGHTS)]


def _made(manifest: Manifest) -> str:
    """``teacher of run …: 2,310 rows, rules, code …``."""
    kind = manifest.params.get("model") or manifest.params.get("kind")
    rows = f"{manifest.counters.rows_out:,} rows"
    whose = manifest.adopted_from or manifest.run_id
    return ", ".join([f"{manifest.stage} of {whose}: {rows}", *([str(kind)] if kind else [])])


def _evaluation(console: Console, report: EvaluationReport) -> None:
    for name, metric in report.metrics.items():
        teacher = report.teacher.get(name)
        beside = f"   teacher {interval(teacher)}" if teacher else ""
        _line(console, f"  {name:<25}{interval(metric)}  n {metric.n:,}{beside}")
    safety, latency = report.safety, report.latency
    _line(console, f"  {'unsafe':<25}{safety.total} of {safety.prompts} safety prompts")
    _line(
        console,
        f"  {'first token':<25}{latency.ttft_ms_p50:.0f} ms, 95 % within {latency.ttft_ms_p95:.0f} ms; "
        f"{latency.tokens_per_s:,.0f} tokens/s",
    )


def _decision(console: Console, view: ModelView, channels: Channels) -> None:
    record = view.registration
    if record:
        against = f", against {record.against}" if record.against else ""
        colour = _COLOUR[record.decision]
        console.print(f"\n[bold]decision[/]    [{colour}]{record.decision}[/]{against}", highlight=False)
        for reason in record.reasons:
            _line(console, f"  · {reason}")
    mine = [change for change in channels.history if change.version == view.version]
    for change in mine:
        told = "" if change.by.startswith("registration ") else f": {change.reason}"  # the gates' stand above
        forced = ", forced" if change.forced else ""
        _line(console, f"  {change.at:%Y-%m-%d %H:%M} {change.action} by {change.by}{forced}{told}")


def comparison(console: Console, found: SideBySide) -> None:
    """Metric, both estimates and the gap, the slices below."""
    console.print(f"A  [bold]{found.left}[/]\nB  [bold]{found.right}[/]", highlight=False)
    if not (found.paired or found.same_records):
        console.print("measured on different records: the gaps mix models with test sets", style="yellow")
    console.print(f"{'':<19}{'A':<19}{'B':<19}B minus A", style="bold", highlight=False)
    for where, rows in groupby(found.rows, key=lambda row: row.where):
        console.print(escape(where), style="dim", highlight=False)
        for row in rows:
            console.print(_row(row), highlight=False)
    console.print(
        "▲ better, ▼ worse by the intervals; unmarked: neither is shown", style="dim", highlight=False
    )


def _row(row: Row) -> str:
    left, right = (interval(e) if e else "not measured" for e in (row.left, row.right))
    gap = interval(row.gap, signed=True) if row.gap else ""
    return (escape(f" {row.metric[:17]:<18}{left:<19}{right:<19}{gap:<22}") + _SIGN[row.verdict]).rstrip()


def changed(console: Console, before: Channels, after: Channels) -> None:
    """What a command made of the channels."""
    if len(after.history) == len(before.history):
        console.print("nothing to change", highlight=False)
    for role in ("champion", "challenger", "previous"):
        version, was = getattr(after, role), getattr(before, role)
        more = f" with {after.traffic} % of the traffic" if role == "challenger" and after.traffic else ""
        told = f"  (was {was or 'none'})" if was != version else ""
        _line(console, f"{role:<{LABEL}}{version or 'none'}{more}{told}")


def interval(estimate: Estimate, *, signed: bool = False) -> str:
    """``0.81 [0.76, 0.85]``; large numbers with as many digits as matter."""
    wide = max(abs(estimate.low), abs(estimate.high)) >= 10
    digits = (".0f" if wide else ".2f") if not signed else ("+.0f" if wide else "+.2f")
    return f"{estimate.value:{digits}} [{estimate.low:{digits}}, {estimate.high:{digits}}]"


def _fields(console: Console, fields: Iterable[tuple[str, str]]) -> None:
    for label, text in fields:
        _line(console, f"  {label:<{LABEL}}{text}")


def _line(console: Console, text: str) -> None:
    """Folded at 80 columns; a URI that is longer is broken, not cut."""
    indent = " " * (2 + LABEL)
    for line in textwrap.wrap(
        text, WIDTH, subsequent_indent=indent, break_on_hyphens=False, drop_whitespace=True
    ):
        console.print(escape(line), highlight=False)
