"""Which role may do what: a route names the roles, nothing else decides."""

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request

from shared.auth import Caller, Role
from shared.errors import Problem, unknown
from shared.http.commands import caller_of


@dataclass(frozen=True, slots=True)
class Allowed:
    """A dependency: the verified caller, if in one of these roles. The generated matrix reads the roles from here."""

    roles: tuple[Role, ...]

    async def __call__(self, request: Request) -> Caller:
        caller = caller_of(request)
        if caller.role not in self.roles:
            raise Problem(403, "wrong-role", f"This is for: {', '.join(self.roles)}.")
        return caller


def allow(*roles: Role) -> Allowed:
    """Let these roles use a route."""
    return Allowed(roles)


def only_own_page(caller: Caller, patient_id: UUID) -> None:
    """A patient's token opens that patient's own data; any other id is unknown to it."""
    if caller.role is Role.PATIENT and caller.patient_id != patient_id:
        raise unknown("patient")


SiteStaff = Annotated[Caller, Depends(allow(Role.COORDINATOR, Role.SYSTEM))]
CareTeam = Annotated[Caller, Depends(allow(Role.CLINICIAN, Role.COORDINATOR, Role.SYSTEM))]
Operator = Annotated[Caller, Depends(allow(Role.OPERATOR))]
