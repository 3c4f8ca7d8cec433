"""What a user does with the web chat, in headless Chromium: `python web_chat_browser.py SCENARIO ADDRESS`.

`test_web_chat.py` starts it as a process of its own, because playwright brings an event loop that pytest's plugins must
not meet. A scenario prints what it saw as JSON; the test judges it.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page, sync_playwright

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
QUESTION = "What is the maximum height of a red pine?"
# The text of an answer with its citations as the reader sees them.
SHOWN = "document.querySelector('article.answer:last-child .text').textContent"
Seen = dict[str, Any]


def ask(page: Page, question: str) -> None:
    """Type a question and wait until its answer is complete, stopped or failed."""
    before = page.locator("article.answer").count()
    page.get_by_label("Your question").fill(question)
    page.keyboard.press("Enter")
    page.locator("article.answer").nth(before).wait_for()
    page.locator("article.answer[aria-busy=true]").wait_for(state="detached")
    page.get_by_role("button", name="Ask").wait_for()


def panel(page: Page) -> Seen | None:
    """What the side panel shows; None if it is closed."""
    if not page.locator("aside").is_visible():
        return None
    return {key: page.locator(f"#{key}").text_content() for key in ("file", "pages", "highlight")}


def focused(page: Page) -> object:
    """The label or the id of what has the focus."""
    return page.evaluate("document.activeElement.getAttribute('aria-label') ?? document.activeElement.id")


def tour(page: Page) -> Seen:
    """Ask with and without a filter, by keyboard, and look at the sources."""
    page.evaluate(
        "window.lengths = new Set(); new MutationObserver(() => lengths.add(document.querySelector('#log').textContent.length))"
        ".observe(document.querySelector('#log'), {subtree: true, childList: true, characterData: true})"
    )
    ask(page, QUESTION)
    seen: Seen = {"steps": page.evaluate("lengths.size"), "all": page.evaluate(SHOWN), "focus_after": focused(page)}
    citations = page.locator("article.answer:last-child .cite")
    seen["names"] = [citation.get_attribute("aria-label") for citation in citations.all()]
    citations.nth(1).focus()
    page.keyboard.press("Enter")
    seen["opened"] = panel(page)
    seen["focus_opened"] = focused(page)
    seen["expanded"] = [citation.get_attribute("aria-expanded") for citation in citations.all()]
    page.keyboard.press("Escape")
    seen["closed"] = panel(page)
    seen["focus_closed"] = focused(page)
    citations.nth(0).click()
    page.get_by_role("button", name="Close").click()
    seen["closed_by_button"] = panel(page)
    page.get_by_label("Only files whose metadata").fill('{"resource": "nursery"}')
    ask(page, QUESTION)
    seen["nursery"] = page.evaluate(SHOWN)
    seen["sources"] = page.locator("article.answer:last-child .sources").inner_text()
    return seen


def shown(page: Page) -> Seen:
    """Ask, open each citation in turn, and report all that the reader sees; `hacked` is what no text may set."""
    ask(page, QUESTION)
    panels = []
    for citation in page.locator("article.answer:last-child .cite").all():
        citation.click()
        panels.append(panel(page))
    return {
        "text": page.evaluate(SHOWN),
        "panels": panels,
        "sources": page.locator(".sources").all_inner_texts(),
        "hacked": page.evaluate("window.hacked ?? null"),
        "elements": page.evaluate("document.querySelectorAll('img, svg, iframe, a, b').length"),
        "scripts": page.evaluate("document.scripts.length"),
    }


def stop(page: Page) -> Seen:
    """Stop an endless answer, then ask on."""
    page.get_by_label("Your question").fill("Give me a slow answer.")
    page.keyboard.press("Enter")
    page.get_by_text("word5").wait_for()
    page.get_by_role("button", name="Stop").click()
    page.get_by_text("Stopped.").wait_for()
    length = page.evaluate(f"{SHOWN}.length")
    ask(page, "Give me a quick answer.")
    return {"length": length, "next": page.evaluate(SHOWN)}


def leave(page: Page) -> Seen:
    """Close the page while an endless answer runs."""
    page.get_by_label("Your question").fill("Give me a slow answer.")
    page.keyboard.press("Enter")
    page.get_by_text("word5").wait_for()
    page.close()
    return {}


def mistakes(page: Page) -> Seen:
    """A filter that is none, one that the client refuses, and an answer that breaks off."""
    filter_box = page.get_by_label("Only files whose metadata")
    seen: Seen = {}
    filter_box.fill("[1]")
    page.get_by_label("Your question").fill(QUESTION)
    page.keyboard.press("Enter")
    seen["no_object"] = page.get_by_role("alert").text_content()
    seen["invalid"] = filter_box.get_attribute("aria-invalid")
    seen["focus"] = focused(page)
    seen["asked"] = page.locator("article").count()
    filter_box.fill('{"topic": ["trees"]}')
    ask(page, QUESTION)
    seen["refused"] = page.locator("article.answer:last-child .note.bad").text_content()
    filter_box.fill("")
    ask(page, QUESTION)
    seen["cut"] = page.locator("article.answer:last-child .note.bad").text_content()
    ask(page, QUESTION)
    seen["fine"] = page.evaluate(SHOWN)
    return seen


SCENARIOS: dict[str, Callable[[Page], Seen]] = {
    function.__name__: function for function in (tour, shown, stop, leave, mistakes)
}


def main(scenario: str, address: str) -> None:
    """Run one scenario in a new browser with an empty profile."""
    with tempfile.TemporaryDirectory(prefix="web-chat-") as profile, sync_playwright() as playwright:
        browser = playwright.chromium.launch_persistent_context(
            profile, executable_path=CHROMIUM, args=FLAGS, viewport={"width": 1200, "height": 760}
        )
        page = browser.new_page()
        page.set_default_timeout(30_000)
        complaints: list[str] = []
        addresses: set[str] = set()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: complaints.append(f"dialog {dialog.message}"))
        page.on("request", lambda request: addresses.add(request.url))
        page.goto(address)
        seen = SCENARIOS[scenario](page)
        browser.close()
    print(json.dumps(seen | {"complaints": complaints, "addresses": sorted(addresses)}))  # noqa: T201 - for the test


if __name__ == "__main__":
    main(*sys.argv[1:])
