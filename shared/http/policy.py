"""The headers of every answer, whoever makes it: what a browser may do with it, and that nobody keeps it."""

from collections.abc import Mapping, Sequence

_NOWHERE = "frame-ancestors 'none'"
_UNUSED = ("browsing-topics", "camera", "display-capture", "geolocation", "microphone", "payment", "usb")


def policy(*, forms_lead_to: Sequence[str] = (), is_https: bool = False) -> Mapping[str, str]:
    """`forms_lead_to` are other origins that the answer to a form may redirect to.

    Scripts and styles come from files of our own: nothing that stands in a page is ever run.
    """
    form_action = " ".join(("'self'", *forms_lead_to))
    headers = {
        "content-security-policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
        f"connect-src 'self'; form-action {form_action}; base-uri 'none'; {_NOWHERE}",
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "permissions-policy": ", ".join(f"{name}=()" for name in _UNUSED),
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
        "cache-control": "no-store",
    }
    return headers | {"strict-transport-security": "max-age=31536000"} if is_https else headers


def framed_by(origins: Sequence[str], usual: Sequence[tuple[bytes, bytes]]) -> Sequence[tuple[bytes, bytes]]:
    """The same headers, as they are sent, of an answer that pages of these origins may show in a frame."""
    ancestors = f"frame-ancestors {' '.join(origins)}".encode("ascii")
    return [(name, value.replace(_NOWHERE.encode(), ancestors)) for name, value in usual]
