"""One try of one call, through OpenAI's own client over aiohttp.

The request is ready bytes and the answer is read as bytes: building and checking the client's models
would cost half a millisecond a call and buy nothing here. Retries are ours (``calls``), so that each
is known, counted and within the budget.
"""

from __future__ import annotations

import asyncio
import time
from types import TracebackType

import aiohttp
import httpx2
import openai
from openai import AsyncOpenAI, DefaultAioHttpClient

from fitsense.config import EndpointTeacher
from jobs.teacher.completion import Completion, Trace, parse
from jobs.teacher.failures import CallFailed, from_status
from jobs.teacher.requests import TeacherRequest

KEEPALIVE_S = 4.0
"""Under uvicorn's 5 s: whoever closes an idle connection first must be us, not the server under a request."""

UNSENT = (
    "OpenAI-Organization",
    "OpenAI-Project",
    "X-Stainless-Arch",
    "X-Stainless-Async",
    "X-Stainless-Lang",
    "X-Stainless-OS",
    "X-Stainless-Package-Version",
    "X-Stainless-Runtime",
    "X-Stainless-Runtime-Version",
)
"""The first two the client would take from the environment; the others say nothing that an endpoint needs."""


class Endpoint:
    """An OpenAI-compatible endpoint: ``async with Endpoint(params, key) as endpoint``."""

    def __init__(self, params: EndpointTeacher, api_key: str) -> None:
        self._timeout_s = params.timeout_s
        self._key = api_key
        limits = httpx2.Limits(
            max_connections=params.max_in_flight,
            max_keepalive_connections=params.max_in_flight,
            keepalive_expiry=KEEPALIVE_S,
        )
        self._client = AsyncOpenAI(
            api_key=api_key,
            base_url=params.base_url,
            max_retries=0,
            timeout=None,
            # Without TLS the certificates need not be read: a tenth of a second.
            http_client=DefaultAioHttpClient(
                limits=limits, timeout=None, verify=params.base_url.startswith("https:")
            ),
            default_headers=dict.fromkeys(UNSENT, openai.omit),  # type: ignore[arg-type]
        )

    async def __aenter__(self) -> Endpoint:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.close()

    async def complete(self, request: TeacherRequest) -> tuple[Completion, Trace]:
        """Send once. Raises CallFailed."""
        begun = time.monotonic()
        response = await self._send(request)
        bounds = (len(request.body), request.max_tokens)
        request_id = response.headers.get("x-request-id", "")
        try:
            completion, model = parse(response.content, request.sha256, bounds)
        except ValueError as error:
            raise CallFailed(
                "bad_response", str(error)[:300], response.status_code, request_id, maybe_charged=True
            ) from error
        latency = round(time.monotonic() - begun, 4)
        return completion, Trace(latency_s=latency, request_id=request_id, model=model)

    async def _send(self, request: TeacherRequest) -> httpx2.Response:
        headers = {
            "Content-Type": "application/json",
            "Idempotency-Key": request.sha256,
            "X-Client-Request-Id": request.sha256,
        }
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._client.post(
                    "/chat/completions",
                    content=request.body,
                    cast_to=httpx2.Response,
                    # The key twice: without its own option the client draws a random one first.
                    options={"headers": headers, "idempotency_key": request.sha256},
                )
        except openai.APIStatusError as error:
            response = error.response
            raise from_status(error.status_code, response.content, response.headers, self._key) from error
        except TimeoutError as error:
            raise CallFailed("timeout", f"no answer in {self._timeout_s:g} s", maybe_charged=True) from error
        except (openai.APIConnectionError, aiohttp.ClientError) as error:
            raise _connection_failed(error) from error


def _connection_failed(error: BaseException) -> CallFailed:
    """Timeouts are ours alone: the aiohttp transport calls a dropped connection a ConnectTimeout too."""
    chain = [error]
    while (cause := chain[-1].__cause__) is not None:
        chain.append(cause)
    refused = any(isinstance(one, aiohttp.ClientConnectorError) for one in chain)
    return CallFailed("connection", type(chain[-1]).__name__, maybe_charged=not refused)
