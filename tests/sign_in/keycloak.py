"""A real Keycloak with our realm, without a database of its own, on a port of this machine.

The distribution comes from Maven once; it is unpacked under `var/`. The realm is the one of `deploy/keycloak/`, with
made-up people and the keys of a made-up system of a site.
"""

import json
import os
import signal
import subprocess
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from pydantic import SecretStr

from deploy.local.java import JavaTools
from deploy.local.ports import HOST
from deploy.local.process import run, wait_until
from shared.auth import Role, TrustedIssuer
from shared.settings import SignIn
from tests.sign_in.browser import Browser
from tests.sign_in.providers import PEOPLE, SITE

VERSION = "26.4.0"
REALM_FILE = Path(__file__).resolve().parents[2] / "deploy" / "keycloak" / "samepage-realm.json"
SECRET, PASSWORD = "secret-of-the-dashboard", "right-horse-battery"
EHR = "riverbend.ehr"
_READY_S = 150
_JVM = "-Xms64m -Xmx512m -XX:+UseSerialGC -XX:TieredStopAtLevel=1"
_ALWAYS = {"id.token.claim": "true", "access.token.claim": "true"}


@dataclass
class Keycloak:
    """A running server."""

    port: int
    process: subprocess.Popen[bytes]

    @property
    def issuer(self) -> str:
        return f"http://{HOST}:{self.port}/realms/samepage"

    @property
    def key_set(self) -> str:
        return f"{self.issuer}/protocol/openid-connect/certs"

    @property
    def token_endpoint(self) -> str:
        return f"{self.issuer}/protocol/openid-connect/token"

    @property
    def trusted(self) -> TrustedIssuer:
        """As a service is told that takes Keycloak's access tokens."""
        roles = frozenset({Role.SYSTEM})
        return TrustedIssuer(issuer=self.issuer, algorithms=("RS256",), key_set=self.key_set, roles=roles)

    def sign_in(self, service: str) -> SignIn:
        return SignIn(issuer=self.issuer, client_id=f"samepage-{service}", client_secret=SecretStr(SECRET))

    async def choose(self, browser: Browser, page: httpx.Response, person: str, *, until: str = "") -> httpx.Response:
        name = {"username": person} if 'name="username"' in page.text else {}
        return await browser.submit(page, until=until, password=PASSWORD, **name)

    def asks(self, page: httpx.Response) -> bool:
        return "kc-form-login" in page.text

    def add_signing_key(self) -> None:
        """A new key that signs from now on; the one before stays in the set."""
        component = {
            "name": "newer",
            "providerId": "rsa-generated",
            "providerType": "org.keycloak.keys.KeyProvider",
            "config": {"priority": ["200"], "enabled": ["true"], "active": ["true"], "algorithm": ["RS256"]},
        }
        self._administer("POST", "components", component)

    def end_sessions_of(self, person: str) -> None:
        """What an administrator does when somebody leaves."""
        (user,) = self._administer("GET", f"users?username={person}&exact=true").json()
        self._administer("POST", f"users/{user['id']}/logout")

    def stop(self) -> None:
        os.killpg(self.process.pid, signal.SIGTERM)
        self.process.wait(20)

    def _administer(self, method: str, path: str, body: object = None) -> httpx.Response:
        form = {"grant_type": "password", "client_id": "admin-cli", "username": "admin", "password": PASSWORD}
        token = f"http://{HOST}:{self.port}/realms/master/protocol/openid-connect/token"
        bearer = httpx.post(token, data=form, timeout=20).raise_for_status().json()["access_token"]
        answer = httpx.request(
            method,
            f"http://{HOST}:{self.port}/admin/realms/samepage/{path}",
            json=body,
            headers={"authorization": f"Bearer {bearer}"},
            timeout=20,
        )
        return answer.raise_for_status()


def start(home: Path, port: int, *, dashboard: str, back: str, ehr_keys: Mapping[str, object]) -> Keycloak:
    """Unpack, import the realm and wait until it answers. Keycloak reaches the dashboard's back channel at `back`."""
    place = _unpacked(home)
    imports = place / "data" / "import"
    imports.mkdir(parents=True, exist_ok=True)
    (imports / "samepage-realm.json").write_text(json.dumps(_realm(back, ehr_keys)))
    options = ["--db=dev-mem", f"--http-host={HOST}", f"--http-port={port}", "--import-realm"]
    told = {
        "JAVA_OPTS": _JVM,
        "KC_BOOTSTRAP_ADMIN_USERNAME": "admin",
        "KC_BOOTSTRAP_ADMIN_PASSWORD": PASSWORD,
        "SAMEPAGE_DASHBOARD_URL": dashboard,
        "SAMEPAGE_DASHBOARD_CLIENT_SECRET": SECRET,
        "SAMEPAGE_INTAKE_URL": "https://intake.samepage.test",
        "SAMEPAGE_INTAKE_CLIENT_SECRET": "secret-of-intake",
        "SAMEPAGE_ANALYTICS_URL": "https://analytics.samepage.test",
        "SAMEPAGE_ANALYTICS_CLIENT_SECRET": "secret-of-analytics",
    }
    with (home / "keycloak.log").open("wb") as log:
        process = subprocess.Popen(
            ["bash", "bin/kc.sh", "start-dev", *options],
            cwd=place,
            env=os.environ | told,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    server = Keycloak(port, process)
    if not wait_until(lambda: process.poll() is not None or _answers(server), seconds=_READY_S) or process.poll():
        server.stop()
        raise AssertionError(f"Keycloak did not start: see {home / 'keycloak.log'}")
    return server


def missing() -> str | None:
    """What must be installed before Keycloak can run, or None."""
    tools = JavaTools.found(os.environ)
    names = ["Java 17 or newer"] * (tools.java is None) + ["Maven"] * (tools.maven is None and not _zip().exists())
    return " and ".join(names) or None


def _realm(back: str, ehr_keys: Mapping[str, object]) -> dict[str, Any]:
    """Our realm, with people, a role that is not Keycloak's to give, and a system of the site."""
    realm: dict[str, Any] = json.loads(REALM_FILE.read_text())
    realm["roles"]["realm"].append({"name": Role.PATIENT.value})
    realm["groups"] = [{"name": SITE}]
    realm["users"] = [_user(name, role) for name, role in PEOPLE.items()]
    dashboard = next(client for client in realm["clients"] if client["clientId"] == "samepage-dashboard")
    dashboard["attributes"]["backchannel.logout.url"] = f"{back}/sign-in/back-channel"
    realm["clients"].append(_system(ehr_keys))
    return realm


def _user(name: str, role: Role) -> dict[str, Any]:
    return {
        "username": name,
        "enabled": True,
        "emailVerified": True,
        "email": f"{name}@samepage.test",
        "firstName": "Made",
        "lastName": "Up",
        "credentials": [{"type": "password", "value": PASSWORD}],
        "realmRoles": [role.value],
        "groups": [] if role is Role.OPERATOR else [f"/{SITE}"],
    }


def _system(keys: Mapping[str, object]) -> dict[str, Any]:
    """A client of SMART Backend Services: no secret, its own keys, one role and one site."""
    told = {"role": ("system", "String"), "sites": (json.dumps([SITE]), "JSON")}
    mappers: Sequence[dict[str, Any]] = [
        _mapper(name, "oidc-hardcoded-claim-mapper", {"claim.name": name, "claim.value": value, "jsonType.label": kind})
        for name, (value, kind) in told.items()
    ]
    audience = _mapper("audience", "oidc-audience-mapper", {"included.custom.audience": "samepage"})
    return {
        "clientId": EHR,
        "publicClient": False,
        "standardFlowEnabled": False,
        "serviceAccountsEnabled": True,
        "clientAuthenticatorType": "client-jwt",
        "attributes": {
            "use.jwks.string": "true",
            "jwks.string": json.dumps(keys),
            "token.endpoint.auth.signing.alg": "ES384",
        },
        "defaultClientScopes": ["basic"],
        "optionalClientScopes": [],
        "protocolMappers": [*mappers, audience],
    }


def _mapper(name: str, kind: str, config: dict[str, str]) -> dict[str, Any]:
    return {"name": name, "protocol": "openid-connect", "protocolMapper": kind, "config": _ALWAYS | config}


def _unpacked(home: Path) -> Path:
    place = home / f"keycloak-{VERSION}"
    if not place.exists():
        _fetch()
        with zipfile.ZipFile(_zip()) as archive:
            archive.extractall(home)
    return place


def _zip() -> Path:
    return JavaTools.found(os.environ).jars.parent / f"keycloak-quarkus-dist-{VERSION}.zip"


def _fetch() -> None:
    tools = JavaTools.found(os.environ)
    if _zip().exists() or tools.maven is None:
        return
    copy = [
        "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy",
        f"-Dartifact=org.keycloak:keycloak-quarkus-dist:{VERSION}:zip",
        f"-DoutputDirectory={_zip().parent}",
        "-Dmdep.useBaseVersion=true",
    ]
    what = "Fetching Keycloak with Maven"
    run([tools.maven, "--batch-mode", "--quiet", "--strict-checksums", *copy], what=what, seconds=900)


def _answers(server: Keycloak) -> bool:
    try:
        return httpx.get(f"{server.issuer}/.well-known/openid-configuration", timeout=2).is_success
    except httpx.HTTPError:
        return False
