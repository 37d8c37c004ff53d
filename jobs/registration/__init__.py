"""Stage ``registration``: champion, challenger or rejected, and the channels changed to match.

The decision and the swap of the channels belong together: a model that would take the champion's place is
judged again against whoever is champion at the moment of the swap. A task that is killed in between finds
its own change in the channels' history and writes the record that it leads to.
"""

from __future__ import annotations

from contextlib import suppress

from fitsense import config
from fitsense.artifacts import ArtifactStore, to_json
from fitsense.errors import BadArtifact
from fitsense.models import channels
from fitsense.models.channels import Channels, Wish
from fitsense.models.manifest import ModelManifest, model_name
from fitsense.models.registration import RECORD, Registration
from fitsense.models.registry import Registry
from jobs.publishing import publish
from jobs.registration.gates import Champion, decide, judge
from jobs.registration.page import build
from jobs.stage import Job


def parts(job: Job) -> int:
    return 1


def run_part(job: Job, part: int) -> None:
    manifest = _manifest(job)
    key = job.folder.rpartition("/")[2]
    registrar = Registrar(job.store, manifest, job.params(config.Registration), f"registration {key}")
    record = job.store.read_model(f"{job.folder}/{RECORD}", Registration) or registrar.register()
    job.write(RECORD, to_json(record), rows=1)
    publish(job, build(record, registrar.evaluation, registrar.champion(record.against)), rows=1)
    rejected = {finding.check: 1 for finding in record.findings if finding.outcome == "fails"}
    job.count(rejected=rejected)


def _manifest(job: Job) -> ModelManifest:
    """The model's own manifest; an adopted one names the model that it stands for."""
    found = job.inputs["training"].manifest
    if not isinstance(found, ModelManifest):
        raise BadArtifact(f"{found.stage}'s manifest of {found.run_id} is not a model's")
    return found


class Registrar:
    """Registers one model, once."""

    def __init__(
        self, store: ArtifactStore, manifest: ModelManifest, gates: config.Registration, by: str
    ) -> None:
        self.store = store
        self.manifest = manifest
        self.gates = gates
        self.by = by
        self._registry = Registry(store)
        self.evaluation = self._registry.evaluation(manifest)

    def register(self) -> Registration:
        """Judge the model and change the channels. Any number of times, to the same end."""
        after = channels.change(self.store, self._wanted)
        mine = after.changed_by(self.by)
        return self._judged(_champion_before(after, mine.number) if mine else after.champion)

    def _wanted(self, now: Channels) -> Wish | None:
        if now.changed_by(self.by):
            return None  # an earlier attempt got as far as this
        record = self._judged(now.champion)
        version, reason = record.version, "; ".join(record.reasons)
        if record.decision == "rejected" or version == now.champion:
            return None
        if record.decision == "champion":
            return Wish(action="promoted", version=version, by=self.by, reason=reason)
        if now.traffic > 0 or version == now.challenger:
            return None  # a canary under way is not disturbed
        return Wish(action="challenged", version=version, by=self.by, reason=reason)

    def _judged(self, against: str | None) -> Registration:
        version = self.manifest.version
        champion = self.champion(None if against == version else against)
        findings = judge(self.evaluation, champion, self.gates)
        return Registration(
            version=version,
            run_id=self.manifest.run_id,
            decision=decide(findings),
            against=champion.version if champion else None,
            findings=findings,
            evaluation=self.manifest.evaluation,
        )

    def champion(self, version: str | None) -> Champion | None:
        """A champion whose evaluation cannot be read shows nothing; it must not keep others out."""
        if version is None:
            return None
        manifest = self.store.read_model(model_name(version), ModelManifest)
        report = None
        with suppress(BadArtifact):
            report = self._registry.evaluation(manifest) if manifest else None
        return Champion(version, report)


def _champion_before(after: Channels, number: int) -> str | None:
    """The champion that change ``number`` found."""
    return after.history[number - 2].champion if number > 1 else None
