"""A headless Chromium as a person uses it: click what is written on it, wait until something is to
be read, keep a picture. No assertions."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from selenium import webdriver
from selenium.common.exceptions import (
    ElementClickInterceptedException,
    ElementNotInteractableException,
    StaleElementReferenceException,
)
from selenium.webdriver import ActionChains, Keys
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By

FLAGS = (
    "--headless=new",
    "--no-sandbox",  # root in a container has no sandbox; only pages of this machine are opened
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--force-prefers-reduced-motion",
)
PATIENCE = 60.0
"""Seconds that something may take to appear: a run starts a process, and other tests run beside
this one."""

_PASSING = (
    ElementClickInterceptedException,
    ElementNotInteractableException,
    StaleElementReferenceException,
)
"""A page that is still drawing itself; the same click a moment later goes through."""

_WIDER = """
const wide = document.documentElement.clientWidth, found = [];
if (document.documentElement.scrollWidth > wide)
  found.push('page ' + document.documentElement.scrollWidth);
const rolls = e => { for (; e && e !== document.body; e = e.parentElement)
  if (['auto', 'scroll', 'hidden'].includes(getComputedStyle(e).overflowX)) return true;
  return false; };
for (const e of document.body.querySelectorAll('*')) {
  const box = e.getBoundingClientRect();
  if (box.width && box.right > wide + 1 && !rolls(e.parentElement) && !rolls(e))
    found.push(e.tagName + '.' + e.className + ' ' + Math.round(box.right));
}
return found;
"""


class NotSeen(AssertionError):
    """What should be on the page is not; a picture of what is there was kept."""


class Browser:
    """One window.

    Parameters
    ----------
    driver
        The driven Chromium.
    pictures
        Folder of the screenshots; existing ones of the same name are replaced.
    """

    def __init__(self, driver: webdriver.Chrome, pictures: Path):
        self.driver, self.pictures = driver, pictures
        pictures.mkdir(parents=True, exist_ok=True)

    def open(self, url: str) -> None:
        self.driver.get(url)

    def width(self, pixels: int, height: int = 1000) -> None:
        """Lay the page out for a screen of this width."""
        self.driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": pixels, "height": height, "deviceScaleFactor": 1, "mobile": pixels < 600},
        )

    def picture(self, name: str, *, whole: bool = False) -> Path:
        """A screenshot of what is in view, or of the whole page down to its end."""
        taken = self.driver.execute_cdp_cmd(
            "Page.captureScreenshot", {"captureBeyondViewport": whole}
        )
        path = self.pictures / f"{name}.png"
        path.write_bytes(base64.b64decode(taken["data"]))
        return path

    def text(self) -> str:
        """All that can be read."""
        for _ in range(20):
            try:
                return str(self.driver.find_element(By.TAG_NAME, "body").text)
            except StaleElementReferenceException:
                time.sleep(0.1)
        return ""

    def wait(self, what: str, seen: Callable[[], Any], patience: float = PATIENCE) -> Any:
        """Until ``seen()`` is something; `NotSeen` names ``what`` otherwise."""
        until = time.monotonic() + patience
        while True:
            try:
                if found := seen():
                    return found
            except _PASSING:
                pass
            if time.monotonic() > until:
                raise NotSeen(
                    f"{what} did not appear; see {self.picture('not-seen').name}. "
                    f"The page reads: {self.text()[:3000]}"
                )
            time.sleep(0.2)

    def read(self, *parts: str, patience: float = PATIENCE) -> str:
        """Wait until every part is written on the page; the text."""

        def all_there() -> str:
            text = self.text()
            return text if all(p in text for p in parts) else ""

        return str(self.wait(" and ".join(repr(p) for p in parts), all_there, patience))

    def shown(self, xpath: str) -> list[Any]:
        return [e for e in self.driver.find_elements(By.XPATH, xpath) if e.is_displayed()]

    def click(self, xpath: str, *, opens: str = "") -> None:
        """Click the first such thing shown; again every few seconds until ``opens`` is shown, since
        a page that is still loading loses a click."""

        def clicked() -> bool:
            for element in self.shown(xpath)[:1]:
                element.click()
                return True
            return False

        def opened() -> bool:
            if not self.shown(opens) and clicked():
                until = time.monotonic() + 5
                while not self.shown(opens) and time.monotonic() < until:
                    time.sleep(0.1)
            return bool(self.shown(opens))

        self.wait(xpath, opened if opens else clicked)

    def press_escape(self) -> None:
        ActionChains(self.driver).send_keys(Keys.ESCAPE).perform()

    def console_errors(self) -> list[str]:
        """Errors since the last question."""
        return [e["message"] for e in self.driver.get_log("browser") if e["level"] == "SEVERE"]

    def requests(self) -> list[str]:
        """Addresses asked for over a network since the last question; files of this machine and
        data within the page are none."""
        asked = []
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                asked.append(message["params"]["request"]["url"])
        return [
            a
            for a in asked
            if urlsplit(a).scheme not in ("file", "data", "blob", "about", "chrome")
        ]

    def too_wide(self) -> list[str]:
        """What reaches beyond the right edge and cannot be scrolled within its own box."""
        return list(self.driver.execute_script(_WIDER))


@contextmanager
def browser(binary: str, driver: str, profile: Path, pictures: Path) -> Iterator[Browser]:
    """A window with an empty profile; closed at the end."""
    options = webdriver.ChromeOptions()
    options.binary_location = binary
    for flag in (*FLAGS, f"--user-data-dir={profile}", "--window-size=1280,1100"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driven = webdriver.Chrome(options=options, service=Service(driver))
    try:
        yield Browser(driven, pictures)
    finally:
        driven.quit()
