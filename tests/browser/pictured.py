"""Pictures of pages that are kept, and compared with how the pages look now, but for what fonts and versions change."""

import os
from base64 import b64encode
from pathlib import Path

import pytest
from playwright.async_api import Page

from tests.conftest import ROOT

KEPT, SEEN = ROOT / "docs" / "pictures" / "states", ROOT / "var" / "artifacts"
MOST = 0.005
"""Share of the points that may look otherwise."""
FONT = "Inter"
"""Of the fonts that the pages ask for, the one in which the pictures are kept: in another one all looks otherwise."""
_SHARE = """
async ([before, after]) => {
  const read = async (text) => {
    const bytes = Uint8Array.from(atob(text), (one) => one.charCodeAt(0));
    const image = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
    const canvas = new OffscreenCanvas(image.width, image.height).getContext("2d");
    canvas.drawImage(image, 0, 0);
    return canvas.getImageData(0, 0, image.width, image.height);
  };
  const [a, b] = [await read(before), await read(after)];
  if (a.width !== b.width || a.height !== b.height) return 1;
  let differ = 0;
  for (let at = 0; at < a.data.length; at += 4)
    if ([0, 1, 2].some((channel) => Math.abs(a.data[at + channel] - b.data[at + channel]) > 48)) differ += 1;
  return differ / (a.data.length / 4);
}
"""


async def looks_as_kept(page: Page, name: str, *, is_whole: bool = True) -> None:
    """The whole page, or what the screen shows of it, looks as in its picture; `NEW_PICTURES=1` keeps how it looks now
    instead.

    A machine without the font of the pictures cannot tell, and says so. What was seen stands in `var/artifacts` where
    it is another picture.
    """
    if (font := await _font_of(page)) != FONT:
        pytest.skip(f"the pictures are kept in {FONT}, this machine shows {font}")
    now, kept = await page.screenshot(full_page=is_whole, animations="disabled"), KEPT / f"{name}.png"
    if os.environ.get("NEW_PICTURES"):
        _keep(kept, now)
        return
    assert kept.is_file(), f"there is no picture {kept.name}: NEW_PICTURES=1 keeps one"
    both = [b64encode(one).decode() for one in (kept.read_bytes(), now)]
    blank = await page.context.new_page()
    share = float(await blank.evaluate(_SHARE, both))
    await blank.close()
    if share > MOST:
        _keep(SEEN / kept.name, now)
    assert share <= MOST, f"{name}: {share:.1%} looks otherwise, see {SEEN / kept.name}"


async def _font_of(page: Page) -> str:
    """The font that most of a page is shown in."""
    inside = await page.context.new_cdp_session(page)
    for domain in ("DOM", "CSS"):
        await inside.send(f"{domain}.enable")
    root = (await inside.send("DOM.getDocument"))["root"]["nodeId"]
    body = await inside.send("DOM.querySelector", {"nodeId": root, "selector": "body"})
    fonts = (await inside.send("CSS.getPlatformFontsForNode", body))["fonts"]
    await inside.detach()
    return str(max(fonts, key=lambda font: font["glyphCount"])["familyName"])


def _keep(path: Path, picture: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(picture)
