"""``registrations/<key>/registration.json``: what the gates made of a model, and why. Create-only.

The key is the run's: that of the model's version, unless a later run judged it again.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from fitsense.manifest import Model

REGISTRATIONS = "registrations"
RECORD = "registration.json"
Decision = Literal["champion", "challenger", "rejected"]
Outcome = Literal["holds", "open", "fails"]


class Finding(Model):
    """One check. ``open``: the evidence shows neither that it holds nor that it fails."""

    check: str
    outcome: Outcome
    reason: str = Field(description="in words and numbers")
    safety: bool = False


class Registration(Model):
    """Any failed finding rejects; any open one keeps a model from the championship by itself."""

    schema_version: Literal[1] = 1
    version: str
    run_id: str
    decision: Decision
    against: str | None = Field(description="the champion that it was compared with")
    findings: list[Finding]
    evaluation: str | None

    @property
    def reasons(self) -> list[str]:
        """What stood in the way, or that nothing did."""
        return [f.reason for f in self.findings if f.outcome == self._decisive]

    @property
    def _decisive(self) -> Outcome:
        return {"rejected": "fails", "challenger": "open", "champion": "holds"}[self.decision]  # type: ignore[return-value]

    @property
    def unsafe(self) -> list[str]:
        return [f.reason for f in self.findings if f.safety and f.outcome == "fails"]


def record_name(key: str) -> str:
    return f"{REGISTRATIONS}/{key}/{RECORD}"
