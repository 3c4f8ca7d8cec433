"""Search the site from the disk in headless Chromium: `python -m tests.docs.site_browser INDEX_HTML QUERY`.

`test_site.py` starts it in a separate process, because playwright's event loop conflicts with pytest's plugins. It prints the
names of the pages that are found, and the addresses that were asked for, as JSON.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.examples.web_chat_browser import CHROMIUM, FLAGS


def main(index: str, query: str) -> None:
    """Type a query into the search of a page, and wait for the first result."""
    addresses: set[str] = set()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(viewport={"width": 1400, "height": 800})
        page.set_default_timeout(60_000)
        page.on("request", lambda request: addresses.add(request.url))
        page.goto(Path(index).as_uri())
        page.get_by_role("textbox", name="Search").click()
        page.keyboard.type(query)  # the search listens to keys
        results = page.locator(".md-search-result__link")
        results.first.wait_for()
        found = [str(link.get_attribute("href")).partition("?")[0] for link in results.all()]
        browser.close()
    others = sorted(address for address in addresses if not address.startswith(("file:", "data:", "about:", "blob:")))
    print(json.dumps({"found": found, "others": others}))  # noqa: T201 - for the test


if __name__ == "__main__":
    main(*sys.argv[1:])
