"""A live subscription: its configuration, its backlog, its one timer, and who waits for messages."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from services.localcloud.faults import Rule
from services.localcloud.http import ApiError
from services.localcloud.pubsub import ackids, names
from services.localcloud.pubsub.backlog import Backlog
from services.localcloud.pubsub.deliveries import Delivery, Message, Policy, Want
from services.localcloud.pubsub.filters import Predicate, compile_filter
from services.localcloud.pubsub.wire import NANOS, duration_ns

if TYPE_CHECKING:
    from services.localcloud.pubsub.broker import Broker

PUSH_BACKOFF_S = (0.1, 60.0)
"""Push without a retry policy: https://cloud.google.com/pubsub/docs/push#push_backoff"""

_HOLD_MS = 50


@dataclass(slots=True, eq=False)
class Sent:
    """A delivery on its way out, and the fault that the sender has to act out, if any."""

    delivery: Delivery
    turn: int
    fault: Rule | None = None

    @property
    def copies(self) -> int:
        return 2 if self.fault is not None and self.fault.action == "duplicate" else 1

    @property
    def error(self) -> int:
        """The HTTP status that the fault asks for; 0 for none."""
        return self.fault.status if self.fault is not None and self.fault.action == "error" else 0


class Subscription:
    """All changes go through here, so that disk, timer and waiting consumers follow the backlog."""

    def __init__(self, broker: Broker, number: int, first_message: int, config: Any) -> None:
        self.number = number
        self.first_message = first_message
        self.config = config
        self.closed: ApiError | None = None
        self.watchers: set[Callable[[], None]] = set()
        """Called, soon, whenever there may be something to take, or the subscription has changed."""
        self._broker = broker
        self._loop = asyncio.get_running_loop()
        self._wanted: Predicate = compile_filter(config.filter)
        self.backlog = Backlog(policy_of(config))
        self._timer: asyncio.TimerHandle | None = None
        self._notified = False

    @property
    def name(self) -> str:
        return str(self.config.name)

    @property
    def topic(self) -> str:
        return str(self.config.topic)

    @property
    def endpoint(self) -> str:
        """Where to push to; empty for a pull subscription."""
        return str(self.config.push_config.push_endpoint)

    @property
    def retention_ns(self) -> int:
        return duration_ns(self.config.message_retention_duration)

    def wants(self, message: Message) -> bool:
        """Does the filter let it through?"""
        return self._wanted(message.wire.attributes)

    def configure(self, config: Any) -> None:
        """Take on an updated configuration; the filter and the order cannot change."""
        self.config = config
        self.backlog.policy = policy_of(config)
        self.notify()

    def close(self, error: ApiError) -> None:
        """No more takes: everybody who waits here gets ``error``."""
        self.closed = error
        if self._timer is not None:
            self._timer.cancel()
        self.notify()

    # -- what goes in and out ----------------------------------------------------------------------------

    def offer(self, message: Message, attempts: int = 0) -> None:
        """A message whose row is safe."""
        self.backlog.add(message, attempts)
        self.notify()

    def take(self, want: Want, point: str) -> list[Sent]:
        """Lease what is ready. ``point`` is where fault rules may strike; raises ``closed``."""
        if self.closed is not None:
            raise self.closed
        if not self.backlog.has_ready:
            return []
        taken = self.backlog.take(self._loop.time(), want)
        sent = self._strike(taken, point)
        self._broker.store.attempted(self.number, taken)
        self._bury()
        self._arm()
        return sent

    def ack(self, ids: Iterable[str]) -> None:
        """ApiError 400 for what is no ack id of this subscription's; then nothing is acknowledged."""
        decoded = [self._decode(text) for text in ids]
        done = [d for ack in decoded for d in self.backlog.ack(ack.message, ack.turn)]
        self._broker.settle(self, done)
        self._follow()

    def modify(self, ids: Iterable[str], seconds: float) -> None:
        """Move the deadlines to ``seconds`` from now; 0 gives the messages back at once."""
        decoded = [self._decode(text) for text in ids]
        now = self._loop.time()
        for ack in decoded:
            if seconds > 0:
                self.backlog.extend(ack.message, ack.turn, now + seconds)
            else:
                self.backlog.nack(ack.message, ack.turn, now)
        self._follow()

    def finish(self, sent: Sent, *, success: bool) -> None:
        """The outcome of one push."""
        message = sent.delivery.message.id
        if success:
            self._broker.settle(self, self.backlog.ack(message, sent.turn))
        else:
            self.backlog.nack(message, sent.turn, self._loop.time())
        self._follow()

    def release(self, sent: Iterable[Sent]) -> None:
        """Take leases back that never reached anybody; their attempts do not count."""
        for item in sent:
            if item.delivery.leased:
                self.backlog.postpone(item.delivery, self._loop.time())
        self._follow()

    def purge(self, unwanted: Callable[[Delivery], bool]) -> None:
        """Count all that ``unwanted`` picks as acknowledged."""
        self._broker.settle(self, self.backlog.clear(unwanted))
        self._follow()

    def ack_id(self, delivery: Delivery) -> str:
        return ackids.encode(self.number, delivery.message.id, self._broker.store.epoch, delivery.turn)

    # -- who waits ---------------------------------------------------------------------------------------

    def notify(self) -> None:
        """Wake the watchers, once for all that happens in this turn of the loop."""
        if not self._notified:
            self._notified = True
            self._loop.call_soon(self._wake)

    def _wake(self) -> None:
        self._notified = False
        for watcher in list(self.watchers):
            watcher()

    def _follow(self) -> None:
        """After any change: forward the dead, wake consumers, set the timer."""
        self._bury()
        self.notify()
        self._arm()

    def _bury(self) -> None:
        if self.backlog.dead:
            dead, self.backlog.dead = self.backlog.dead, []
            self._broker.forward(self, dead)

    def _arm(self) -> None:
        due = self.backlog.wakeup()
        if due is None or self.closed is not None:
            return
        if self._timer is not None and not self._timer.cancelled() and self._timer.when() <= due:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(due, self._tick)

    def _tick(self) -> None:
        self._timer = None
        self.backlog.tick(self._loop.time())
        self._follow()

    def _decode(self, text: str) -> ackids.AckId:
        return ackids.decode(text, self.number, self._broker.store.epoch)

    def _strike(self, taken: list[Delivery], point: str) -> list[Sent]:
        """Act out the faults that concern the hand-out; leave ``duplicate`` and ``error`` to the sender."""
        sent = []
        for delivery in taken:
            if not delivery.leased:
                continue  # put back by the postponement of an earlier one of its key
            rule = self._fault(delivery, point)
            if rule is not None and rule.action in ("delay", "reorder"):
                delivery.fault_checked = True
                until = self._loop.time() + (rule.delay_ms or _HOLD_MS) / 1000
                self.backlog.postpone(delivery, until)
            elif rule is None or rule.action != "drop":
                sent.append(Sent(delivery, delivery.turn, rule))
        return sent

    def _fault(self, delivery: Delivery, point: str) -> Rule | None:
        if delivery.fault_checked:
            delivery.fault_checked = False
            return None
        topic, subscription = names.short(delivery.message.topic), names.short(self.name)
        return self._broker.faults.check(point, topic=topic, subscription=subscription)


def policy_of(config: Any) -> Policy:
    """The backlog's rules out of a subscription's configuration."""
    least, most = PUSH_BACKOFF_S if config.push_config.push_endpoint else (0.0, 0.0)
    if config.HasField("retry_policy"):
        least = duration_ns(config.retry_policy.minimum_backoff) / NANOS
        most = duration_ns(config.retry_policy.maximum_backoff) / NANOS
    return Policy(
        ordered=config.enable_message_ordering,
        min_backoff=least,
        max_backoff=most,
        max_attempts=config.dead_letter_policy.max_delivery_attempts,
    )
