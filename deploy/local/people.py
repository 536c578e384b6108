"""How people and systems sign in on this machine: the provider for development, and the network's own issuer."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from deploy.doors import PROVIDER, SERVICES, Door
from deploy.local.ports import HOST
from deploy.provider import Client
from deploy.secrets import SIGNED_IN_TO
from shared.auth import Role, TrustedIssuer
from shared.on_behalf import OWNER, ROLES, SIGNED_BY
from shared.settings import SignIn
from shared.signing import ALGORITHM, make_key_file


@dataclass(frozen=True)
class LocalPeople:
    """Keeps keys and people in `folder`. `client_secrets` are the services' at the provider."""

    folder: Path
    ports: Mapping[Door, int]
    client_secrets: Mapping[str, str] = field(repr=False)

    @property
    def file(self) -> Path:
        """Who can sign in (`deploy.provider.keep_people`)."""
        return self.folder / "people.json"

    def prepare(self) -> None:
        """Make the keys if they are not there."""
        make_key_file(self._provider_key)
        make_key_file(self._network_key)
        make_key_file(self._page_key)

    def told_to_all(self) -> dict[str, str]:
        """Where everything is, and the network's own issuer: intake's token endpoint."""
        urls = {service: self._url(Door(service, "app")) for service in SERVICES}
        network = TrustedIssuer(
            issuer=urls["intake"],
            algorithms=(ALGORITHM,),
            key_set=f"{urls['intake']}/.well-known/jwks.json",
            roles=frozenset({Role.SYSTEM}),
        )
        return {"SAMEPAGE_PUBLIC_URLS": json.dumps(urls), "SAMEPAGE_NETWORK": network.model_dump_json()}

    def told_to(self, door: Door) -> dict[str, str]:
        """What one door is told beside that."""
        service = door.service
        if door.kind != "app":
            return {}
        prefix = f"SAMEPAGE_{service.upper()}"
        signs_with = {"intake": self._network_key, SIGNED_BY: self._page_key}
        told = {}
        if service in signs_with:
            told[f"{prefix}_SIGNING_KEY_FILES"] = json.dumps([str(signs_with[service])])
        if service == OWNER:
            told[f"{prefix}_ON_BEHALF"] = self._page.model_dump_json()
        if service not in SIGNED_IN_TO:
            return told
        sign_in = SignIn(issuer=self._url(PROVIDER), client_id=f"samepage-{service}", algorithms=(ALGORITHM,))
        return told | {
            f"{prefix}_SIGN_IN": sign_in.model_dump_json(exclude={"client_secret"}),
            f"{prefix}_SIGN_IN__CLIENT_SECRET": self.client_secrets[service],
        }

    def told_to_provider(self) -> dict[str, str]:
        """What the provider is told."""
        addresses = {service: self._url(Door(service, "app")) for service in SIGNED_IN_TO}
        clients = [
            Client(
                client_id=f"samepage-{service}",
                secret=self.client_secrets[service],
                redirect_uri=f"{address}/sign-in/callback",
                signed_out_uri=f"{address}/signed-out",
            )
            for service, address in addresses.items()
        ]
        return {
            "SAMEPAGE_PROVIDER_ISSUER": self._url(PROVIDER),
            "SAMEPAGE_PROVIDER_HOST": HOST,
            "SAMEPAGE_PROVIDER_PORT": str(self.ports[PROVIDER]),
            "SAMEPAGE_PROVIDER_KEY_FILE": str(self._provider_key),
            "SAMEPAGE_PROVIDER_PEOPLE_FILE": str(self.file),
            "SAMEPAGE_PROVIDER_CLIENTS": json.dumps([asdict(client) for client in clients]),
        }

    @property
    def _page(self) -> TrustedIssuer:
        """The dashboard, as clinical is told of it."""
        address = self._url(Door(SIGNED_BY, "app"))
        return TrustedIssuer(
            issuer=address,
            algorithms=(ALGORITHM,),
            key_set=f"{address}/.well-known/jwks.json",
            roles=ROLES,
        )

    @property
    def _provider_key(self) -> Path:
        return self.folder / "provider.pem"

    @property
    def _network_key(self) -> Path:
        return self.folder / "network.pem"

    @property
    def _page_key(self) -> Path:
        return self.folder / "page.pem"

    def _url(self, door: Door) -> str:
        return f"http://{HOST}:{self.ports[door]}"
