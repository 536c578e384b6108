"""Cookies of our own: for this host alone, over https alone, out of reach of scripts.

One that is `in_frame` is sent where a page of ours stands in a frame of another site too, and then only there
(`Partitioned`: it is another cookie in each site's frame). All others are not sent from elsewhere.
"""

from fastapi import Response


def put(response: Response, name: str, value: str, *, seconds: int | None = None, in_frame: bool = False) -> None:
    """Put a cookie into the browser, until it is closed or for so long."""
    response.set_cookie(
        name, value, seconds, secure=True, httponly=True, samesite="none" if in_frame else "lax", path="/"
    )
    if in_frame:
        # Python writes this attribute from 3.14 on.
        key, written = response.raw_headers[-1]
        response.raw_headers[-1] = (key, written + b"; Partitioned")


def take(response: Response, name: str, *, in_frame: bool = False) -> None:
    """Take a cookie out of the browser."""
    put(response, name, "", seconds=0, in_frame=in_frame)
