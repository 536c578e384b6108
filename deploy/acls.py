"""A cluster's users and access list, made what `deploy.principals` says; by its super user, and as often as one likes.

Through confluent-kafka, which is here for nothing else: aiokafka has no calls for either
(docs/decisions/0024-kafka-principals.md).
"""

import logging
from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)

from deploy.principals import Grant
from deploy.secrets import KAFKA_USERS
from shared.errors import Halt, Refused
from shared.settings import MECHANISM, KafkaLogin

_ANSWER_S = 15.0
_LOOK_S = 0.05
_ITERATIONS = 8192
_OURS = {f"User:{user}" for user in KAFKA_USERS}


@dataclass(frozen=True)
class Changes:
    """What was not so before; a user's password counts as made each time, for nobody can read it."""

    users: int
    added: int
    removed: int


class Cluster:
    """A cluster, as the one who may change its users and access list."""

    def __init__(self, bootstrap_servers: str, login: KafkaLogin) -> None:
        self._user = login.username
        self._is_unknown = False
        quiet = logging.getLogger("confluent_kafka")
        quiet.addHandler(logging.NullHandler())
        quiet.propagate = False
        options: dict[str, Any] = {"bootstrap.servers": bootstrap_servers, "error_cb": self._heard, **_security(login)}
        self._admin = AdminClient(options, logger=quiet)

    def arrange(self, grants: Iterable[Grant], passwords: Mapping[str, str]) -> Changes:
        """Give these users these passwords, and all users of ours these rights and no others.

        Raises:
            Refused: the cluster does not know who asks, or does not let it.
            Halt: it has no users or lists to arrange, or did not answer.
        """
        self._set(passwords)
        wanted = {_binding(grant) for grant in grants}
        found = {one for one in self._found() if one.principal in _OURS}
        added, removed = wanted - found, found - wanted
        if added:
            self._done(self._admin.create_acls(list(added), request_timeout=_ANSWER_S))
        if removed:
            self._done(self._admin.delete_acls([_exactly(one) for one in removed], request_timeout=_ANSWER_S))
        return Changes(len(passwords), len(added), len(removed))

    def _set(self, passwords: Mapping[str, str]) -> None:
        kind = ScramCredentialInfo(ScramMechanism[MECHANISM.replace("-", "_")], _ITERATIONS)
        wanted = [UserScramCredentialUpsertion(user, kind, secret.encode()) for user, secret in passwords.items()]
        if wanted:
            self._done(self._admin.alter_user_scram_credentials(wanted, request_timeout=_ANSWER_S))

    def _found(self) -> list[AclBinding]:
        allowed = (AclOperation.ANY, AclPermissionType.ALLOW)
        everything = AclBindingFilter(ResourceType.ANY, None, ResourcePatternType.ANY, None, None, *allowed)
        found: list[AclBinding] = self._result(self._admin.describe_acls(everything, request_timeout=_ANSWER_S))
        return found

    def _done(self, asked: Mapping[Any, Future[Any]]) -> None:
        for future in asked.values():
            self._result(future)

    def _result(self, future: Future[Any]) -> Any:
        while not future.done():
            self._admin.poll(_LOOK_S)
            if self._is_unknown:
                raise Refused(f"Kafka does not know {self._user} by this password")
        try:
            return future.result()
        except KafkaException as failure:
            error: KafkaError = failure.args[0]
            if error.code() == KafkaError.CLUSTER_AUTHORIZATION_FAILED:
                raise Refused(f"Kafka does not let {self._user} change users and access lists") from failure
            raise Halt(f"Users and access lists were not changed: {error.str()}") from failure

    def _heard(self, error: KafkaError) -> None:
        """What goes wrong with connections is told beside the calls, which would go on trying until time runs out."""
        self._is_unknown |= error.code() == KafkaError._AUTHENTICATION


def _binding(grant: Grant) -> AclBinding:
    return AclBinding(
        ResourceType[grant.resource],
        grant.name,
        ResourcePatternType[grant.pattern],
        f"User:{grant.user}",
        "*",
        AclOperation[grant.operation],
        AclPermissionType.ALLOW,
    )


def _exactly(one: AclBinding) -> AclBindingFilter:
    return AclBindingFilter(
        one.restype,
        one.name,
        one.resource_pattern_type,
        one.principal,
        one.host,
        one.operation,
        one.permission_type,
    )


def _security(login: KafkaLogin) -> dict[str, str]:
    options: dict[str, str] = {"security.protocol": login.security_protocol}
    if login.username is not None and login.password is not None:
        options |= {"sasl.mechanism": MECHANISM, "sasl.username": login.username}
        options |= {"sasl.password": login.password.get_secret_value()}
    if login.ca_file is not None:
        options["ssl.ca.location"] = str(login.ca_file)
    return options
