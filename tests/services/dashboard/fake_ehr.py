"""An EHR for tests, on a port: it signs calls, publishes its keys, lets people sign in as SMART App Launch says, and
has patients. `lies` change what it says in an ID token, `says` in its token answer, `describes` in its description.
"""

import base64
import hashlib
import html
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse

from deploy.local.ports import HOST, keep_or_choose
from services.dashboard.domain import Ehr
from shared.http.forms import form_of
from tests.conftest import URLS, served

HOME = URLS["dashboard"]
CLIENT, SECRET, ORIGIN = "samepage-app", "secret-of-the-app", "https://ehr.test"
CARDS = f"{HOME}/cds-services/samepage-patient-view"
LAUNCH, ACCESS = "launch-1", "access-1"
Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


def a_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP384R1())


def a_public_key(key: ec.EllipticCurvePrivateKey, key_id: str) -> dict[str, Any]:
    public: dict[str, Any] = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(key.public_key()))
    return public | {"kid": key_id, "alg": "ES384", "use": "sig"}


@dataclass
class FakeEhr:
    """`home` is where we are, `chart` the id of the patient whose chart is open, `patients` what it has of patients."""

    address: str
    home: str = HOME
    key: ec.EllipticCurvePrivateKey = field(default_factory=a_key)
    chart: str = "synthetic-1"
    patients: dict[str, Any] = field(default_factory=dict)
    lies: dict[str, Any] = field(default_factory=dict)
    says: dict[str, Any] = field(default_factory=dict)
    describes: dict[str, Any] = field(default_factory=dict)
    secret: str | None = None
    asked: list[str] = field(default_factory=list)
    _codes: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def fhir_server(self) -> str:
        return f"{self.address}/fhir"

    def registered(self, site_id: str, **changes: Any) -> Ehr:
        """As a site registers it."""
        known = {"issuer": self.fhir_server, "key_set": f"{self.address}/keys", "fhir_server": self.fhir_server}
        return Ehr(site_id, "ehr", **({"client_id": CLIENT, "origins": (ORIGIN,)} | known | changes))

    def token(self, audience: str = CARDS, *, key: Key | None = None, headers: Any = None, **changes: Any) -> str:
        """What it calls with; a claim that is changed to None is left out."""
        now = int(time.time())
        claims = {"iss": self.fhir_server, "aud": audience, "iat": now, "exp": now + 60, "jti": uuid4().hex} | changes
        said = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode(said, key or self.key, **({"algorithm": "ES384", "headers": {"kid": "1"}} | (headers or {})))

    def app(self) -> FastAPI:
        app = FastAPI(openapi_url=None)
        for path, answer in (
            ("/keys", self._keys),
            ("/fhir/.well-known/smart-configuration", self._description),
            ("/authorize", self._authorize),
            ("/fhir/Patient/{patient_id}", self._patient),
            ("/chart", self._frame),
        ):
            app.add_api_route(path, answer, methods=["GET"])
        app.add_api_route("/token", self._token, methods=["POST"])
        return app

    async def _keys(self) -> Response:
        return JSONResponse({"keys": [a_public_key(self.key, "1")]})

    async def _description(self) -> Response:
        self.asked.append("description")
        places = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "keys"}
        said = {name: f"{self.address}/{path}" for name, path in places.items()}
        more = {"issuer": self.address, "code_challenge_methods_supported": ["S256"], "capabilities": ["permission-v2"]}
        return JSONResponse(said | more | self.describes)

    async def _authorize(self, request: Request) -> Response:
        asked = dict(request.query_params)
        known = (asked["client_id"], asked["redirect_uri"], asked["aud"], asked["code_challenge_method"])
        assert known == (CLIENT, f"{self.home}/launch/callback", self.fhir_server, "S256")
        assert asked["response_type"] == "code"
        scopes = set(asked["scope"].split())
        assert scopes == {
            "openid",
            "fhirUser",
            "patient/Patient.r",
            "launch" if "launch" in asked else "launch/patient",
        }
        assert asked.get("launch", LAUNCH) == LAUNCH
        self._codes[code := uuid4().hex] = asked
        return RedirectResponse(f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}", 303)

    async def _token(self, request: Request) -> Response:
        form = await form_of(request)
        asked = self._codes.pop(form["code"], None)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest()).decode()
        if asked is None or asked["code_challenge"] != challenge.rstrip("=") or not self._is_client(request, form):
            return JSONResponse({"error": "invalid_grant"}, 400)
        now = int(time.time())
        claims = {"iss": self.address, "aud": CLIENT, "sub": "u-7", "iat": now, "exp": now + 60}
        claims |= {"nonce": asked["nonce"], "fhirUser": f"{self.fhir_server}/Practitioner/7", **self.lies}
        id_token = jwt.encode(claims, self.key, algorithm="ES384", headers={"kid": "1"})
        answer = {"access_token": ACCESS, "token_type": "bearer", "expires_in": 300, "id_token": id_token}
        return JSONResponse(answer | {"patient": self.chart} | self.says)

    def _is_client(self, request: Request, form: dict[str, str]) -> bool:
        if self.secret is None:
            return form["client_id"] == CLIENT
        said = base64.b64encode(f"{CLIENT}:{self.secret}".encode()).decode()
        return request.headers.get("authorization") == f"Basic {said}"

    async def _frame(self) -> Response:
        """The chart, with our page in a frame beside it."""
        place = f"{self.home}/launch?{urlencode({'iss': self.fhir_server, 'launch': LAUNCH})}"
        return HTMLResponse(f'<!doctype html><title>Chart</title><iframe src="{html.escape(place)}"></iframe>')

    async def _patient(self, request: Request, patient_id: str) -> Response:
        self.asked.append(patient_id)
        if request.headers.get("authorization") != f"Bearer {ACCESS}":
            return Response(status_code=401)
        found = self.patients.get(patient_id)
        return Response(status_code=404) if found is None else JSONResponse(found)


@asynccontextmanager
async def running_ehr() -> AsyncIterator[FakeEhr]:
    """One on a port of this machine."""
    (port,) = keep_or_choose((), 1)
    ehr = FakeEhr(f"http://{HOST}:{port}")
    async with served(ehr.app(), port):
        yield ehr
