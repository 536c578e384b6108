"""Several issuers side by side, each believed for what it is trusted with."""

import json
import time
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from pydantic import ValidationError

from shared.auth import Role, TrustedIssuer, Verifier
from shared.errors import Problem
from shared.key_sets import is_trustworthy
from shared.signing import SigningKeys, make_key_file

CLINIC, NETWORK = "https://clinic.test", "https://network.test"


@pytest.fixture
def keys(tmp_path: Path) -> dict[str, SigningKeys]:
    """A key of each issuer, their key sets in files beside it."""
    made = {}
    for name in ("clinic", "network"):
        make_key_file(tmp_path / f"{name}.pem")
        made[name] = SigningKeys([tmp_path / f"{name}.pem"])
        (tmp_path / f"{name}.json").write_text(json.dumps(made[name].key_set()))
    return made


@pytest.fixture
def verifier(keys: dict[str, SigningKeys], tmp_path: Path) -> Verifier:
    assert keys
    people = frozenset({Role.CLINICIAN, Role.OPERATOR})
    return Verifier([trusted(CLINIC, tmp_path / "clinic.json", people), trusted(NETWORK, tmp_path / "network.json")])


def trusted(
    issuer: str, key_set: Path, roles: frozenset[Role] = frozenset({Role.SYSTEM}), **more: Any
) -> TrustedIssuer:
    return TrustedIssuer(issuer=issuer, algorithms=("EdDSA",), key_set=str(key_set), roles=roles, **more)


def claims(issuer: str, **changes: object) -> dict[str, object]:
    now = int(time.time())
    made = {"iss": issuer, "aud": "samepage", "sub": "one", "iat": now, "exp": now + 60, "sites": ["riverbend"]}
    return made | {"role": "clinician"} | changes


async def is_believed(verifier: Verifier, token: str) -> bool:
    try:
        await verifier.caller(token)
    except Problem:
        return False
    return True


async def test_each_issuer_is_believed_for_its_own_roles_only(verifier: Verifier, keys: dict[str, SigningKeys]) -> None:
    assert await is_believed(verifier, keys["clinic"].sign(claims(CLINIC)))
    assert await is_believed(verifier, keys["network"].sign(claims(NETWORK, role="system")))
    assert not await is_believed(verifier, keys["clinic"].sign(claims(CLINIC, role="system")))
    assert not await is_believed(verifier, keys["network"].sign(claims(NETWORK)))


async def test_a_key_of_one_issuer_proves_no_token_of_another(verifier: Verifier, keys: dict[str, SigningKeys]) -> None:
    assert not await is_believed(verifier, keys["network"].sign(claims(CLINIC)))
    assert not await is_believed(verifier, keys["clinic"].sign(claims(NETWORK, role="system")))
    assert not await is_believed(verifier, keys["clinic"].sign(claims("https://unknown.test")))


async def test_each_issuer_has_its_own_audience_and_algorithms(keys: dict[str, SigningKeys], tmp_path: Path) -> None:
    curve = ec.generate_private_key(ec.SECP256R1())
    entry = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(curve.public_key())) | {"kid": "e"}
    mixed = tmp_path / "mixed.json"
    mixed.write_text(json.dumps({"keys": [entry, *keys["clinic"].key_set()["keys"]]}))
    both = Verifier([trusted(CLINIC, mixed, frozenset({Role.CLINICIAN}), audience="pages")])
    assert await is_believed(both, keys["clinic"].sign(claims(CLINIC, aud="pages")))
    assert not await is_believed(both, keys["clinic"].sign(claims(CLINIC)))
    by_curve = jwt.encode(claims(CLINIC, aud="pages"), curve, algorithm="ES256", headers={"kid": "e"})
    assert not await is_believed(both, by_curve), "its key is in the set, its algorithm is not on the list"


async def test_claims_are_found_where_the_settings_say(keys: dict[str, SigningKeys], tmp_path: Path) -> None:
    named = {"role_claim": "realm_access.roles", "sites_claim": "https://samepage.test/sites"}
    verifier = Verifier([trusted(CLINIC, tmp_path / "clinic.json", frozenset({Role.CLINICIAN}), **named)])
    roles = {"realm_access": {"roles": ["uma", "clinician"]}, "https://samepage.test/sites": "lakeside"}
    caller = await verifier.caller(keys["clinic"].sign(claims(CLINIC, role="operator") | roles))
    assert caller.role is Role.CLINICIAN
    assert caller.sites == {"lakeside"}
    assert not await is_believed(verifier, keys["clinic"].sign(claims(CLINIC)))


@pytest.mark.parametrize(
    "changes",
    [
        {"role": ["clinician", "operator"]},
        {"role": []},
        {"role": None},
        {"role": 7},
        {"sites": []},
        {"sites": None},
        {"sites": ["Riverbend"]},
        {"sites": {"riverbend": True}},
        {"patient": "0b7c6a54-6a39-4c1f-9d55-2f6a52c0a001"},
    ],
    ids=str,
)
async def test_who_does_not_say_one_role_and_real_sites_is_nobody(
    verifier: Verifier, keys: dict[str, SigningKeys], changes: dict[str, object]
) -> None:
    assert not await is_believed(verifier, keys["clinic"].sign(claims(CLINIC, **changes)))


async def test_only_an_operator_may_be_of_no_site(verifier: Verifier, keys: dict[str, SigningKeys]) -> None:
    token = keys["clinic"].sign({**claims(CLINIC, role="operator"), "sites": []})
    assert (await verifier.caller(token)).sites == frozenset()


async def test_a_token_for_some_paths_is_good_at_no_other_however_often_it_was_good_there(
    keys: dict[str, SigningKeys], tmp_path: Path
) -> None:
    clinician = frozenset({Role.CLINICIAN})
    verifier = Verifier([trusted(CLINIC, tmp_path / "clinic.json", clinician, only_at=r"/v1/plans(/[^/]+)?")])
    token = keys["clinic"].sign(claims(CLINIC))
    for path in ("/v1/plans", "/v1/plans/one"):
        assert (await verifier.caller(token, path)).role is Role.CLINICIAN
    for path in ("", "/v1/plan", "/v1/plans/one/two", "/v1/plans\n", "/v1/labs"):
        with pytest.raises(Problem):
            await verifier.caller(token, path)


@pytest.mark.parametrize("source", ["http://elsewhere.test/jwks", "ftp://elsewhere.test/jwks", "file:///etc/jwks"])
def test_keys_are_asked_for_over_https_only(source: str) -> None:
    with pytest.raises(ValidationError):
        TrustedIssuer(issuer=CLINIC, algorithms=("EdDSA",), key_set=source, roles=frozenset({Role.SYSTEM}))
    assert is_trustworthy("https://elsewhere.test/jwks")
    assert is_trustworthy("http://127.0.0.1:8080/jwks"), "but for this machine"
    assert not is_trustworthy("http://127.0.0.1.elsewhere.test/jwks")
    assert not is_trustworthy("https:///jwks")
