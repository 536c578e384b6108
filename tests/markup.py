"""A page as a browser reads it: its elements and its words."""

import re
from html.parser import HTMLParser

VOID = {"meta", "link", "input", "br", "hr", "img"}


class Document(HTMLParser):
    """The elements of a page with their attributes; fails on a tag that is not closed where it should be."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None], tuple[str, ...]]] = []
        self.words: list[str] = []
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs), tuple(self._open)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs), tuple(self._open)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open, f"</{tag}> closes nothing"
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.words.append(data.strip())

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.words))

    def named(self, tag: str, **attributes: str) -> list[dict[str, str | None]]:
        return [a for name, a, _ in self.elements if name == tag and attributes.items() <= a.items()]

    @property
    def marked(self) -> set[str]:
        """The fields that are marked as wrong, by the ids of their forms and their names."""
        fields = [one for _, one, _ in self.elements if "aria-invalid" in one]
        return {str(one["aria-describedby"]).removesuffix("-hint") for one in fields}

    def needs_more_than_the_policy_allows(self) -> list[str]:
        """Whatever a browser would refuse under `shared.http.edge`: inline styles and scripts, files of other hosts.
        A link may lead to another service.
        """
        wrong = [
            f"{tag} {name}" for tag, a, _ in self.elements for name in a if name == "style" or name.startswith("on")
        ]
        wrong += [tag for tag, a, _ in self.elements if tag == "style" or (tag == "script" and not a.get("src"))]
        may = {"a": ("/", "#", "https://"), "link": ("/",), "script": ("/",)}
        links = [(a.get("href") or a.get("src") or "", may[tag]) for tag, a, _ in self.elements if tag in may]
        return wrong + [link for link, own in links if not link.startswith(own) or link.startswith("//")]
