"""The pages of a clinic's staff at intake in Chromium: for everybody, on a desk and on a phone."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, BrowserContext, Page, expect

from deploy.local.ports import keep_or_choose
from tests.browser.test_survey import CHROMIUM, chromium, is_for_everybody
from tests.conftest import Tokens, served
from tests.services.intake.alerted import Alerted, alerted_clinic
from tests.services.intake.conftest import alerted, clock
from tests.services.intake.post import follows, reach

__all__ = ["alerted", "alerted_clinic", "chromium", "clock"]
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="no Chromium here: apt-get install chromium"),
]
DESK, PHONE = {"width": 1366, "height": 768}, {"width": 390, "height": 844}
EYES = {
    "light": {"color_scheme": "light"},
    "dark": {"color_scheme": "dark"},
    "forced": {"forced_colors": "active"},
}
FILE = "patient,birth_year,sex,diagnosis\r\nMRN-9,soon,female,crohns-disease\r\n"
