"""The channels over a real bucket: races, lost answers, and what a history comes to."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fitsense.artifacts import ArtifactStore
from fitsense.events import ChannelsChanged, Event, ModelPromoted, ModelRolledBack
from fitsense.models import channels
from fitsense.models.channels import CHANNELS, Channels, NotPossible, Wanted, Wish, apply, champions
from services.conductor.channels import ChannelTeller
from tests.cloud import CloudProcess
from tests.models import NOW, land, report

LOST = {"point": "storage.request", "match": {"method": "POST"}, "action": "kill", "times": 1}


@pytest.fixture
def lost(storage_process: CloudProcess, store: ArtifactStore) -> Iterator[CloudProcess]:
    yield storage_process
    storage_process.faults()


def promote(version: str) -> Wanted:
    return channels.promote(version, "me", "why not")


def at_once(wanted: Sequence[Wanted], store: ArtifactStore) -> None:
    """Each in a thread of its own; what one raises, this raises."""
    barrier = threading.Barrier(len(wanted))

    def act(one: Wanted) -> None:
        barrier.wait()
        channels.change(store, one)

    with ThreadPoolExecutor(len(wanted)) as pool:
        list(pool.map(act, wanted))


def test_of_many_at_once_each_wins_once_and_none_is_lost(store: ArtifactStore) -> None:
    at_once([promote(f"m-{number}") for number in range(8)], store)
    after = channels.read(store)
    assert sorted(change.version for change in after.history) == [f"m-{n}" for n in range(8)]
    assert [change.number for change in after.history] == list(range(1, 9))
    assert after.champion == after.history[-1].version
    assert after.previous == after.history[-2].version


def test_the_loser_decides_anew_on_what_the_winner_left(store: ArtifactStore) -> None:
    seen: list[str | None] = []

    def wanted(now: Channels) -> Wish | None:
        seen.append(now.champion)
        if len(seen) == 1:
            channels.change(store, promote("first"))  # in between, another
        return promote("second")(now)

    after = channels.change(store, wanted)
    assert seen == [None, "first"]
    assert (after.champion, after.previous) == ("second", "first")


def test_two_roll_backs_at_once_go_back_once(store: ArtifactStore) -> None:
    for version in ("a", "b", "c"):
        channels.change(store, promote(version))
    at_once([channels.roll_back("me", "bad", "c")] * 4, store)
    after = channels.read(store)
    assert (after.champion, after.previous) == ("b", "a")
    assert len(after.history) == 4


def test_a_swap_whose_answer_was_lost_is_ones_own(store: ArtifactStore, lost: CloudProcess) -> None:
    channels.change(store, promote("a"))
    lost.faults(LOST)
    after = channels.change(store, promote("b"))
    assert [change.version for change in after.history] == ["a", "b"]
    assert channels.read(store) == after


def test_a_roll_back_whose_answer_was_lost_goes_back_once(store: ArtifactStore, lost: CloudProcess) -> None:
    for version in ("a", "b", "c"):
        channels.change(store, promote(version))
    lost.faults(LOST)
    assert channels.change(store, channels.roll_back("me", "bad")).champion == "b"
    assert len(channels.read(store).history) == 4


def test_promoting_the_champion_changes_nothing(store: ArtifactStore) -> None:
    channels.change(store, promote("a"))
    before = store.read(CHANNELS)
    channels.change(store, promote("a"))
    assert store.read(CHANNELS) == before


def test_a_canary_needs_a_champion_and_is_not_it(store: ArtifactStore) -> None:
    with pytest.raises(NotPossible, match="no champion"):
        channels.change(store, channels.canary("a", 10, "me", "try"))
    channels.change(store, promote("a"))
    with pytest.raises(NotPossible, match="is the champion"):
        channels.change(store, channels.canary("a", 10, "me", "try"))
    after = channels.change(store, channels.canary("b", 10, "me", "try"))
    assert (after.champion, after.challenger, after.traffic, after.mark("b")) == (
        "a",
        "b",
        10,
        "challenger 10 %",
    )
    promoted = channels.change(store, promote("b"))
    assert (promoted.champion, promoted.challenger, promoted.traffic, promoted.previous) == (
        "b",
        None,
        0,
        "a",
    )


def test_a_roll_back_ends_a_canary_and_needs_somewhere_to_go(store: ArtifactStore) -> None:
    channels.change(store, promote("a"))
    with pytest.raises(NotPossible, match="no earlier champion"):
        channels.change(store, channels.roll_back("me", "bad"))
    channels.change(store, promote("b"))
    channels.change(store, channels.canary("c", 20, "me", "try"))
    after = channels.change(store, channels.roll_back("me", "bad"))
    assert (after.champion, after.previous, after.challenger, after.traffic) == ("a", None, "c", 0)


@given(
    st.lists(st.tuples(st.sampled_from(["promote", "canary", "back"]), st.sampled_from("abcd")), max_size=25)
)
def test_the_history_alone_says_who_is_champion(steps: list[tuple[str, str]]) -> None:
    now = Channels()
    stack: list[str] = []
    for number, (step, version) in enumerate(steps):
        wanted = {
            "promote": promote(version),
            "canary": channels.canary(version, 10, "me", "try"),
            "back": channels.roll_back("me", "bad"),
        }[step]
        try:
            wish = wanted(now)
        except NotPossible:
            continue
        if wish:
            now = apply(now, wish, str(number), NOW)
            stack = [*stack, version] if step == "promote" else stack[:-1] if step == "back" else stack
        assert champions(now.history) == stack
        assert now.champion == (stack[-1] if stack else None)
        assert now.previous == (stack[-2] if len(stack) > 1 else None)
        assert now.challenger is None or now.challenger != now.champion
        assert Channels.model_validate_json(now.model_dump_json()) == now


def tell(store: ArtifactStore, told: list[Event]) -> None:
    ChannelTeller(store, told.append).tell()


def test_each_change_is_told_once_in_order_by_whoever_comes(store: ArtifactStore) -> None:
    land(store, report("a"))
    told: list[Event] = []
    for version in ("a", "b"):
        channels.change(store, promote(version))
    tell(store, told)
    tell(store, told)  # another conductor, after a restart
    channels.change(store, channels.roll_back("me", "bad"))
    tell(store, told)
    assert [type(event) for event in told] == [ModelPromoted, ModelPromoted, ModelRolledBack]
    assert [e.run_id for e in told] == ["run-1", "b", "b"], "the dataset's run where the model is known"
    numbers = [event.number for event in told if isinstance(event, ChannelsChanged)]
    assert all(later > earlier for earlier, later in pairwise(numbers))


def test_a_change_that_could_not_be_told_is_told_later(store: ArtifactStore) -> None:
    channels.change(store, promote("a"))

    def down(_: Event) -> None:
        raise ConnectionError("no bus")

    teller = ChannelTeller(store, down)
    with pytest.raises(ConnectionError):
        teller.tell()
    told: list[Event] = []
    teller.emit = told.append
    teller.tell()
    assert [event.key for event in told] == ["1/a"]
