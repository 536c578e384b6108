"""The language that a reader chooses: `?lang=es` on any page of a service, kept for the next ones by a cookie."""

from typing import Annotated

from fastapi import Depends, Query, Request, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.events import Language
from shared.http import cookies
from shared.pages.speaking import Choice
from shared.speech import SPOKEN

COOKIE = "__Host-samepage-language"
_NAMED = {str(language): language for language in SPOKEN}


def choice_of(request: Request) -> Choice:
    """What the reader of this page chose, here or before."""
    named = request.query_params.get("lang", ""), request.cookies.get(COOKIE, "")
    chosen = next((_NAMED[name] for name in named if name in _NAMED), None)
    return Choice(chosen, request.query_params.multi_items() if request.method == "GET" else None)


async def _checked(request: Request, lang: Annotated[Language | None, Query()] = None) -> Choice:
    return choice_of(request)


Chosen = Annotated[Choice, Depends(_checked)]
"""The same; a language that nobody has heard of is 422."""


def keep_choice(scope: Scope, response: Response, language: str) -> None:
    """Put a choice into the browser."""
    cookies.put(response, COOKIE, language, in_frame=scope.get("state", {}).get("framed_by") is not None)


class KeptLanguage:
    """Puts a choice into the browser, whatever is answered."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        chosen = Request(scope).query_params.get("lang") if scope["type"] == "http" and scope["query_string"] else None
        if chosen is None or chosen not in _NAMED:
            await self._app(scope, receive, send)
            return
        kept = Response()
        keep_choice(scope, kept, chosen)

        async def send_on(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], kept.raw_headers[-1]]}
            await send(message)

        await self._app(scope, receive, send_on)
