"""Push subscriptions: each message is an HTTP POST to the endpoint, as many in flight as it bears."""

from __future__ import annotations

import asyncio
import time

import aiohttp
import structlog
from yarl import URL

from services.localcloud.pubsub.deliveries import Want
from services.localcloud.pubsub.envelope import ACKNOWLEDGED, envelope
from services.localcloud.pubsub.oidc import SigningKey, Tokens
from services.localcloud.pubsub.subscription import Sent, Subscription

log = structlog.get_logger(__name__)

_WINDOW_START, _WINDOW_LEAST, _WINDOW_MOST = 32, 8, 1000

_KEEP_ALIVE_S = 1.5
"""Shorter than the 2 s after which gunicorn closes an idle connection: reuse must not race with that."""

_SESSION_HEADERS = {"Content-Type": "application/json", "User-Agent": "CloudPubSub-Google"}


def new_session() -> aiohttp.ClientSession:
    """The HTTP client of all pushes. To be made in the running loop, and closed."""
    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=_KEEP_ALIVE_S, ttl_dns_cache=300)
    return aiohttp.ClientSession(
        connector=connector,
        headers=_SESSION_HEADERS,
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        skip_auto_headers=("Accept", "Accept-Encoding"),
    )


class Pusher:
    """Pushes one subscription's messages until closed.

    The window of requests in flight grows by one with each success and shrinks by a quarter with each
    failure, so an endpoint in trouble is asked less; waiting between tries is the backlog's (retry policy).
    """

    def __init__(self, subscription: Subscription, session: aiohttp.ClientSession, tokens: Tokens) -> None:
        self._subscription = subscription
        self._session = session
        self._tokens = tokens
        self._window = float(_WINDOW_START)
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False
        subscription.watchers.add(self._wake)
        subscription.notify()

    async def close(self) -> None:
        """Stop pushing; what is in flight is cut off, and comes again."""
        self._closed = True
        self._subscription.watchers.discard(self._wake)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _wake(self) -> None:
        room = int(self._window) - len(self._tasks)
        if room <= 0 or self._closed or self._subscription.closed is not None:
            return
        # The lease outlasts the request's own timeout, so that only one of them ends it.
        lease_s = self._subscription.config.ack_deadline_seconds + 1
        for sent in self._subscription.take(Want(room, lease_s, per_key=1), "pubsub.push"):
            task = asyncio.get_running_loop().create_task(self._push(sent))
            self._tasks.add(task)
            task.add_done_callback(self._over)

    def _over(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._wake()
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("pubsub.push_bug", subscription=self._subscription.name, exc_info=error)

    async def _push(self, sent: Sent) -> None:
        statuses = [await self._post(sent) for _ in range(sent.copies)]
        success = any(status in ACKNOWLEDGED for status in statuses)
        if success:
            self._window = min(self._window + 1, _WINDOW_MOST)
        else:
            self._window = max(self._window * 0.75, _WINDOW_LEAST)
            self._report(sent, statuses[0])
        self._subscription.finish(sent, success=success)

    async def _post(self, sent: Sent) -> int:
        """The status answered; 0 when there was none. A kept connection that had died is replaced once."""
        if sent.error:
            return sent.error
        config = self._subscription.config
        attempt = sent.delivery.attempts if config.HasField("dead_letter_policy") else 0
        body = envelope(self._subscription.name, sent.delivery.message, attempt)
        timeout = aiohttp.ClientTimeout(total=config.ack_deadline_seconds)
        for last_try in (False, True):
            try:
                endpoint = URL(self._subscription.endpoint)
                async with self._session.post(
                    endpoint, data=body, headers=self._headers(), timeout=timeout, allow_redirects=False
                ) as response:
                    await response.read()
                    return response.status
            except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError) as error:
                if last_try or isinstance(error, aiohttp.ClientConnectorError):
                    return 0
            except (aiohttp.ClientError, TimeoutError):
                return 0
        return 0

    def _headers(self) -> dict[str, str]:
        push = self._subscription.config.push_config
        if not push.HasField("oidc_token"):
            return {}
        audience = push.oidc_token.audience or push.push_endpoint
        email = push.oidc_token.service_account_email
        return {"Authorization": self._tokens.header(email, audience, int(time.time()))}

    def _report(self, sent: Sent, status: int) -> None:
        log.warning(
            "pubsub.push_failed",
            subscription=self._subscription.name,
            endpoint=self._subscription.endpoint,
            message=sent.delivery.message.id,
            attempt=sent.delivery.attempts,
            status=status,
        )


class Pushers:
    """One Pusher for each subscription that has an endpoint; follows their changes."""

    def __init__(self, key: SigningKey) -> None:
        self._session = new_session()
        self._tokens = Tokens(key)
        self._pushers: dict[Subscription, Pusher] = {}
        self._closing: set[asyncio.Task[None]] = set()

    def follow(self, subscription: Subscription) -> None:
        """A subscription appeared, changed or went: start or stop pushing."""
        wanted = bool(subscription.endpoint) and subscription.closed is None
        if wanted and subscription not in self._pushers:
            self._pushers[subscription] = Pusher(subscription, self._session, self._tokens)
        elif not wanted and subscription in self._pushers:
            task = asyncio.get_running_loop().create_task(self._pushers.pop(subscription).close())
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)

    async def close(self) -> None:
        await asyncio.gather(*(pusher.close() for pusher in self._pushers.values()), *self._closing)
        await self._session.close()
