"""The stage over a real bucket: killed anywhere, raced by another, run twice."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import yaml

from fitsense.admission import parse_config
from fitsense.artifacts import ArtifactStore
from fitsense.cloud import Cloud
from fitsense.config import Registration as Gates
from fitsense.errors import BadArtifact
from fitsense.models import channels
from fitsense.models.channels import Channels, Wish
from fitsense.models.evaluation import EvaluationReport
from fitsense.models.registration import Registration, record_name
from fitsense.settings import TaskSettings
from jobs.registration import Registrar
from jobs.runner import Runner
from tests.models import land, report

CONFIG = b"version: 1\npipeline: coaching\nseed: 11\nprofiles: {users: 100}\ntraining: {}\n"


def trained(store: ArtifactStore, measured: EvaluationReport | None, version: str = "") -> str:
    """A run whose model has landed; its version is its run_id."""
    version = version or (measured.version if measured else "m-1")
    config = parse_config(CONFIG).model_dump(mode="json")
    store.create(f"runs/{version}/config.yaml", yaml.safe_dump(config).encode())
    land(store, measured, version, run_id=version)
    return version


def register(cloud: Cloud, version: str) -> Registration:
    Runner(cloud, TaskSettings(run_id=version), "registration", lambda: False).run()
    found = ArtifactStore(cloud.bucket).read_model(record_name(version), Registration)
    assert found is not None
    return found


def test_the_first_is_champion_a_worse_one_rejected_a_better_one_next(
    cloud: Cloud, store: ArtifactStore
) -> None:
    expected = {"m-1": (0.81, "champion"), "m-2": (0.6, "rejected"), "m-3": (0.82, "challenger")}
    expected |= {"m-4": (0.95, "champion")}
    for version, (verified, decision) in expected.items():
        assert register(cloud, trained(store, report(version, verified))).decision == decision
    now = channels.read(store)
    assert (now.champion, now.challenger, now.previous) == ("m-4", "m-3", "m-1")
    assert [change.action for change in now.history] == ["promoted", "challenged", "promoted"]


def test_a_model_without_an_evaluation_is_rejected_and_lands(cloud: Cloud, store: ArtifactStore) -> None:
    found = register(cloud, trained(store, None))
    assert (found.decision, found.reasons) == ("rejected", ["it was not evaluated"])
    assert store.exists("registrations/m-1/manifest.json")
    assert channels.read(store) == Channels()


def test_registered_twice_it_is_one_change_and_one_record(cloud: Cloud, store: ArtifactStore) -> None:
    version = trained(store, report())
    first = register(cloud, version)
    for name in ("manifest.json", "parts/00000.json"):
        stored = store.read(f"registrations/{version}/{name}")
        assert stored is not None
        store.delete(f"registrations/{version}/{name}", stored.generation)
    assert register(cloud, version) == first
    assert len(channels.read(store).history) == 1


def test_killed_after_the_swap_it_finds_its_own_change(cloud: Cloud, store: ArtifactStore) -> None:
    register(cloud, trained(store, report("m-1")))
    made = land(store, report("m-2", 0.95), run_id="m-2")
    before = Registrar(store, made, Gates(), "registration m-2").register()
    channels.change(store, channels.promote("m-3", "me", "meanwhile"))
    again = Registrar(store, made, Gates(), "registration m-2").register()
    assert again == before, "compared with the champion that the swap found, not with itself or a later one"
    assert again.against == "m-1"
    assert [c.version for c in channels.read(store).history] == ["m-1", "m-2", "m-3"]


def test_who_loses_the_race_is_judged_against_the_winner(
    store: ArtifactStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both are better than the champion; the second to swap is worse than the first."""
    first, second, third = (
        land(store, report(version, verified, n=1000))
        for version, verified in (("m-1", 0.7), ("m-2", 0.97), ("m-3", 0.85))
    )
    channels.change(store, channels.promote(first.version, "me", "first"))
    winner = Registrar(store, second, Gates(), "registration m-2")
    loser = Registrar(store, third, Gates(), "registration m-3")
    wanted, seen = loser._wanted, []

    def raced(now: Channels) -> Wish | None:
        wish = wanted(now)
        seen.append(wish.action if wish else None)
        if len(seen) == 1:
            winner.register()
        return wish

    monkeypatch.setattr(loser, "_wanted", raced)
    assert loser.register().decision == "rejected"
    assert seen == ["promoted", None]
    assert channels.read(store).champion == "m-2"


def test_a_canary_under_way_is_not_disturbed(cloud: Cloud, store: ArtifactStore) -> None:
    register(cloud, trained(store, report("m-1")))
    land(store, report("m-2"))
    channels.change(store, channels.canary("m-2", 10, "me", "try"))
    assert register(cloud, trained(store, report("m-3"))).decision == "challenger"
    now = channels.read(store)
    assert (now.challenger, now.traffic) == ("m-2", 10)


def test_whoever_comes_first_the_best_is_champion(store: ArtifactStore) -> None:
    shares = {f"m-{number}": share for number, share in enumerate((0.7, 0.97, 0.8, 0.9))}
    made = [land(store, report(version, share, n=2000)) for version, share in shares.items()]
    with ThreadPoolExecutor(len(made)) as pool:
        registrars = [Registrar(store, one, Gates(), f"registration {one.version}") for one in made]
        records = list(pool.map(Registrar.register, registrars))
    now = channels.read(store)
    assert now.champion == "m-1"
    promoted = [change.version for change in now.history if change.action == "promoted"]
    assert [shares[version] for version in promoted] == sorted(shares[version] for version in promoted)
    assert {r.version for r in records if r.decision == "champion"} == set(promoted)
    assert {r.decision for r in records if r.version not in promoted} <= {"rejected"}


def test_a_champion_whose_report_is_torn_keeps_nobody_out_and_is_not_replaced_unseen(
    cloud: Cloud, store: ArtifactStore
) -> None:
    register(cloud, trained(store, report("m-1")))
    stored = store.read("models/m-1/evaluation/report.json")
    assert stored is not None
    assert store.replace("models/m-1/evaluation/report.json", b"{}", stored.generation)
    found = register(cloud, trained(store, report("m-2", 0.99)))
    assert (found.decision, found.against) == ("challenger", "m-1")
    assert "m-1 has no evaluation" in found.reasons[0]


def test_a_report_of_another_model_is_no_evidence(cloud: Cloud, store: ArtifactStore) -> None:
    version = trained(store, report("m-1"))
    stored = store.read(f"models/{version}/evaluation/report.json")
    assert stored is not None
    data = stored.data.replace(b'"version":"m-1"', b'"version":"m-9"')
    assert store.replace(f"models/{version}/evaluation/report.json", data, stored.generation)
    with pytest.raises(BadArtifact, match="report of m-9"):
        register(cloud, version)
