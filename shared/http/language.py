"""The language that a reader chooses: `?lang=es` on any page of a service, kept for the next ones by a cookie. A
program asks for one with HTTP's own `Accept-Language`.
"""

import re
from collections.abc import Iterator
from typing import Annotated

from fastapi import Depends, Header, Query, Request, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.events import Language
from shared.http import cookies
from shared.pages.speaking import Choice
from shared.speech import SPOKEN

COOKIE = "__Host-samepage-language"
_NAMED = {str(language): language for language in SPOKEN}
_WEIGHT = re.compile(r"\s*q=([01](?:\.\d{0,3})?)\s*", re.IGNORECASE)


def choice_of(request: Request) -> Choice:
    """What the reader of this page chose, here or before."""
    named = request.query_params.get("lang", ""), request.cookies.get(COOKIE, "")
    chosen = next((_NAMED[name] for name in named if name in _NAMED), None)
    return Choice(chosen, request.query_params.multi_items() if request.method == "GET" else None)


async def _checked(request: Request, lang: Annotated[Language | None, Query()] = None) -> Choice:
    return choice_of(request)


Chosen = Annotated[Choice, Depends(_checked)]
"""The same; a language that nobody has heard of is 422."""


def most_wanted(accept_language: str) -> Language:
    """Of the languages that we speak the one that weighs most in the header (RFC 9110, 12.5.4), the first of equals;
    English where none is wanted.
    """
    weights = list(_weights(accept_language))
    weight, language = max(weights, key=lambda one: one[0], default=(0.0, Language.ENGLISH))
    return language if weight > 0 else Language.ENGLISH


def _weights(accept_language: str) -> Iterator[tuple[float, Language]]:
    for part in accept_language.split(","):
        tag, _, weight = part.partition(";")
        named, weighs = tag.strip().split("-")[0].lower(), _WEIGHT.fullmatch(weight or "q=1")
        if named in _NAMED and weighs:
            yield float(weighs[1]), _NAMED[named]


async def _wanted(accept_language: Annotated[str, Header(description="`en` or `es`; else English")] = "") -> Language:
    return most_wanted(accept_language)


Wanted = Annotated[Language, Depends(_wanted)]
"""The language that a program asks for."""


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
