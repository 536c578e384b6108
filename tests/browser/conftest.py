"""Chromium for these tests."""

from tests.browser.chromium import chromium

__all__ = ["chromium"]
