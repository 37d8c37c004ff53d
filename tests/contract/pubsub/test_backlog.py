"""The backlog's state machine, by calling it; time is a number."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from services.localcloud.pubsub.backlog import Backlog
from services.localcloud.pubsub.deliveries import Delivery, Holder, Message, Policy, Want
from services.localcloud.pubsub.wire import new_message

WANT = Want(messages=100, lease_s=10)
RETRY = Policy(min_backoff=1, max_backoff=8)


def message(number: int, key: str = "", size: int = 1) -> Message:
    return Message(number, "t", 0, new_message(b"x", {}, key), size)


def backlog(*numbers: int, policy: Policy | None = None, key: str = "") -> Backlog:
    made = Backlog(policy or Policy(ordered=bool(key)))
    for number in numbers:
        made.add(message(number, key))
    return made


def ids(taken: list[Delivery]) -> list[int]:
    return [delivery.message.id for delivery in taken]


def nack(made: Backlog, delivery: Delivery, now: float) -> None:
    made.nack(delivery.message.id, delivery.turn, now)


def ack(made: Backlog, delivery: Delivery) -> list[int]:
    return ids(made.ack(delivery.message.id, delivery.turn))


def test_a_lease_ends_exactly_at_its_deadline() -> None:
    made = backlog(1)
    made.take(0, WANT)
    assert made.take(9.99, WANT) == []
    assert made.wakeup() == 10
    assert ids(made.take(10, WANT)) == [1]


def test_an_extension_moves_the_deadline_both_ways() -> None:
    made = backlog(1)
    [delivery] = made.take(0, WANT)
    made.extend(1, delivery.turn, 30)
    assert made.take(29, WANT) == []
    made.extend(1, delivery.turn, 29.5)
    assert ids(made.take(29.5, WANT)) == [1]


def test_a_stale_token_neither_extends_nor_nacks() -> None:
    made = backlog(1)
    [first] = made.take(0, WANT)
    stale = first.turn
    made.take(10, WANT)
    made.extend(1, stale, 100)
    made.nack(1, stale, 11)
    assert made.take(19, WANT) == []
    assert ids(made.take(20, WANT)) == [1]


def test_backoff_doubles_up_to_its_most() -> None:
    assert [RETRY.backoff(n) for n in (1, 2, 3, 4, 5, 5000)] == [1, 2, 4, 8, 8, 8]
    made = backlog(1, policy=RETRY)
    now = 0.0
    for wait in (1, 2, 4, 8, 8):
        [delivery] = made.take(now, WANT)
        nack(made, delivery, now)
        assert made.take(now + wait - 0.01, WANT) == []
        now += wait


def test_expiry_backs_off_too() -> None:
    made = backlog(1, policy=RETRY)
    made.take(0, WANT)
    made.tick(10)
    assert made.take(10.9, WANT) == []
    assert ids(made.take(11, WANT)) == [1]


def test_acknowledged_while_waiting_for_its_backoff() -> None:
    made = backlog(1, policy=RETRY)
    [delivery] = made.take(0, WANT)
    nack(made, delivery, 0)
    assert ids(made.ack(1, 0)) == [1]
    assert made.take(100, WANT) == []
    assert len(made) == 0


def test_dead_after_the_last_attempt_only() -> None:
    made = backlog(1, 2, policy=Policy(max_attempts=2))
    for _ in range(2):
        assert made.dead == []
        [one, _] = made.take(0, WANT)
        nack(made, one, 0)
        made.postpone(next(d for d in made if d.message.id == 2), 0)
    assert ids(made.dead) == [1]
    assert ids(made.take(1, WANT)) == [2]
    made.revive(made.dead[0], 5)
    assert made.take(4, WANT) == []
    assert ids(made.take(5, WANT)) == [1]


def test_a_postponed_delivery_costs_no_attempt() -> None:
    made = backlog(1)
    [delivery] = made.take(0, WANT)
    made.postpone(delivery, 3)
    assert made.take(2.9, WANT) == []
    assert [d.attempts for d in made.take(3, WANT)] == [1]


def test_holders_count_what_is_out() -> None:
    made = backlog(1, 2, 3)
    holder = Holder()
    [one, two, three] = made.take(0, replace(WANT, holder=holder))
    assert (holder.messages, holder.size) == (3, 3)
    ack(made, one)
    nack(made, two, 0)
    made.discard(three)
    assert (holder.messages, holder.size) == (0, 0)


def test_sizes_bound_a_take_but_one_always_goes() -> None:
    for key in ("", "k"):
        made = Backlog(Policy(ordered=True))
        for number in range(5):
            made.add(message(number, key, size=10))
        for size, count in ((25, 2), (1, 1), (100, 2)):
            taken = made.take(0, replace(WANT, size=size))
            assert len(taken) == count
            for delivery in taken:
                ack(made, delivery)


def test_a_lane_hands_out_one_run_at_a_time() -> None:
    made = backlog(1, 2, 3, key="k")
    first = made.take(0, replace(WANT, per_key=2))
    assert ids(first) == [1, 2]
    assert made.take(0, WANT) == []
    assert ack(made, first[1]) == [], "the first is still out"
    assert ack(made, first[0]) == [1, 2]
    assert ids(made.take(0, WANT)) == [3]


def test_a_failure_takes_back_what_followed_even_if_acknowledged() -> None:
    made = backlog(1, 2, 3, 4, key="k")
    [one, two, three, _] = made.take(0, WANT)
    ack(made, three)
    nack(made, two, 0)
    assert made.take(0, WANT) == [], "1 is still out"
    assert ack(made, one) == [1]
    again = made.take(0, WANT)
    assert [(d.message.id, d.attempts) for d in again] == [(2, 2), (3, 1), (4, 1)]


def test_a_late_acknowledgement_does_not_break_the_order() -> None:
    made = backlog(1, 2, key="k")
    [one, two] = made.take(0, WANT)
    stale = two.turn
    nack(made, one, 0)
    assert made.ack(2, stale) == []
    assert ids(made.take(0, WANT)) == [1, 2]


def test_dead_ones_leave_their_lane() -> None:
    made = backlog(1, 2, policy=Policy(ordered=True, max_attempts=1), key="k")
    [one, _] = made.take(0, WANT)
    nack(made, one, 0)
    assert ids(made.dead) == [1]
    assert ids(made.take(0, WANT)) == [2]
    made.revive(made.dead[0], 0)
    assert made.take(1, WANT) == [], "2 is out"


def test_clearing_a_lane_lets_the_rest_go_on() -> None:
    made = backlog(1, 2, 3, key="k")
    made.take(0, replace(WANT, per_key=1))
    assert ids(made.clear(lambda d: d.message.id < 3)) == [1, 2]
    assert ids(made.take(0, WANT)) == [3]


def test_the_timer_heap_stays_small() -> None:
    made = Backlog(Policy())
    for number in range(20_000):
        made.add(message(number))
        [delivery] = made.take(number / 1000, replace(WANT, lease_s=600))
        made.extend(number, delivery.turn, number / 1000 + 600)
        ack(made, delivery)
    assert len(made) == 0
    assert len(made._timers) < 2000


actions = st.lists(
    st.tuples(
        st.sampled_from(["take", "take one", "ack", "nack", "late ack", "wait", "postpone", "extend"]),
        st.integers(0, 30),
    ),
    max_size=60,
)


@settings(deadline=None)
@given(
    keys=st.lists(st.sampled_from(["", "a", "b"]), min_size=1, max_size=12),
    actions=actions,
    policy=st.sampled_from([Policy(ordered=True), replace(RETRY, ordered=True), RETRY]),
)
def test_whatever_happens_all_is_delivered_and_keys_in_order(
    keys: list[str], actions: list[tuple[str, int]], policy: Policy
) -> None:
    """Any sequence of takes, acks, nacks, expiries; then everything left is acknowledged in turn."""
    made = Backlog(policy)
    holder = Holder()
    want = replace(WANT, holder=holder)
    for number, key in enumerate(keys):
        made.add(message(number, key))
    now, out, done = 0.0, list[tuple[Delivery, int]](), list[int]()
    for action, which in actions:
        delivery, turn = out[which % len(out)] if out else (None, 0)
        if action == "wait":
            now += which
            made.tick(now)
        elif action.startswith("take"):
            taken = made.take(now, want if action == "take" else replace(want, messages=1))
            out += [(d, d.turn) for d in taken]
        elif delivery is not None and action in ("ack", "late ack"):
            done += ids(made.ack(delivery.message.id, turn if action == "ack" else 0))
        elif delivery is not None and action == "nack":
            made.nack(delivery.message.id, turn, now)
        elif delivery is not None and action == "extend":
            made.extend(delivery.message.id, turn, now + which + 1)
        elif delivery is not None and delivery.leased and not delivery.acked:
            made.postpone(delivery, now + which)
        assert holder.messages == sum(d.holder is not None for d in made)
    for _ in range(200):
        now += 50  # beyond any lease and backoff
        for d in made.take(now, want):
            done += ids(made.ack(d.message.id, d.turn))
    assert sorted(done) == list(range(len(keys)))
    assert holder.messages == 0
    if policy.ordered:
        for key in ("a", "b"):
            assert [n for n in done if keys[n] == key] == [n for n, k in enumerate(keys) if k == key]
