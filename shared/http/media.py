"""What a body says it is."""

from starlette.requests import Request


def media_type_of(request: Request) -> str:
    """Its media type without parameters, in lower case; empty where it says nothing."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()
