"""The public keys of a service that signs."""

from fastapi import APIRouter, Request
from pydantic import BaseModel

from shared.signing import SigningKeys

router = APIRouter(tags=["tokens"])
OPEN_PATHS = r"\.well-known/jwks\.json"


class KeySetDocument(BaseModel):
    keys: list[dict[str, str]]


@router.get("/.well-known/jwks.json", openapi_extra={"security": []})
async def publish_keys(request: Request) -> KeySetDocument:
    """The public keys: all that are in use, so that a new one is known before the old one goes."""
    keys: SigningKeys = request.app.state.signing_keys
    return KeySetDocument.model_validate(keys.key_set())
