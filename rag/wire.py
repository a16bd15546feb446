"""What goes over HTTP to a model's server and back, as pure functions of it.

JSON out, lines of a stream in, what a refusal says of itself and how long it asks to wait.
"""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit


def encoded(body: Mapping[str, Any] | None) -> bytes | None:
    """Return a request's body as JSON in UTF-8; half a character, which has none, becomes "?"."""
    if body is None:
        return None
    return json.dumps(body, ensure_ascii=False).encode("utf-8", errors="replace")


def lines(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Cut bytes into lines, without their ends; the last one may have none."""
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        yield from whole
    if rest:
        yield rest


def asked_pause(headers: Mapping[str, str], attempt: int) -> float:
    """Return the seconds that a `Retry-After` asks for: a number, or a date (RFC 9110, 10.2.3).

    Without one, or with one that is neither: 1, 2, 4, ... with the attempts, counted from 1.
    """
    said = headers.get("retry-after", "").strip()
    try:
        return max(0.0, float(said))
    except ValueError:
        pass
    try:
        then = parsedate_to_datetime(said)
        return max(0.0, (then.astimezone(UTC) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return float(2 ** (attempt - 1))


def reason(data: bytes) -> str:
    """Return the message in an error's body: OpenAI's `error.message`, `error`, `detail`, or it."""
    text = data.decode("utf-8", errors="replace")
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return text
    for key in ("error", "detail", "message"):
        if isinstance(found, dict) and key in found:
            found = found[key]
    return found if isinstance(found, str) else text


def is_loopback(address: str) -> bool:
    """Tell an address on this machine."""
    host = urlsplit(address).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
