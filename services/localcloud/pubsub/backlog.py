"""What one subscription still has to deliver: a state machine without clock, disk or network.

A delivery is *ready* (in line), *leased* (handed out until its deadline), *waiting* (for its backoff to
pass), *dead* (out of attempts, to be forwarded) or *gone*. Every change of state bumps its ``turn``, so that
entries of the timer heap, and lease tokens, tell at once whether they still speak of the present.

Messages with an ordering key stand in a lane per key. A lane hands out its head (or a run of it, to one
consumer), and nothing more until all of that is acknowledged. When one of these fails, it and all that came
after it go back in order, those acknowledged meanwhile included: that is Google's promise of order.

Times are seconds of any monotonic clock, passed in by the caller.
"""

from __future__ import annotations

import heapq
import itertools
from collections import deque
from collections.abc import Callable, Iterator

from services.localcloud.pubsub.deliveries import Delivery, Holder, Lane, Message, Policy, Want


class Backlog:
    """See the module. Single-threaded; every method is quick."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.dead: list[Delivery] = []
        """Out of attempts: the owner forwards and ``discard``s them, or ``revive``s them."""
        self._pending: dict[int, Delivery] = {}
        self._ready: deque[Delivery | Lane] = deque()
        self._lanes: dict[str, Lane] = {}
        self._timers: list[tuple[float, int, Delivery | Lane, int]] = []
        self._serial = itertools.count()

    def __len__(self) -> int:
        return len(self._pending)

    def __iter__(self) -> Iterator[Delivery]:
        """All pending deliveries, oldest first (as they were added)."""
        return iter(list(self._pending.values()))

    def find(self, message_id: int) -> Delivery | None:
        """The pending delivery of a message, if it is."""
        return self._pending.get(message_id)

    @property
    def has_ready(self) -> bool:
        return bool(self._ready)

    def oldest(self) -> Message | None:
        """The message that was added first among those pending."""
        return next((d.message for d in self._pending.values()), None)

    def wakeup(self) -> float | None:
        """When ``tick`` has something to do next, if ever. May be early, never late."""
        return self._timers[0][0] if self._timers else None

    def add(self, message: Message, attempts: int = 0) -> None:
        """Put a message in line, behind all others."""
        delivery = Delivery(message, attempts)
        self._pending[message.id] = delivery
        key = message.wire.ordering_key if self.policy.ordered else ""
        if not key:
            self._ready.append(delivery)
            return
        lane = self._lanes.get(key)
        if lane is None:
            lane = self._lanes[key] = Lane(key)
        delivery.lane = lane
        lane.waiting.append(delivery)
        self._park(lane)

    def take(self, now: float, want: Want) -> list[Delivery]:
        """Lease what is ready, within ``want``; a message larger than ``want.size`` goes alone."""
        self.tick(now)
        taken: list[Delivery] = []
        room = want.size
        while self._ready and len(taken) < want.messages:
            item = self._ready[0]
            if taken and item.next_size > room:
                break
            self._ready.popleft()
            if isinstance(item, Lane):
                item.parked = False
                item.not_before = 0.0
                run = item.start(min(want.per_key, want.messages - len(taken)), room)
                if not run:
                    self._next_of(item)
            else:
                run = [] if item.gone else [item]
            for delivery in run:
                self._lease(delivery, now + want.lease_s, want.holder)
                room -= delivery.message.size
            taken += run
        return taken

    def ack(self, message_id: int, token: int) -> list[Delivery]:
        """Acknowledge; returns what is done for good by it.

        A late acknowledgement counts, as in Google's, unless the message has an ordering key: there it
        would break the order of what is being delivered again.
        """
        delivery = self._pending.get(message_id)
        if delivery is None:
            return []
        lane = delivery.lane
        if lane is None:
            return [self.discard(delivery)]
        if not delivery.leased or delivery.turn != token:
            return []
        delivery.acked = True
        self._let_go(delivery)
        return self._settle(lane)

    def extend(self, message_id: int, token: int, deadline: float) -> None:
        """Move a lease's deadline, if the lease still stands."""
        delivery = self._pending.get(message_id)
        if delivery is not None and delivery.leased and delivery.turn == token and not delivery.acked:
            delivery.deadline = deadline
            self._at(deadline, delivery)

    def nack(self, message_id: int, token: int, now: float) -> None:
        """Give a lease up: the delivery failed."""
        delivery = self._pending.get(message_id)
        if delivery is not None and delivery.leased and delivery.turn == token and not delivery.acked:
            self._fail(delivery, now)

    def postpone(self, delivery: Delivery, until: float) -> None:
        """Take a lease back as if it had never been handed out, not to be ready before ``until``."""
        delivery.attempts -= 1
        self._give_back(delivery, until)

    def tick(self, now: float) -> None:
        """Let leases expire and backoffs end, up to ``now``."""
        while self._timers and self._timers[0][0] <= now:
            _, _, item, turn = heapq.heappop(self._timers)
            if item.turn != turn:
                continue
            if isinstance(item, Lane):
                self._ready.append(item)
            elif item.leased:
                if item.deadline <= now and not item.acked:
                    self._fail(item, now)
            elif not item.gone:
                item.turn += 1
                self._ready.append(item)

    def discard(self, delivery: Delivery) -> Delivery:
        """Forget a delivery, whatever its state."""
        self._let_go(delivery)
        delivery.gone = True
        delivery.turn += 1
        delivery.leased = False
        self._pending.pop(delivery.message.id, None)
        if delivery.lane is not None and delivery in delivery.lane.out:
            delivery.acked = True
            self._settle(delivery.lane)
        return delivery

    def revive(self, delivery: Delivery, until: float) -> None:
        """A dead delivery could not be forwarded: try to deliver it again after ``until``."""
        lane = delivery.lane
        if lane is None:
            self._at(until, delivery)
        else:
            lane.waiting.appendleft(delivery)
            lane.not_before = max(lane.not_before, until)
            self._park(lane)

    def clear(self, unwanted: Callable[[Delivery], bool]) -> list[Delivery]:
        """Discard all pending deliveries that ``unwanted`` picks; returns them."""
        return [self.discard(d) for d in self if unwanted(d)]

    def _lease(self, delivery: Delivery, deadline: float, holder: Holder | None) -> None:
        delivery.turn += 1
        delivery.attempts += 1
        delivery.leased = True
        delivery.deadline = deadline
        if holder is not None:
            delivery.holder = holder
            holder.messages += 1
            holder.size += delivery.message.size
        self._at(deadline, delivery)

    def _fail(self, delivery: Delivery, now: float) -> None:
        dead = 0 < self.policy.max_attempts <= delivery.attempts
        if not dead:
            self._give_back(delivery, now + self.policy.backoff(delivery.attempts))
            return
        self._give_back(delivery, now, dead=True)
        self.dead.append(delivery)

    def _give_back(self, delivery: Delivery, until: float, *, dead: bool = False) -> None:
        lane = delivery.lane
        if lane is None:
            self._unlease(delivery)
            if not dead:
                self._at(until, delivery)
            return
        self._rewind(lane, delivery)
        if dead:
            lane.waiting.popleft()
        lane.not_before = until
        if not lane.out:
            self._next_of(lane)

    def _rewind(self, lane: Lane, failed: Delivery) -> None:
        """Put ``failed`` and all that went out after it back at the lane's head, in order."""
        while lane.out:
            delivery = lane.out.pop()
            delivery.acked = False
            if delivery is not failed and delivery.leased:
                delivery.attempts -= 1  # it is not this one that failed
            self._unlease(delivery)
            if not delivery.gone:
                lane.waiting.appendleft(delivery)
            if delivery is failed:
                return

    def _unlease(self, delivery: Delivery) -> None:
        self._let_go(delivery)
        delivery.leased = False
        delivery.turn += 1

    def _let_go(self, delivery: Delivery) -> None:
        if delivery.holder is not None:
            delivery.holder.messages -= 1
            delivery.holder.size -= delivery.message.size
            delivery.holder = None

    def _settle(self, lane: Lane) -> list[Delivery]:
        settled = [d for d in lane.settle() if not d.gone]
        for delivery in settled:
            self.discard(delivery)
        if not lane.out:
            self._next_of(lane)
        return settled

    def _next_of(self, lane: Lane) -> None:
        """All that was out is back or done: line the lane up again, or forget it."""
        if lane.waiting:
            self._park(lane)
        elif not lane.out and not lane.parked:
            self._lanes.pop(lane.key, None)

    def _park(self, lane: Lane) -> None:
        if lane.parked or lane.out:
            return
        lane.parked = True
        if lane.not_before:
            self._at(lane.not_before, lane)
        else:
            self._ready.append(lane)

    def _at(self, when: float, item: Delivery | Lane) -> None:
        heapq.heappush(self._timers, (when, next(self._serial), item, item.turn))
        if len(self._timers) > 1000 + 4 * (len(self._pending) + len(self._lanes)):
            self._timers = [entry for entry in self._timers if _still_due(*entry)]
            heapq.heapify(self._timers)


def _still_due(when: float, _: int, item: Delivery | Lane, turn: int) -> bool:
    """Is a timer's entry about the present? Acknowledged leases leave one behind, extended ones several."""
    if item.turn != turn or isinstance(item, Lane):
        return item.turn == turn
    return not item.gone and (not item.leased or item.deadline == when)
