"""Sign-in links for development: a token in a link becomes a session cookie. Not mounted in production."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse

from shared.auth import Verifier
from shared.errors import Problem
from shared.http.edge import SESSION_COOKIE

router = APIRouter(include_in_schema=False)


@router.get("/sign-in")
async def sign_in(request: Request, token: Annotated[str, Query()], to: Annotated[str, Query()] = "/") -> Response:
    """Keep the token in an HttpOnly cookie and go to a page of this same host."""
    if not to.startswith("/") or to.startswith("//") or "\\" in to:
        raise Problem(400, "not-here", "The link leads away from this host.")
    verifier: Verifier = request.app.state.verifier
    verifier.caller(token)
    response = RedirectResponse(to, status_code=303)
    response.set_cookie(SESSION_COOKIE, token, httponly=True, samesite="strict", path="/")
    return response
