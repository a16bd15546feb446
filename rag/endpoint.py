"""A model that another program serves in the OpenAI way: sending, waiting and giving up.

Every failure is an `EndpointError`, or `ModelMissing` where the server has no such model. Messages
name the address and what it said, never the key. Nothing is contacted before a method is called;
redirections are not followed, so the key and the text go to the set address only. What is asked
and what the replies mean is known to the callers (`rag.completions`, `rag.embeddings`).
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Generator, Mapping
from contextlib import asynccontextmanager, closing
from typing import TYPE_CHECKING, Any, Literal

from rag.errors import (
    EndpointBusy,
    EndpointDenied,
    EndpointError,
    EndpointTimeout,
    EndpointUnreachable,
    ModelMissing,
)
from rag.exchange import Put, received
from rag.wire import asked_pause, encoded, is_loopback, lines, reason

if TYPE_CHECKING:
    import httpx

    from rag.settings import ModelSettings

CONNECT = 5.0  # seconds at most to reach a server
ATTEMPTS = 5  # requests at most, when the server asks to come back later
LEAST_PAUSE = 0.2  # seconds between two of them, whatever the server says
DETAIL_BYTES = 4_096  # of an error's body that are read
DETAIL_CHARS = 200  # of it that are shown
LISTING_BYTES = 1 << 22
BUSY = (429, 503)

Role = Literal["embedder", "generator"]


class Endpoint:
    """One address, the model wanted there, and how long to wait for it."""

    def __init__(self, role: Role, settings: ModelSettings) -> None:
        self.role = role
        self.address = str(getattr(settings, role)).rstrip("/")
        self.model = str(getattr(settings, f"{role}_model"))
        self._key = settings.api_key
        self._timeout = settings.timeout
        self._max_wait = settings.max_wait

    def events(
        self, path: str, body: Mapping[str, Any], most: int, stop: threading.Event
    ) -> Generator[Any]:
        """Send a request and yield the server-sent events of its reply, each read as JSON.

        Ends with the server's `[DONE]`, or soon after `stop` is set. At most `most` bytes are read.

        Raises:
            EndpointError, ModelMissing: see the module; also where the reply breaks off.
        """
        with closing(self._chunks("POST", path, body, most, stop, "text/event-stream")) as chunks:
            for line in lines(chunks):
                if not line.startswith(b"data:"):
                    continue  # a comment, a name, or the blank line between two events
                data = line.removeprefix(b"data:").strip()
                if data == b"[DONE]":
                    return
                event = self._parsed(data)
                if isinstance(event, dict) and event.get("error"):
                    raise self.nonsense("it breaks off", reason(data))
                yield event
        if not stop.is_set():
            raise self._unreachable("its reply broke off")

    def reply(self, path: str, body: Mapping[str, Any], most: int) -> Any:
        """Send a request and return its reply, read as JSON.

        Raises:
            EndpointError, ModelMissing: see the module.
        """
        return self._parsed(b"".join(self._chunks("POST", path, body, most, threading.Event())))

    def listed(self) -> tuple[str, ...]:
        """Return the names of the models that the server offers.

        Raises:
            EndpointError, ModelMissing: see the module.
        """
        chunks = self._chunks("GET", "/models", None, LISTING_BYTES, threading.Event())
        found = self._parsed(b"".join(chunks))
        try:
            return tuple(str(one["id"]) for one in found["data"])
        except (KeyError, TypeError) as error:
            raise self.nonsense("its list of models has no names") from error

    def nonsense(self, what: str, said: str = "") -> EndpointError:
        """Say that the reply is none: why, and what it says."""
        said = f": {self._excerpt(said)}" if said else ""
        return EndpointError(
            f"the {self.role} at {self.address}: {what}{said}",
            hint=f"check that RAG_MODELS__{self.role.upper()} is an OpenAI-compatible address; "
            "run: rag doctor",
        )

    def _parsed(self, data: bytes) -> Any:
        try:
            return json.loads(data)
        except (ValueError, RecursionError) as error:
            shown = data[:DETAIL_BYTES].decode("utf-8", errors="replace")
            raise self.nonsense("its reply is not JSON in UTF-8", shown) from error

    def _chunks(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None,
        most: int,
        stop: threading.Event,
        kind: str = "",
    ) -> Generator[bytes]:
        """Yield the bytes of a reply; `kind` is the content type it must have, if any."""

        async def work(put: Put) -> None:
            waited = 0.0
            for attempt in range(1, ATTEMPTS + 1):
                async with self._sent(method, path, body) as response:
                    if response.status_code == 200:
                        await self._read(response, put, most, kind)
                        return
                    said = await self._detail(response)
                    if response.status_code not in BUSY:
                        raise self._refused(response.status_code, path, said)
                    pause = max(LEAST_PAUSE, asked_pause(response.headers, attempt))
                if waited + pause > self._max_wait or attempt == ATTEMPTS:
                    raise self._busy(response.status_code, pause, said)
                await asyncio.sleep(pause)
                waited += pause

        return received(work, stop)

    @asynccontextmanager
    async def _sent(
        self, method: str, path: str, body: Mapping[str, Any] | None
    ) -> AsyncIterator[httpx.Response]:
        """Send one request and give its reply; what goes wrong until it is read becomes ours."""
        import httpx

        begun = False
        try:
            async with (
                asyncio.timeout(self._timeout),
                httpx.AsyncClient(
                    timeout=httpx.Timeout(None, connect=min(CONNECT, self._timeout)),
                    trust_env=not is_loopback(self.address),  # no proxy between us and ourselves
                ) as client,
                client.stream(
                    method, self.address + path, content=encoded(body), headers=self._headers()
                ) as response,
            ):
                begun = True
                yield response
        except (TimeoutError, httpx.TimeoutException) as error:
            if isinstance(error, httpx.ConnectTimeout):
                raise self._unreachable("no connection in time") from None
            raise EndpointTimeout(
                f"the {self.role} at {self.address} took longer than {self._timeout:g} s",
                hint="raise RAG_MODELS__TIMEOUT, or choose a faster model",
            ) from None
        except httpx.TransportError as error:
            reason = "the connection broke off" if begun else f"no connection ({error})"
            raise self._unreachable(reason) from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise self.nonsense(f"it cannot be asked ({type(error).__name__})") from None

    def _headers(self) -> dict[str, str]:
        key = self._key.get_secret_value()
        plain = {
            "Accept-Encoding": "identity",  # what is counted is what was sent
            "Content-Type": "application/json",
        }
        return plain | ({"Authorization": f"Bearer {key}"} if key else {})

    async def _read(self, response: httpx.Response, put: Put, most: int, kind: str) -> None:
        """Hand over a reply's bytes, up to `most`."""
        found = response.headers.get("content-type", "no type")
        if kind and not found.startswith(kind):
            raise self.nonsense(f"its reply is {found.split(';')[0]}, not {kind}")
        size = 0
        async for chunk in response.aiter_raw():
            size += len(chunk)
            if size > most:
                raise self.nonsense(f"its reply has more than {most:,} bytes")
            put(chunk)

    async def _detail(self, response: httpx.Response) -> str:
        """Return what a refusal says of itself, on one line and without the key."""
        data = b""
        async for chunk in response.aiter_raw():
            data += chunk
            if len(data) >= DETAIL_BYTES:
                break
        return self._excerpt(reason(data[:DETAIL_BYTES]))

    def _excerpt(self, text: str) -> str:
        if key := self._key.get_secret_value():
            text = text.replace(key, "…")
        text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
        return text if len(text) <= DETAIL_CHARS else f"{text[:DETAIL_CHARS]} …"

    def _refused(self, status: int, path: str, said: str) -> EndpointError | ModelMissing:
        role = f"RAG_MODELS__{self.role.upper()}"
        if status in (401, 403):
            return EndpointDenied(
                f"the {self.role} at {self.address} does not accept the key ({status}): {said}",
                hint="set RAG_MODELS__API_KEY to a key of that server",
            )
        if status == 404:
            return ModelMissing(
                f"{self.address} has no model {self.model!r}, or no {path} (404): {said}",
                hint=f"check {role} (it mostly ends in /v1) and {role}_MODEL; run: rag doctor",
            )
        return self.nonsense(f"it answers {status}", said)

    def _busy(self, status: int, pause: float, said: str) -> EndpointBusy:
        return EndpointBusy(
            f"the {self.role} at {self.address} is busy ({status}), and asks to wait "
            f"{pause:g} s more: {said}",
            hint="ask again later, or raise RAG_MODELS__MAX_WAIT",
        )

    def _unreachable(self, why: str) -> EndpointUnreachable:
        return EndpointUnreachable(
            f"the {self.role} at {self.address}: {why}",
            hint=f"start the server, or check RAG_MODELS__{self.role.upper()}; run: rag doctor",
        )
