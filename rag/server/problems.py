"""Errors as problem details (RFC 9457): every `RagError`, what FastAPI refuses, and the rest.

Under `/v1` the same errors have the shape that OpenAI's clients read.
"""

from __future__ import annotations

import http
import json
import re
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from rag import errors
from rag.errors import RagError

MEDIA_TYPE = "application/problem+json"
BROKEN = "Something went wrong while answering."
RETRY_AFTER = 2
"""Seconds after which it makes sense to try again what was refused for now."""

STATUS: dict[type[RagError], int] = {
    errors.SettingsError: 500,
    errors.SourceError: 422,
    errors.SourceMissing: 404,
    errors.FormatUnknown: 415,
    errors.QuestionError: 422,
    errors.ModelError: 503,
    errors.StoreError: 500,
    errors.IndexMissing: 503,
    errors.IndexBusy: 503,
    errors.CollectionNameError: 422,
    errors.CollectionMissing: 404,
    errors.KeyMissing: 401,
    errors.ChangesForbidden: 403,
    errors.DocumentMissing: 404,
    errors.QueueFull: 503,
    errors.NotReady: 503,
}
"""The status of an error; one that is not named has that of its parent, at last 500."""
DESCRIBED: dict[int | str, dict[str, Any]] = {
    key: {
        "description": said,
        "content": {
            MEDIA_TYPE: {
                "schema": {
                    "type": "object",
                    "required": ["type", "title", "status"],
                    "properties": {
                        "type": {"type": "string", "examples": ["urn:rag:queue-full"]},
                        "title": {"type": "string"},
                        "status": {"type": "integer"},
                        "detail": {"type": "string"},
                        "hint": {"type": "string", "description": "What to do about it."},
                    },
                }
            }
        },
    }
    for key, said in (("422", "The request is not valid."), ("default", "A problem."))
}
"""How OpenAPI describes an answer that is an error."""
PASSING = (errors.QueueFull, errors.NotReady, errors.IndexBusy)
"""Errors that pass by themselves: the answer says when to try again."""


def status_of(error: RagError) -> int:
    """Return the HTTP status of an error."""
    return next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), 500)


def kind_of(error: RagError) -> str:
    """Return an error's name as programs see it: `index-busy` for IndexBusy."""
    return re.sub(r"(?<=.)(?=[A-Z])", "-", type(error).__name__).lower()


def problem(status: int, detail: str = "", *, kind: str = "", **more: Any) -> dict[str, Any]:
    """Return a problem's members; without a `kind` its type is the status itself."""
    title = kind.replace("-", " ").capitalize() or http.HTTPStatus(status).phrase
    body = {"type": f"urn:rag:{kind}" if kind else "about:blank", "title": title, "status": status}
    return {
        **body,
        **({"detail": detail} if detail else {}),
        **{k: v for k, v in more.items() if v},
    }


def problem_of(error: RagError) -> dict[str, Any]:
    """Return an error's members."""
    return problem(status_of(error), error.message, kind=kind_of(error), hint=error.hint)


def openai_error(body: dict[str, Any]) -> dict[str, Any]:
    """Return a problem in the shape of OpenAI's errors."""
    status = body["status"]
    named = {401: "authentication_error", 403: "permission_error", 404: "not_found_error"}
    kind = named.get(status, "server_error" if status >= 500 else "invalid_request_error")
    said = " ".join(str(body[k]) for k in ("detail", "hint") if k in body) or body["title"]
    wrong = body.get("errors") or [{}]
    code = body["type"].removeprefix("urn:rag:").replace("-", "_")
    return {
        "error": {
            "message": said,
            "type": kind,
            "param": body.get("param") or wrong[0].get("at"),
            "code": None if code == "about:blank" else code,
        }
    }


def response(path: str, body: dict[str, Any], headers: dict[str, str] | None = None) -> Response:
    """Return a problem as the answer to a request for `path`."""
    status, media_type = body["status"], MEDIA_TYPE
    if path.startswith("/v1"):
        status, media_type = 400 if status == 422 else status, "application/json"
        body = openai_error(body)
    # ASCII: what a caller sent and is told about need not be Unicode
    return Response(json.dumps(body), status, headers, media_type)


def response_of(path: str, error: RagError) -> Response:
    """Return an error as the answer to a request for `path`."""
    headers = {}
    if isinstance(error, PASSING):
        headers["retry-after"] = str(RETRY_AFTER)
    if isinstance(error, errors.KeyMissing):
        headers["www-authenticate"] = "Bearer"
    return response(path, problem_of(error), headers)


def install(app: FastAPI) -> None:
    """Let an application answer every error so."""

    @app.exception_handler(RagError)
    async def refused(request: Request, error: RagError) -> Response:
        return response_of(request.url.path, error)

    @app.exception_handler(HTTPException)
    async def failed(request: Request, error: HTTPException) -> Response:
        phrase = http.HTTPStatus(error.status_code).phrase
        said = "" if error.detail == phrase else str(error.detail)
        body = problem(error.status_code, said)
        return response(request.url.path, body, dict(error.headers or {}))

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        wrong = [{"at": where(one["loc"]), "message": one["msg"]} for one in error.errors()]
        said = "; ".join(f"{one['at']}: {one['message']}" for one in wrong[:3])
        return response(request.url.path, problem(422, said, kind="invalid-request", errors=wrong))

    @app.exception_handler(Exception)
    async def broken(request: Request, _: Exception) -> Response:
        return response(request.url.path, problem(500, BROKEN))


def where(parts: tuple[int | str, ...]) -> str:
    """Return the place of a wrong value: `history.0` for ("body", "history", 0)."""
    return ".".join(str(part) for part in parts[1:] or parts)
