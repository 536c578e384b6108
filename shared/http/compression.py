"""What a browser gets travels compressed, where nobody can learn from how long it is.

A secret compressed together with words of an attacker's choice is told by the length (BREACH). So what another site
makes the browser ask for is left as it is, unless it is a page whose address has no query of theirs: no word in it is
their choice. That is how people come from signing in, and come back each time they load it again. A page's own files
hold no secret.
"""

from starlette.datastructures import Headers
from starlette.middleware.gzip import DEFAULT_EXCLUDED_CONTENT_TYPES, GZipMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

STATIC_PATH = "/static/"
LEVEL = 5
_LEAST_BYTES = 1000
_OWN_REQUESTS = ("same-origin", "none")
# A page for two says nothing else: nobody has words to try.
_SAYS_NOTHING = (b"", b"shared=true")
_AS_THEY_ARE = (*DEFAULT_EXCLUDED_CONTENT_TYPES, "application/pdf")


class Compressed:
    """Compresses what the service's own pages ask for, pages that are opened, and the pages' files."""

    def __init__(self, app: ASGIApp) -> None:
        self._as_it_is = app
        self._compressed = GZipMiddleware(app, _LEAST_BYTES, LEVEL, exclude_content_types=_AS_THEY_ARE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = self._compressed if scope["type"] == "http" and _tells_nobody(scope) else self._as_it_is
        await app(scope, receive, send)


def _tells_nobody(scope: Scope) -> bool:
    path: str = scope["path"]
    headers = Headers(scope=scope)
    is_page_by_itself = headers.get("sec-fetch-dest") == "document" and scope["query_string"] in _SAYS_NOTHING
    return path.startswith(STATIC_PATH) or is_page_by_itself or headers.get("sec-fetch-site") in _OWN_REQUESTS
