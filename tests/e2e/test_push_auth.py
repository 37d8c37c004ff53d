"""Whoever is not Pub/Sub gets 401 from the conductor, whatever the message, and starts nothing."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from typing import Any

import orjson
import pytest
import requests

from fitsense.settings import Settings
from services.localcloud.pubsub.oidc import SigningKey, claims
from tests.factory import SMALL, Factory

pytestmark = pytest.mark.xdist_group("e2e-input")

FOREIGN = SigningKey.new()


class Caller:
    """Posts training requests to the conductor through the front door, as Pub/Sub would."""

    def __init__(self, factory: Factory, run_id: str) -> None:
        self._factory = factory
        self._run_id = run_id
        self._settings = Settings.from_env(factory.environment)
        self.key = SigningKey.at(factory.local.home / "cloud" / "pubsub" / "oidc.pem")

    def post(self, authorization: str | None) -> requests.Response:
        body = base64.b64encode(orjson.dumps({"run_id": self._run_id})).decode()
        envelope: dict[str, Any] = {
            "subscription": "s",
            "message": {"data": body, "messageId": "1", "attributes": {}},
        }
        headers = {} if authorization is None else {"Authorization": authorization}
        url = f"{self._factory.url}/conductor/{self._factory.cloud.topic('training')}"
        return requests.post(url, json=envelope, headers=headers, timeout=60)

    def bearer(self, key: SigningKey | None = None, **changes: Any) -> str:
        good = claims(self._settings.push_account, self._settings.push_audience, int(time.time()))
        return f"Bearer {(key or self.key).sign(good | changes)}"

    def jobs(self) -> list[Any]:
        """Batch jobs that train this run."""
        cloud = self._factory.cloud
        found = cloud.batch.list_jobs(parent=cloud.parent)
        return [job for job in found if job.labels.get("fitsense-run") == self._run_id]


@pytest.fixture(scope="module")
def caller(factory: Factory) -> Caller:
    config = SMALL.replace("users: 48", "users: 16").replace("per_user: 5", "per_user: 12")
    run_id = factory.submit(config, "pushed")
    assert factory.wait(run_id).state == "completed"
    return Caller(factory, run_id)


REFUSED: dict[str, Callable[[Caller], str | None]] = {
    "none": lambda _: None,
    "not signed": lambda caller: caller.bearer().rsplit(".", 1)[0] + ".",
    "wrong audience": lambda caller: caller.bearer(aud="https://another"),
    "wrong account": lambda caller: caller.bearer(email="another@fitsense-local.iam.gserviceaccount.com"),
    "expired": lambda caller: caller.bearer(iat=int(time.time()) - 7200, exp=int(time.time()) - 3600),
    "foreign key": lambda caller: caller.bearer(FOREIGN),
}


def test_only_pub_sub_s_pushes_are_heard(caller: Caller) -> None:
    """The last call differs from the others in its token alone, and is carried out before it is answered."""
    for name, token in REFUSED.items():
        refused = caller.post(token(caller))
        assert refused.status_code == 401, name
        assert refused.headers["WWW-Authenticate"] == "Bearer", name
        assert refused.headers["Content-Type"] == "application/problem+json", name
    assert caller.jobs() == []
    assert caller.post(caller.bearer()).ok
    assert len(caller.jobs()) == 1


@pytest.mark.parametrize("path", ["/conductor/", "/conductor/anything"])
def test_no_other_path_is_open(caller: Caller, factory: Factory, path: str) -> None:
    for method in ("GET", "POST"):
        assert requests.request(method, f"{factory.url}{path}", timeout=60).status_code == 401
