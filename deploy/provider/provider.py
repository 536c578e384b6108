"""The provider's endpoints: discovery, keys, authorization, token, end of session."""

import base64
import hashlib
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import unquote, urlencode
from uuid import uuid4

from jinja2 import Template
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from deploy.provider.people import Person
from shared.http.forms import form_of
from shared.pages import STATIC, environment
from shared.signing import ALGORITHM, SigningKeys

_CODE_SECONDS = 60
_TOKEN_SECONDS = 300


@dataclass(frozen=True, slots=True)
class Client:
    """A service that people sign in to."""

    client_id: str
    secret: str = field(repr=False)
    redirect_uri: str
    signed_out_uri: str


@dataclass(frozen=True, slots=True)
class _Grant:
    """What a code stands for."""

    client: Client
    person: Person
    challenge: str
    nonce: str | None
    granted_at: float


class Provider:
    """Makes an ASGI application. `alter` changes the claims of ID tokens before they are signed, for tests of liars."""

    def __init__(
        self,
        issuer: str,
        keys: SigningKeys,
        clients: Sequence[Client],
        people: Callable[[], Sequence[Person]],
        *,
        alter: Callable[[dict[str, Any]], dict[str, Any]] = dict,
    ) -> None:
        self.issuer = issuer
        self.keys = keys
        self.alter = alter
        self._clients = {client.client_id: client for client in clients}
        self._people = people
        self._grants: dict[str, _Grant] = {}

    def app(self) -> Starlette:
        """The endpoints."""
        return Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self._describe),
                Route("/jwks", self._publish_keys),
                Route("/authorize", self._ask_who),
                Route("/authorize", self._grant, methods=["POST"]),
                Route("/token", self._issue, methods=["POST"]),
                Route("/end-session", self._end_session),
                Route("/health/ready", self._be_ready),
                Mount("/static/shared", StaticFiles(directory=STATIC)),
            ]
        )

    async def _describe(self, _request: Request) -> Response:
        places = {"authorization": "/authorize", "token": "/token", "end_session": "/end-session"}
        document = {
            "issuer": self.issuer,
            **{f"{name}_endpoint": self.issuer + path for name, path in places.items()},
            "jwks_uri": f"{self.issuer}/jwks",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": [ALGORITHM],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic"],
            "authorization_response_iss_parameter_supported": True,
        }
        return JSONResponse(document)

    async def _publish_keys(self, _request: Request) -> Response:
        return JSONResponse(self.keys.key_set())

    async def _be_ready(self, _request: Request) -> Response:
        return PlainTextResponse("ready\n")

    async def _ask_who(self, request: Request) -> Response:
        """The page with a button for each person; the one of `login_hint` stands out."""
        if self._client_of(request.query_params) is None:
            return PlainTextResponse("This client or its address is not registered.\n", 400)
        hint = request.query_params.get("login_hint")
        people = sorted(self._people(), key=lambda person: person.subject != hint)
        html = _template().render(people=people, hint=hint, asked=dict(request.query_params), is_synthetic=True)
        return HTMLResponse(html)

    async def _grant(self, request: Request) -> Response:
        """A code for the person who was pressed."""
        asked = await form_of(request)
        client = self._client_of(asked)
        if client is None:
            return PlainTextResponse("This client or its address is not registered.\n", 400)
        person = next((one for one in self._people() if one.subject == asked.get("subject")), None)
        answer = {"state": asked.get("state", ""), "iss": self.issuer}
        is_asked_well = (
            asked.get("response_type") == "code"
            and "openid" in asked.get("scope", "").split()
            and asked.get("code_challenge_method") == "S256"
            and bool(asked.get("code_challenge"))
        )
        if not is_asked_well:
            answer["error"] = "invalid_request"
        elif person is None:
            answer["error"] = "access_denied"
        else:
            answer["code"] = code = secrets.token_urlsafe(32)
            self._grants[code] = _Grant(client, person, asked["code_challenge"], asked.get("nonce"), time.time())
        return RedirectResponse(f"{client.redirect_uri}?{urlencode(answer)}", status_code=303)

    async def _issue(self, request: Request) -> Response:
        """The ID token for a code. A code is good once: also a try that fails uses it up."""
        form = await form_of(request)
        client = self._authenticated(request)
        if client is None:
            return JSONResponse({"error": "invalid_client"}, 401)
        grant = self._grants.pop(form.get("code", ""), None)
        is_good = (
            grant is not None
            and form.get("grant_type") == "authorization_code"
            and grant.client == client
            and form.get("redirect_uri") == client.redirect_uri
            and _challenge(form.get("code_verifier", "")) == grant.challenge
            and time.time() - grant.granted_at <= _CODE_SECONDS
        )
        if grant is None or not is_good:
            return JSONResponse({"error": "invalid_grant"}, 400)
        id_token = self.keys.sign(self.alter(self._claims(grant)))
        tokens = {"id_token": id_token, "access_token": secrets.token_urlsafe(32), "token_type": "Bearer"}
        return JSONResponse(tokens | {"expires_in": _TOKEN_SECONDS}, headers={"cache-control": "no-store"})

    async def _end_session(self, request: Request) -> Response:
        """Back to the client: there is no session here to end."""
        asked = request.query_params
        client = self._clients.get(asked.get("client_id", ""))
        if client is None or asked.get("post_logout_redirect_uri") != client.signed_out_uri:
            return PlainTextResponse("This client or its address is not registered.\n", 400)
        return RedirectResponse(client.signed_out_uri, status_code=303)

    def _claims(self, grant: _Grant) -> dict[str, Any]:
        now = int(time.time())
        return {
            "iss": self.issuer,
            "aud": grant.client.client_id,
            "sub": grant.person.subject,
            "iat": now,
            "exp": now + _TOKEN_SECONDS,
            "auth_time": int(grant.granted_at),
            "nonce": grant.nonce,
            "sid": str(uuid4()),
            "role": grant.person.role.value,
            "sites": list(grant.person.sites),
        }

    def _client_of(self, asked: Mapping[str, str]) -> Client | None:
        client = self._clients.get(asked.get("client_id", ""))
        return client if client is not None and asked.get("redirect_uri") == client.redirect_uri else None

    def _authenticated(self, request: Request) -> Client | None:
        """The client that proves itself (`client_secret_basic`)."""
        try:
            pair = base64.b64decode(request.headers.get("authorization", "").removeprefix("Basic ")).decode()
        except ValueError:
            return None
        client_id, _, secret = pair.partition(":")
        client = self._clients.get(unquote(client_id))
        return client if client is not None and secrets.compare_digest(client.secret, unquote(secret)) else None


def _challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


@cache
def _template() -> Template:
    return environment("deploy.provider").get_template("people.html")
