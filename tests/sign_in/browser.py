"""A browser of few words: it keeps cookies, follows redirects between applications in this process and real servers,
and says of its requests what browsers say.
"""

import html
import re
from collections.abc import Mapping
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Self
from urllib.parse import urlencode, urljoin, urlsplit
from uuid import uuid4

import httpx
from fastapi import FastAPI

_FORM = re.compile(r'<form\b(?![^>]*method="get")([^>]*)>(.*?)</form>', re.DOTALL)
_FIELD = re.compile(r"<(?:input|button)\b([^>]*)>", re.DOTALL)
_ATTRIBUTE = re.compile(r'([\w-]+)="([^"]*)"')
_PAGE = {"accept": "text/html,application/xhtml+xml"}
_SENT = {"content-type": "application/x-www-form-urlencoded"}
_TYPED_IN = {**_PAGE, "sec-fetch-site": "none"}


class Browser:
    """`at` are the applications in this process, by their origin; everything else is reached over the network."""

    def __init__(self, at: Mapping[str, FastAPI]) -> None:
        mounts = {
            origin: httpx.ASGITransport(app=application, raise_app_exceptions=False)
            for origin, application in at.items()
        }
        self._client = httpx.AsyncClient(mounts=mounts, timeout=20)
        # As browsers do on this machine, cookies that ask for https are sent without it too.
        self._cookies = httpx.Cookies()
        self._cookies.jar = CookieJar(DefaultCookiePolicy(secure_protocols=("https", "http")))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()

    @property
    def cookies(self) -> dict[str, str]:
        """All cookies of all places; the names of ours say whose they are."""
        return {cookie.name: cookie.value or "" for cookie in self._cookies.jar}

    def set_cookie(self, name: str, value: str, origin: str) -> None:
        """What somebody with the browser in their hands can do."""
        for cookie in [one for one in self._cookies.jar if one.name == name]:
            self._cookies.jar.clear(cookie.domain, cookie.path, cookie.name)
        self._cookies.set(name, value, domain=urlsplit(origin).hostname or "")

    def forget(self) -> None:
        """Lose all cookies."""
        self._cookies.clear()

    async def step(self, address: str, said: Mapping[str, str] | None = None) -> httpx.Response:
        """Open an address, and follow nothing."""
        return await self._send(httpx.Request("GET", address, headers={**_TYPED_IN, **(said or {})}))

    async def open(self, address: str, *, until: str = "") -> httpx.Response:
        """Open an address and follow where it leads; stop before an address that begins with `until`."""
        return await self._follow(await self.step(address), until)

    async def submit(self, page: httpx.Response, *, until: str = "", **fields: str) -> httpx.Response:
        """Fill in a page's form (the one that has these fields, where there are several) and send it."""
        action, values = _form_of(page.text, fields)
        target = urljoin(str(page.url), action) if action else str(page.url)
        headers = {**_PAGE, **_SENT, "sec-fetch-site": "same-origin"}
        sent = httpx.Request("POST", target, content=urlencode(values), headers=headers)
        return await self._follow(await self._send(sent), until)

    async def fill(self, address: str, fields: Mapping[str, str], **headers: str) -> httpx.Response:
        """Send these fields of a form of our own page, and follow where the answer leads."""
        said = {**_PAGE, **_SENT, "sec-fetch-site": "same-origin", **headers}
        sent = httpx.Request("POST", address, content=urlencode(fields), headers=said)
        return await self._follow(await self._send(sent), "")

    async def post(self, address: str, said: Mapping[str, str] | None = None) -> httpx.Response:
        """Send an empty form from our own page, or from where the headers say; follow nothing."""
        headers = {**_PAGE, **_SENT, **(said or {"sec-fetch-site": "same-origin"})}
        return await self._send(httpx.Request("POST", address, headers=headers))

    async def call(self, address: str, body: Mapping[str, object]) -> httpx.Response:
        """Send JSON as a script of our own page does."""
        headers = {"sec-fetch-site": "same-origin", "idempotency-key": uuid4().hex}
        return await self._send(httpx.Request("POST", address, json=body, headers=headers))

    async def _follow(self, answer: httpx.Response, until: str) -> httpx.Response:
        while answer.is_redirect:
            address = urljoin(str(answer.url), answer.headers["location"])
            if until and address.startswith(until):
                break
            answer = await self.step(address, {"sec-fetch-site": "cross-site"})
        return answer

    async def _send(self, request: httpx.Request) -> httpx.Response:
        self._cookies.set_cookie_header(request)
        answer = await self._client.send(request)
        self._cookies.extract_cookies(answer)
        return answer


def _form_of(page: str, fields: Mapping[str, str]) -> tuple[str, dict[str, str]]:
    """Where a form goes and what it sends: hidden values, and these fields."""
    for attributes, content in _FORM.findall(page):
        inputs = [dict(_ATTRIBUTE.findall(field)) for field in _FIELD.findall(content)]
        names = {one.get("name") for one in inputs}
        is_offered = all(
            any(one.get("name") == name and one.get("value", value) in ("", value) for one in inputs)
            for name, value in fields.items()
        )
        if set(fields) <= names and is_offered:
            hidden = {one["name"]: html.unescape(one.get("value", "")) for one in inputs if one.get("type") == "hidden"}
            return html.unescape(dict(_ATTRIBUTE.findall(attributes)).get("action", "")), hidden | dict(fields)
    raise AssertionError(f"no form with {sorted(fields)}")
