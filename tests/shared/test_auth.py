"""Every way in which a token can be wrong, each with the same answer; and how long tokens are remembered."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.auth import Caller, Role, TrustedIssuer, Verifier
from shared.errors import Problem
from tests.waiting import until

Claims = dict[str, Any]
ISSUER, AUDIENCE, KEY_ID = "https://issuer.test.invalid", "samepage-test", "key-1"
KEY = ed25519.Ed25519PrivateKey.generate()
OTHER_KEY = ed25519.Ed25519PrivateKey.generate()
RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC_KEY = ec.generate_private_key(ec.SECP256R1())
PATIENT = uuid4()


def jwk(key: Any, key_id: str, **members: str) -> Claims:
    """The public half as an entry of a key set."""
    kinds: dict[type, Any] = {
        ed25519.Ed25519PrivateKey: jwt.algorithms.OKPAlgorithm,
        rsa.RSAPrivateKey: jwt.algorithms.RSAAlgorithm,
        ec.EllipticCurvePrivateKey: jwt.algorithms.ECAlgorithm,
    }
    kind = next(algorithm for of, algorithm in kinds.items() if isinstance(key, of))
    return {**json.loads(kind.to_jwk(key.public_key())), "kid": key_id, **members}


def claims(**changes: object) -> Claims:
    """A clinician's; a change to None leaves the claim out."""
    now = int(time.time())
    made = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "dr-rowe",
        "iat": now,
        "exp": now + 600,
        "role": "clinician",
        "sites": ["riverbend"],
        **changes,
    }
    return {name: value for name, value in made.items() if value is not None}


def signed(said: Claims, key: Any = KEY, algorithm: str = "EdDSA", **header: Any) -> str:
    return jwt.encode(said, key, algorithm=algorithm, headers={"kid": KEY_ID, **header})


def by_hand(header: Claims, said: Claims, sign: Callable[[bytes], bytes] = lambda _: b"") -> str:
    """A token that no library would make."""
    content = b".".join(encoded(json.dumps(part).encode()) for part in (header, said))
    return b".".join((content, encoded(sign(content)))).decode()


def encoded(content: bytes) -> bytes:
    return base64.urlsafe_b64encode(content).rstrip(b"=")


def hmac_signed(algorithm: str, secret: bytes) -> str:
    header = {"alg": algorithm, "kid": KEY_ID, "typ": "JWT"}
    return by_hand(header, claims(), lambda content: hmac.digest(secret, content, hashlib.sha256))


def tampered() -> str:
    header, _, signature = signed(claims()).split(".")
    return ".".join((header, encoded(json.dumps(claims(role="operator")).encode()).decode(), signature))


@pytest.fixture(scope="module")
def key_set_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The issuer's keys, with what real issuers have among them: keys that are not for signing tokens."""
    keys = [
        jwk(RSA_KEY, "encrypts", use="enc", alg="RSA-OAEP"),
        {"kty": "unheard-of", "kid": "odd"},
        jwk(KEY, KEY_ID, alg="EdDSA", use="sig"),
        jwk(EC_KEY, "key-ec"),
        jwk(RSA_KEY, "key-rsa", alg="RS384"),
        jwk(RSA_KEY, "key-rsa-weak", alg="RS256"),
        jwk(OTHER_KEY, "not-for-tokens", alg="EdDSA", use="enc"),
    ]
    file = tmp_path_factory.mktemp("keys") / "jwks.json"
    file.write_text(json.dumps({"keys": keys}))
    return file


@pytest.fixture(scope="module")
def issuer(key_set_file: Path) -> TrustedIssuer:
    return TrustedIssuer(
        issuer=ISSUER,
        audience=AUDIENCE,
        algorithms=("ES256", "ES384", "RS384", "EdDSA"),
        key_set=str(key_set_file),
        roles=frozenset(Role),
    )


@pytest.fixture
def verifier(issuer: TrustedIssuer) -> Verifier:
    return Verifier([issuer])


async def is_refused(verifier: Verifier, token: str) -> bool:
    try:
        await verifier.caller(token)
    except Problem as problem:
        refusal = (problem.status, problem.detail, problem.headers["www-authenticate"])
        return refusal == (401, "The token is not valid here.", 'Bearer realm="samepage"')
    return False


WRONG: dict[str, Callable[[], str]] = {
    "expired": lambda: signed(claims(exp=time.time() - 11)),
    "never expires": lambda: signed(claims(exp=float("inf"))),
    "issued in the future": lambda: signed(claims(iat=time.time() + 60)),
    "not valid yet": lambda: signed(claims(nbf=time.time() + 60)),
    "other issuer": lambda: signed(claims(iss="https://issuer.elsewhere.invalid")),
    "issuer with a slash more": lambda: signed(claims(iss=ISSUER + "/")),
    "other audience": lambda: signed(claims(aud="another-system")),
    "other audiences": lambda: signed(claims(aud=["another-system", "samepage"])),
    "changed after it was signed": tampered,
    "signed by another key": lambda: signed(claims(), OTHER_KEY),
    "unsigned": lambda: by_hand({"alg": "none", "kid": KEY_ID}, claims()),
    "unsigned, oddly written": lambda: by_hand({"alg": "NoNe", "kid": KEY_ID}, claims()),
    "without an algorithm": lambda: by_hand({"kid": KEY_ID}, claims()),
    "HMAC with the public key's bytes": lambda: hmac_signed(
        "HS256", KEY.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    ),
    "HMAC with the public key's PEM": lambda: hmac_signed(
        "HS256", KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    ),
    "HMAC with the public key's JWK": lambda: hmac_signed("HS256", jwk(KEY, KEY_ID)["x"].encode()),
    "HMAC under a permitted name": lambda: hmac_signed("EdDSA", jwk(KEY, KEY_ID)["x"].encode()),
    "a weaker algorithm than permitted": lambda: signed(claims(), RSA_KEY, "RS256", kid="key-rsa-weak"),
    "another algorithm than the key's": lambda: signed(claims(), RSA_KEY, "RS384", kid="key-rsa-weak"),
    "a key that is not for signatures": lambda: signed(claims(), OTHER_KEY, kid="not-for-tokens"),
    "unknown key": lambda: signed(claims(), OTHER_KEY, kid="key-2"),
    "no key id": lambda: jwt.encode(claims(), KEY, algorithm="EdDSA"),
    "a key id that is no word": lambda: by_hand({"alg": "EdDSA", "kid": 1}, claims(), KEY.sign),
    "its own key in the header": lambda: signed(claims(), OTHER_KEY, jwk=jwk(OTHER_KEY, KEY_ID)),
    "the place of its own keys": lambda: signed(claims(), OTHER_KEY, kid="key-2", jku="https://keys.elsewhere.invalid"),
    "the place of its own certificate": lambda: signed(claims(), OTHER_KEY, x5u="https://keys.elsewhere.invalid"),
    "an extension that must be understood": lambda: signed(claims(), crit=["b64"], b64=False),
    **{
        f"without {name}": lambda name=name: signed(claims(**{name: None}))  # type: ignore[misc]
        for name in ("exp", "iat", "iss", "aud", "sub", "role", "sites")
    },
    "nobody": lambda: signed(claims(sub="")),
    "unknown role": lambda: signed(claims(role="administrator")),
    "sites in one word": lambda: signed(claims(sites="riverbend lakeside")),
    "sites that are no ids": lambda: signed(claims(sites=["*"])),
    "sites as numbers": lambda: signed(claims(sites=[1])),
    "a clinician of no site": lambda: signed(claims(sites=[])),
    "a clinician with a patient": lambda: signed(claims(patient=str(PATIENT))),
    "a patient without the patient": lambda: signed(claims(role="patient")),
    "a patient who is no id": lambda: signed(claims(role="patient", patient="everybody")),
    "a patient who is a number": lambda: signed(claims(role="patient", patient=7)),
    "several patients": lambda: signed(claims(role="patient", patient=[str(PATIENT)])),
    "nested without end": lambda: b".".join(map(encoded, (b'{"alg":"EdDSA"}', b"[" * 5000, b""))).decode(),
    "empty": lambda: "",
    "not a token": lambda: "canary",
    "three dots": lambda: "...",
    "not even text": lambda: "é.\x00.\x7f",
    "claims that are a list": lambda: by_hand({"alg": "EdDSA", "kid": KEY_ID}, [], KEY.sign),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("name", WRONG)
async def test_a_token_that_is_wrong_in_one_thing_is_refused_without_saying_in_which(
    verifier: Verifier, name: str
) -> None:
    token = WRONG[name]()
    assert await is_refused(verifier, token)
    assert await is_refused(verifier, token), "nothing wrong is remembered as right"


RIGHT: dict[str, Callable[[], str]] = {
    "plain": lambda: signed(claims()),
    "one site, as a word": lambda: signed(claims(sites="riverbend")),
    "several audiences": lambda: signed(claims(aud=["another-system", AUDIENCE])),
    "just expired, by a clock that may be wrong": lambda: signed(claims(exp=time.time() - 5)),
    "elliptic curve": lambda: signed(claims(), EC_KEY, "ES256", kid="key-ec"),
    "RSA": lambda: signed(claims(), RSA_KEY, "RS384", kid="key-rsa"),
}


@pytest.mark.parametrize("name", RIGHT)
async def test_a_token_of_the_issuer_names_who_is_asking(verifier: Verifier, name: str) -> None:
    assert await verifier.caller(RIGHT[name]()) == Caller("dr-rowe", Role.CLINICIAN, frozenset({"riverbend"}))


async def test_a_patients_token_names_the_patient(verifier: Verifier) -> None:
    caller = await verifier.caller(signed(claims(role="patient", patient=str(PATIENT))))
    assert (caller.role, caller.patient_id) == (Role.PATIENT, PATIENT)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=4,
)


@settings(max_examples=200, deadline=None)
@given(said=st.dictionaries(st.sampled_from([*claims(), "nbf", "patient", "jti"]), JSON, max_size=3))
async def test_whatever_stands_in_the_claims_is_believed_or_refused_but_breaks_nothing(
    issuer: TrustedIssuer, said: Claims
) -> None:
    token = by_hand({"alg": "EdDSA", "kid": KEY_ID}, {**claims(), **said}, KEY.sign)
    await is_refused(Verifier([issuer]), token)


async def test_a_token_that_was_believed_is_not_believed_beyond_its_expiry(issuer: TrustedIssuer) -> None:
    verifier = Verifier([issuer], leeway_s=0)
    token = signed(claims(exp=int(time.time()) + 3))
    assert await verifier.caller(token)

    async def has_ended() -> bool:
        return await is_refused(verifier, token)

    await until(has_ended)
    assert time.time() >= jwt.decode(token, options={"verify_signature": False})["exp"]
