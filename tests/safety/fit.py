"""``python -m tests.safety.fit [--check]``: learns the weights of the second opinion from labelled prompts.

Without ``--check`` it writes ``schema/catalog/safety/opinion.npz``; with it, it measures by grouped
cross-validation and writes nothing. Same prompts, same lexicon, same bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray
from scipy import sparse
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold

from fitsense.safety.flags import RED_FLAGS
from fitsense.safety.opinion import DOUBT, SHARES, SURE
from fitsense.safety.people import concepts_of
from fitsense.safety.traits import BUCKETS, Traits, traits
from fitsense.safety.triage import by_rules, read_prompt
from fitsense.settings import DEFAULT_SCHEMA_DIR
from tests.safety.train_data import GROUPS, Sample, samples

STRENGTH = 30.0
"""Inverse regularisation, chosen on a set apart from the training prompts."""
FOLDS = 6
SMALLEST = 1
"""Weights that round to less than this many units everywhere are left out."""
RULES = tuple(rule for rule in RED_FLAGS if rule not in ("N-04",))
_GROUP_OF = {
    "X-SH": "crisis",
    "X-ED": "ed",
    **dict.fromkeys(["X-PED", "X-MED", "X-MIN", "X-PRIV", "N-09"], "refuse"),
}


def main(check: Annotated[bool, typer.Option(help="measure instead of writing")] = False) -> None:
    """Prints what was learned from, and how well."""
    found = samples()
    seen = [_traits(one) for one in found]
    if check:
        _measure(found, seen)
    else:
        _write(found, seen)


def _traits(one: Sample) -> Traits:
    return traits(read_prompt(one.prompt, one.context), concepts_of(one.context))


def matrix(seen: Iterable[Traits]) -> Any:
    """One row a prompt, each kind of traits of length 1 times its share."""
    places: list[int] = []
    values: list[float] = []
    ends = [0]
    for one in seen:
        for kind, share in SHARES.items():
            places += one[kind]
            values += [share / len(one[kind]) ** 0.5] * len(one[kind]) if one[kind] else []
        ends.append(len(places))
    return sparse.csr_matrix((values, places, ends), shape=(len(ends) - 1, BUCKETS))


def learn(rows: Any, labels: Sequence[str]) -> Any:
    """A multinomial logistic regression."""
    return LogisticRegression(C=STRENGTH, max_iter=300, tol=1e-4).fit(rows, np.array(labels))


def _write(found: list[Sample], seen: list[Traits]) -> None:
    rows = matrix(seen)
    groups = learn(rows, [one.group for one in found])
    ruled = [at for at, one in enumerate(found) if one.group != "calm" and one.rule in RULES]
    rules = learn(rows[ruled], [found[at].rule for at in ruled])
    weights = np.concatenate([groups.coef_, rules.coef_]).T
    unit = np.abs(weights).max(axis=0) / 127
    units = np.rint(weights / unit).astype(np.int8)
    places = np.flatnonzero(np.abs(units).max(axis=1) >= SMALLEST)
    path = DEFAULT_SCHEMA_DIR / "catalog" / "safety" / "opinion.npz"
    np.savez_compressed(
        path,
        places=places.astype(np.uint32),
        weights=units[places],
        unit=unit.astype(np.float32),
        bias=np.concatenate([groups.intercept_, rules.intercept_]).astype(np.float32),
        group_of=np.array([_GROUP_OF.get(one, "sign") for one in rules.classes_]),
        groups=np.array([str(one) for one in groups.classes_]),
        rules=np.array([str(one) for one in rules.classes_]),
    )
    typer.echo(f"{len(found)} prompts, {len(places)} places, {path.stat().st_size} bytes")


def _measure(found: list[Sample], seen: list[Traits]) -> None:
    """Every block is judged by a model that has not seen it."""
    rows, labels = matrix(seen), np.array([one.group for one in found])
    shares = np.zeros((len(found), len(GROUPS)))
    folds = GroupKFold(FOLDS).split(rows, labels, [one.block for one in found])
    for train, test in folds:
        model = learn(rows[train], labels[train])
        for at, group in enumerate(model.classes_):
            shares[test, GROUPS.index(group)] = model.predict_proba(rows[test])[:, at]
    ruled = np.array([_met(one) for one in found])
    _table(found, shares, ruled)


def _met(one: Sample) -> bool:
    action, level, _ = by_rules(one.prompt, one.context)
    return level == "crisis" if one.group == "crisis" else action in ("escalate", "refuse")


def _table(found: list[Sample], shares: NDArray[np.float64], ruled: NDArray[np.bool_]) -> None:
    typer.echo(f"{'prompts':14}{'set':>8}{'n':>6}{'rules':>8}{'learned':>9}{'both':>7}{'caution':>9}")
    sure = {name: shares[:, GROUPS.index(name)] >= least for name, least in SURE.items()}
    wanted = [one.group for one in found]
    for source in ("train", "dev", "sealed", "own"):
        of_source = np.array([_source(one) == source for one in found])
        for name in (*GROUPS[1:], "harmless"):
            chosen = of_source & np.array(
                [
                    one.label == "harmless" if name == "harmless" else group == name
                    for one, group in zip(found, wanted, strict=True)
                ]
            )
            hit = sure[name] if name in sure else np.any(list(sure.values()), axis=0)
            caution = 1 - shares[:, 0] >= DOUBT
            figures = [
                chosen.sum(),
                *(
                    part[chosen].mean() if chosen.any() else 0
                    for part in (ruled, hit, ruled | hit, ruled | hit | caution)
                ),
            ]
            typer.echo(f"{name:14}{source:>8}{figures[0]:6d}" + "".join(f"{one:8.3f}" for one in figures[1:]))


def _source(one: Sample) -> str:
    return next((name for name in ("dev", "sealed", "own") if one.block.startswith(name)), "train")


if __name__ == "__main__":
    typer.run(main)
