"""What a browser gets travels compressed, where nobody can learn from how long it is.

A secret compressed together with words of an attacker's choice is told by the length (BREACH). It takes requests that
another site makes the browser send, so their answers are left as they are; a page's own files hold no secret.
"""

from starlette.datastructures import Headers
from starlette.middleware.gzip import DEFAULT_EXCLUDED_CONTENT_TYPES, GZipMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

STATIC_PATH = "/static/"
LEVEL = 5
_LEAST_BYTES = 1000
_OWN_REQUESTS = ("same-origin", "none")
_AS_THEY_ARE = (*DEFAULT_EXCLUDED_CONTENT_TYPES, "application/pdf")


class Compressed:
    """Compresses answers to the service's own pages, to addresses that a person opens, and the pages' files."""

    def __init__(self, app: ASGIApp) -> None:
        self._as_it_is = app
        self._compressed = GZipMiddleware(app, _LEAST_BYTES, LEVEL, exclude_content_types=_AS_THEY_ARE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = self._compressed if scope["type"] == "http" and _tells_nobody(scope) else self._as_it_is
        await app(scope, receive, send)


def _tells_nobody(scope: Scope) -> bool:
    path: str = scope["path"]
    return path.startswith(STATIC_PATH) or Headers(scope=scope).get("sec-fetch-site") in _OWN_REQUESTS
