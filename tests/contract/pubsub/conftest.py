"""One server of each kind for the whole suite; every test has topics and subscriptions of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cloud import CloudProcess
from tests.contract.pubsub.api import Api
from tests.contract.pubsub.backends import EMULATOR, OURS, Backend, emulator_jar, run_emulator, run_ours
from tests.contract.pubsub.endpoint import PushEndpoint

ONE_EMULATOR = pytest.mark.xdist_group("pubsub-emulator")
BACKENDS = [OURS, pytest.param(EMULATOR, marks=[pytest.mark.emulator, ONE_EMULATOR])]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The tests ask for what is there now by ``return_immediately``, of which the client disapproves."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings("ignore:The return_immediately flag"))


@pytest.fixture(scope="session")
def our_backend(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    with run_ours(tmp_path_factory.mktemp("pubsub")) as backend:
        yield backend


@pytest.fixture(scope="session")
def our_api(our_backend: Backend) -> Iterator[Api]:
    api = Api(our_backend)
    yield api
    api.close()


@pytest.fixture(scope="session")
def emulator_api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    if emulator_jar() is None:
        pytest.skip("Google's Pub/Sub emulator is not installed")
    with run_emulator(tmp_path_factory.mktemp("emulator")) as backend:
        api = Api(backend)
        yield api
        api.close()


@pytest.fixture(params=BACKENDS)
def api(request: pytest.FixtureRequest) -> Api:
    """The API on each backend."""
    name = "our_api" if request.param == OURS else "emulator_api"
    found = request.getfixturevalue(name)
    assert isinstance(found, Api)
    return found


@pytest.fixture
def ours(our_api: Api) -> Api:
    """The API on the local cloud: for what the emulator does not do."""
    return our_api


@pytest.fixture
def cloud(our_backend: Backend) -> Iterator[CloudProcess]:
    """The shared local cloud's process; fault rules set on it end with the test."""
    assert our_backend.cloud is not None
    yield our_backend.cloud
    our_backend.cloud.faults()


@pytest.fixture
def endpoint() -> Iterator[PushEndpoint]:
    server = PushEndpoint()
    yield server
    server.stop()
