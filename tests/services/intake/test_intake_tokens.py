"""Tokens for the sites' systems: an assertion proves one client, once, for this endpoint; nothing else gets a token."""

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from deploy.clients import add_client, clients_of, read_key_set, revoke_client
from deploy.local.errors import StackError
from services.intake.domain import ClientId, wrong_with
from services.intake.settings import IntakeSettings
from shared.auth import Caller, Role, TrustedIssuer, Verifier
from shared.errors import Problem
from shared.hand_over import Receiver, assertion
from shared.settings import Platform
from shared.signing import SigningKeys, make_key_file
from tests.conftest import URLS, Apps, Tokens, client_of, new_key
from tests.services.clinic import Clinic
from tests.services.intake.conftest import OTHER, SITE
from tests.services.trails import trail

EHR, OPERATOR = ClientId(SITE, "ehr"), "command-line:an-operator"
ENDPOINT = f"{URLS['intake']}/oauth/token"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
EC_KEY = ec.generate_private_key(ec.SECP384R1())
RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
STRANGERS_KEY = ec.generate_private_key(ec.SECP384R1())
Keys = dict[str, Any]


def public(key: Any, key_id: str, **members: str) -> Keys:
    kind = jwt.algorithms.RSAAlgorithm if isinstance(key, rsa.RSAPrivateKey) else jwt.algorithms.ECAlgorithm
    return {**json.loads(kind.to_jwk(key.public_key())), "kid": key_id, **members}


KEY_SET: Keys = {"keys": [public(EC_KEY, "ec-1"), public(RSA_KEY, "rsa-1", alg="RS384", use="sig")]}


def said(**changes: Any) -> dict[str, Any]:
    """The claims of a good assertion; a change to None leaves one out."""
    made = {"iss": str(EHR), "sub": str(EHR), "aud": ENDPOINT, "exp": int(time.time()) + 60, "jti": uuid4().hex}
    return {name: value for name, value in (made | changes).items() if value is not None}


def proof(key: Any = EC_KEY, key_id: str = "ec-1", algorithm: str = "ES384", **changes: Any) -> str:
    return jwt.encode(said(**changes), key, algorithm=algorithm, headers={"kid": key_id})


@pytest.fixture
async def system(clinic: Clinic) -> Callable[..., Any]:
    """`await system(assertion, **form)`: what the token endpoint answers to the registered client."""
    await add_client(dsn_of(clinic), EHR, KEY_SET, by=OPERATOR)

    async def ask(assertion: str, **form: str) -> httpx.Response:
        fields = {
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": assertion,
            "scope": "system/*.cruds",
        }
        async with client_of(clinic.intake) as client:
            return await client.post("/oauth/token", data=fields | form)

    return ask


def dsn_of(clinic: Clinic) -> str:
    settings: IntakeSettings = clinic.intake.state.settings
    return settings.database_url.get_secret_value()


@pytest.mark.parametrize(("key", "key_id", "algorithm"), [(EC_KEY, "ec-1", "ES384"), (RSA_KEY, "rsa-1", "RS384")])
async def test_a_client_gets_a_token_for_five_minutes_that_opens_its_own_site_in_every_service(
    system: Any, app: Apps, clinic: Clinic, key: Any, key_id: str, algorithm: str
) -> None:
    answer = await system(proof(key, key_id, algorithm))
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    document = answer.json()
    assert document.keys() == {"access_token", "token_type", "expires_in", "scope"}
    claims = jwt.decode(document["access_token"], options={"verify_signature": False})
    assert claims["exp"] - claims["iat"] == document["expires_in"] == 300
    patient_id = await clinic.enrol()
    async with client_of(clinic.intake, document["access_token"]) as ehr:
        visit = {"patient_id": patient_id, "clinician_id": "dr-1", "scheduled_at": "2026-12-01T10:00:00Z"}
        assert (await ehr.post("/v1/visits", json=visit, headers=new_key())).status_code == 201
        elsewhere = new_key() | {"samepage-site": OTHER}
        assert (await ehr.post("/v1/visits", json=visit, headers=elsewhere)).status_code == 404
    async with client_of(await app("clinical"), document["access_token"]) as ehr:
        assert (await ehr.get(f"/v1/receipts/{uuid4()}")).status_code == 404, "it came in, and found no such receipt"


def wrongly_signed(algorithm: str, secret: bytes) -> str:
    return jwt.encode(said(), secret, algorithm=algorithm, headers={"kid": "ec-1"})


NOW = int(time.time())
WRONG: dict[str, Callable[[], str]] = {
    "signed by a stranger": lambda: proof(STRANGERS_KEY),
    "signed by nobody": lambda: jwt.encode(said(), "", algorithm="none", headers={"kid": "ec-1"}),
    "signed with a shared secret": lambda: wrongly_signed("HS384", b"s" * 48),
    "of an algorithm that is not offered": lambda: proof(RSA_KEY, "rsa-1", "RS256"),
    "with the algorithm of another key": lambda: proof(RSA_KEY, "ec-1", "RS384"),
    "with an unknown key id": lambda: proof(key_id="ec-2"),
    "without a key id": lambda: jwt.encode(said(), EC_KEY, algorithm="ES384"),
    "with its own key in the header": lambda: jwt.encode(
        said(), STRANGERS_KEY, algorithm="ES384", headers={"kid": "x", "jwk": public(STRANGERS_KEY, "x")}
    ),
    "with an address of keys in the header": lambda: jwt.encode(
        said(), STRANGERS_KEY, algorithm="ES384", headers={"kid": "ec-1", "jku": "http://127.0.0.1:9/jwks"}
    ),
    "for another audience": lambda: proof(aud=URLS["intake"]),
    "for no audience": lambda: proof(aud=None),
    "of an unknown client": lambda: proof(iss=f"{SITE}.lab", sub=f"{SITE}.lab"),
    "of another site's client": lambda: proof(iss=f"{OTHER}.ehr", sub=f"{OTHER}.ehr"),
    "of a client that cannot be": lambda: proof(iss="x';--.ehr", sub="x';--.ehr"),
    "whose subject is another": lambda: proof(sub=f"{SITE}.lab"),
    "expired": lambda: proof(exp=NOW - 60),
    "good for too long": lambda: proof(exp=NOW + 3600),
    "without an end": lambda: proof(exp=None),
    "without an id": lambda: proof(jti=None),
    "with an empty id": lambda: proof(jti=""),
    "with an endless id": lambda: proof(jti="x" * 201),
    "with an id that is no text": lambda: proof(jti=["x"]),
    "not yet good": lambda: proof(nbf=NOW + 3600),
    "no token at all": lambda: "assertion",
    "empty": lambda: "",
}


@pytest.mark.parametrize("wrong", WRONG)
async def test_an_assertion_that_is_wrong_gets_no_token_and_no_reason(system: Any, wrong: str) -> None:
    answer = await system(WRONG[wrong]())
    assert answer.status_code == 401
    assert answer.json() == {"error": "invalid_client"}


async def test_an_assertion_is_taken_once(system: Any) -> None:
    once = proof()
    assert (await system(once)).status_code == 200
    again = await system(once)
    assert again.status_code == 401
    assert again.json() == {"error": "invalid_client"}
    assert (await system(proof())).status_code == 200, "the next one is"


async def test_an_assertion_that_failed_does_not_use_up_the_id_of_a_good_one(system: Any) -> None:
    await system(proof(STRANGERS_KEY, jti="the-same"))
    assert (await system(proof(jti="the-same"))).status_code == 200


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"grant_type": "authorization_code"}, "unsupported_grant_type"),
        ({"client_assertion_type": "other"}, "invalid_request"),
        ({"scope": "system/Patient.rs"}, "invalid_scope"),
        ({"scope": "system/*.crud"}, "invalid_scope"),
        ({"scope": "patient/*.cruds"}, "invalid_scope"),
    ],
)
async def test_what_is_not_offered_is_refused_and_not_widened(system: Any, form: dict[str, str], error: str) -> None:
    answer = await system(proof(), **form)
    assert answer.status_code == 400
    assert answer.json() == {"error": error}


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"grant_type=a&grant_type=b", "application/x-www-form-urlencoded", 400),
        (b"&".join(b"f%d=x" % number for number in range(50)), "application/x-www-form-urlencoded", 400),
        (b"grant_type=" + b"x" * 20_000, "application/x-www-form-urlencoded", 413),
        (b"grant_type=\xff", "application/x-www-form-urlencoded", 400),
        (b"{}", "application/json", 415),
    ],
)
async def test_a_body_that_is_no_form_is_refused(clinic: Clinic, content: bytes, kind: str, status: int) -> None:
    async with client_of(clinic.intake) as client:
        answer = await client.post("/oauth/token", content=content, headers={"content-type": kind})
    assert answer.status_code == status


async def test_the_token_endpoint_is_for_so_many_requests_a_minute(clinic: Clinic) -> None:
    form = {"grant_type": "client_credentials"}
    async with client_of(clinic.intake) as client:
        statuses = [(await client.post("/oauth/token", data=form)).status_code for _ in range(65)]
    assert statuses[:60] == [400] * 60
    assert statuses[-1] == 429


async def test_a_revoked_client_gets_no_more_tokens_until_it_is_added_again(system: Any, clinic: Clinic) -> None:
    await revoke_client(dsn_of(clinic), EHR, by=OPERATOR)
    assert (await system(proof())).status_code == 401
    (client,) = await clients_of(dsn_of(clinic), SITE)
    assert client.revoked_at is not None
    await add_client(dsn_of(clinic), EHR, {"keys": [public(STRANGERS_KEY, "ec-2")]}, by=OPERATOR)
    assert (await system(proof())).status_code == 401, "its keys were replaced"
    assert (await system(proof(STRANGERS_KEY, "ec-2"))).status_code == 200


async def test_who_let_a_system_in_and_what_it_tried_is_on_record_at_its_site(system: Any, clinic: Clinic) -> None:
    twice = proof()
    for tried in (twice, twice, proof(STRANGERS_KEY), proof(iss=f"{SITE}.unheard-of", sub=f"{SITE}.unheard-of")):
        await system(tried)
    await revoke_client(dsn_of(clinic), EHR, by=OPERATOR)
    await system(proof())
    rows = [row for row in await trail(clinic.intake) if row["subject"] in {str(EHR), OPERATOR, f"{SITE}.unheard-of"}]
    assert [(row["subject"], row["route"], row["kind"], row["status"]) for row in rows] == [
        (OPERATOR, "client-add", "write", 200),
        (str(EHR), "issue_token", "write", 200),
        (str(EHR), "issue_token", "denied", 401),
        (str(EHR), "issue_token", "denied", 401),
        (OPERATOR, "client-revoke", "write", 200),
        (str(EHR), "issue_token", "denied", 401),
    ], "and nothing of a client that nobody added"
    assert {row["site_id"] for row in rows} == {SITE}


async def test_only_sites_that_are_known_have_clients(clinic: Clinic) -> None:
    with pytest.raises(StackError, match="The site nowhere is not known"):
        await add_client(dsn_of(clinic), ClientId("nowhere", "ehr"), KEY_SET, by=OPERATOR)
    with pytest.raises(StackError, match="There is no client"):
        await revoke_client(dsn_of(clinic), ClientId(SITE, "lab"), by=OPERATOR)


async def test_intake_says_where_and_how_to_ask(clinic: Clinic, network_key: Path) -> None:
    async with client_of(clinic.intake) as client:
        document = (await client.get("/.well-known/smart-configuration")).json()
        keys = (await client.get("/.well-known/jwks.json")).json()
    assert document["token_endpoint"] == ENDPOINT
    assert document["token_endpoint_auth_methods_supported"] == ["private_key_jwt"]
    assert document["token_endpoint_auth_signing_alg_values_supported"] == ["RS384", "ES384"]
    assert keys == SigningKeys([network_key]).key_set()
    assert not any("d" in key for key in keys["keys"]), "the private part stays here"


async def test_old_and_new_network_key_count_during_a_rotation(network_key: Path, tmp_path: Path) -> None:
    make_key_file(tmp_path / "new.pem")
    both = SigningKeys([tmp_path / "new.pem", network_key])
    published = tmp_path / "jwks.json"
    published.write_text(json.dumps(both.key_set()))
    now = int(time.time())
    claims = {"iss": "n", "aud": "samepage", "sub": "s", "iat": now, "exp": now + 60, "role": "system", "sites": [SITE]}
    roles = frozenset({Role.SYSTEM})
    trusted = TrustedIssuer(issuer="n", algorithms=("EdDSA",), key_set=str(published), roles=roles)
    verifier = Verifier([trusted])
    for keys in (SigningKeys([network_key]), both):
        assert (await verifier.caller(keys.sign(claims))).role is Role.SYSTEM


async def test_no_token_of_ours_passes_for_another_kind(
    system: Any, platform: Platform, network_key: Path, token: Tokens
) -> None:
    access = (await system(proof())).json()["access_token"]
    patient = Caller(f"link:{uuid4()}", Role.PATIENT, frozenset({SITE}), uuid4())
    until = datetime.now(UTC) + timedelta(hours=1)
    handed = assertion(
        SigningKeys([network_key]), platform, patient, to="dashboard", state="s" * 43, session_ends_at=until
    )
    verifier, receiver = Verifier(platform.trusted_issuers), Receiver(platform, "dashboard")
    assert (await verifier.caller(access)).role is Role.SYSTEM
    assert await receiver.read(handed, "s" * 43) is not None
    with pytest.raises(Problem):
        await verifier.caller(handed)
    with pytest.raises(Problem):
        await verifier.caller(proof())
    assert await receiver.read(access, "s" * 43) is None
    assert await receiver.read(token("patient", [SITE], patient_id=UUID(int=1)), "s" * 43) is None
    for wrong in (access, handed, token("system", [SITE])):
        assert (await system(wrong)).status_code == 401


BAD_SETS: dict[str, Any] = {
    "no set": [],
    "no keys": {"keys": []},
    "too many keys": {"keys": [public(EC_KEY, str(number)) for number in range(11)]},
    "a key that is no object": {"keys": ["key"]},
    "a private key": {"keys": [{**public(EC_KEY, "1"), "d": "secret"}]},
    "a shared secret": {"keys": [{"kty": "oct", "kid": "1", "k": "c2VjcmV0"}]},
    "a key without an id": {"keys": [{name: value for name, value in public(EC_KEY, "1").items() if name != "kid"}]},
    "two keys of one id": {"keys": [public(EC_KEY, "1"), public(RSA_KEY, "1")]},
    "a weak curve": {"keys": [public(ec.generate_private_key(ec.SECP256R1()), "1")]},
    "a short key": {"keys": [{"kty": "RSA", "kid": "1", "e": "AQAB", "n": "x" * 171}]},
}


@pytest.mark.parametrize("bad", BAD_SETS)
def test_a_file_that_holds_no_fitting_public_keys_is_refused_with_its_reason(bad: str, tmp_path: Path) -> None:
    assert wrong_with(BAD_SETS[bad]) is not None
    file = tmp_path / "jwks.json"
    file.write_text(json.dumps(BAD_SETS[bad]))
    with pytest.raises(StackError, match="cannot be used"):
        read_key_set(file)


def test_a_file_with_public_keys_is_read_and_one_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    file = tmp_path / "jwks.json"
    with pytest.raises(StackError, match="cannot be read"):
        read_key_set(file)
    file.write_text(json.dumps(KEY_SET))
    assert read_key_set(file) == KEY_SET
