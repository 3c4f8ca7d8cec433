"""Scenarios of a user of the web chat, in headless Chromium: `python web_chat_browser.py SCENARIO ADDRESS PID`.

`test_web_chat.py` starts it in a separate process, because playwright's event loop conflicts with pytest's plugins. A
scenario prints a report as JSON, which the test checks. PID is the process of the chat's server.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, sync_playwright

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
WCAG_22_AA = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
DROP = """() => {
    const dataTransfer = new DataTransfer();
    dataTransfer.items.add(new File(["A tansy grows up to 150 centimeters tall."], "tansy.md"));
    dataTransfer.items.add(new File(["?"], "<b>.exe"));
    const zone = document.querySelector("[data-testid=file-upload]").closest("button");
    for (const name of ["dragenter", "dragover", "drop"])
        zone.dispatchEvent(new DragEvent(name, {dataTransfer, bubbles: true, cancelable: true}));
}"""
Seen = dict[str, Any]


def ask(page: Page, question: str, end: str, end_button: str = "Ask") -> None:
    """Type a question and wait until its answer shows `end`, and the page is ready for the next one, or can be stopped."""
    before = page.get_by_test_id("bot").count()
    page.get_by_label("Your question").fill(question)
    page.keyboard.press("Enter")
    page.get_by_test_id("bot").nth(before).wait_for()
    settled(page, end, end_button)


def settled(page: Page, end: str, button: str = "Ask") -> None:
    """Wait until the last answer shows `end` and the button is visible."""
    page.get_by_test_id("bot").last.get_by_text(end).last.wait_for()
    page.get_by_role("button", name=button, exact=True).wait_for()


def press(page: Page, control: Locator, key: str = "Enter", way: str = "Tab") -> None:
    """Go to a control with Tab or Shift+Tab, as a user without a mouse does, and press a key there."""
    control.wait_for()
    passed = []
    for _ in range(80):
        if control.evaluate("control => control === document.activeElement"):
            page.keyboard.press(key)
            return
        page.keyboard.press(way)
        passed.append(page.evaluate("document.activeElement.outerHTML.slice(0, 80)"))
    raise AssertionError(f"{way} does not reach {control}, only {passed}")


def answer(page: Page) -> str:
    """Return the visible text of the last answer."""
    return page.get_by_test_id("bot").last.inner_text()


def citations(page: Page) -> list[list[str]]:
    """Return the number and the source of each citation of the last answer."""
    links = page.get_by_test_id("bot").last.locator("a[href^='#passage']").all()
    return [[link.inner_text(), link.get_attribute("title") or ""] for link in links]


def refused(url: str) -> bool:
    """Return whether nothing listens at the address any more."""
    address = urlsplit(url)
    with socket.socket() as probe:
        return probe.connect_ex((address.hostname, address.port)) != 0


def violations(page: Page) -> list[list[str]]:
    """Return the violations of WCAG 2.2 AA that axe-core finds."""
    found = Axe().run(page, options=WCAG_22_AA).response["violations"]
    return [[rule["id"], node["html"]] for rule in found for node in rule["nodes"]]


def tour(page: Page) -> Seen:
    """Ask, follow a citation, copy, filter, reload, start anew, go back, retry, delete: by keyboard alone. Then drop files."""
    seen: Seen = {"notice": page.locator("body").inner_text(), "accessible": {"start": violations(page)}}
    page.evaluate(
        "window.lengths = new Set(); new MutationObserver(() => lengths.add(document.querySelector('#chat').textContent.length))"
        ".observe(document.querySelector('#chat'), {subtree: true, childList: true, characterData: true})"
    )
    seen["focus_first"] = page.evaluate("document.activeElement.closest('#question') !== null")
    for _ in range(3):
        page.keyboard.press("Shift+Tab")  # from the question back to the first of three starters
    page.keyboard.press("Enter")
    settled(page, "a year")
    seen["steps"] = page.evaluate("lengths.size")
    seen["question"] = page.get_by_test_id("user").inner_text()
    seen["answer"], seen["citations"] = answer(page), citations(page)
    press(page, page.get_by_test_id("bot").locator("a[href^='#passage']").nth(1))
    page.locator("#passages li:target").wait_for()
    seen["target"] = page.locator("#passages li:target").inner_text()
    seen["focus_target"] = page.evaluate("document.activeElement.matches('#passages li:target')")
    press(page, page.get_by_role("button", name="Copy message").last, way="Shift+Tab")
    page.wait_for_function("navigator.clipboard.readText()")  # until something is copied
    seen["copied"] = page.evaluate("navigator.clipboard.readText()")
    seen["accessible"]["answered"] = violations(page)

    press(page, page.get_by_role("button", name="Files ▼"))
    press(page, page.get_by_label("resource: nursery"), "Space")
    with page.expect_file_chooser() as chosen:
        press(page, page.get_by_test_id("file-upload").locator("xpath=ancestor::button"))
    seen["chooser"] = chosen.value.is_multiple()
    press(page, page.get_by_label("Your question"), "End", way="Shift+Tab")
    ask(page, QUESTION, "a year")
    seen["nursery"], seen["nursery_citations"] = answer(page), citations(page)
    seen["accessible"]["files"] = violations(page)
    return seen | chats(page, seen["accessible"])


def chats(page: Page, accessible: Seen) -> Seen:
    """Run the second half of the tour, from the state at the end of the first."""
    seen: Seen = {}
    page.reload()
    settled(page, "a year")
    seen["reloaded"] = page.get_by_test_id("bot").all_inner_texts()
    seen["passages"] = page.locator("#passages li").count()
    press(page, page.get_by_role("button", name="New chat"))
    page.get_by_text("Ask a question below").wait_for()
    seen["chats"] = [label.inner_text() for label in page.locator("label:has(input[type=radio])").all()]
    press(page, page.get_by_role("radio").nth(1), "Space")  # Gradio makes each radio a group of its own: no arrow keys
    settled(page, "a year")
    press(page, page.get_by_role("button", name="Retry"), way="Shift+Tab")
    page.get_by_test_id("bot").last.get_by_text("43.8").wait_for()  # now without a filter
    settled(page, "a year")
    seen["again"] = page.get_by_test_id("user").count()
    page.set_viewport_size({"width": 390, "height": 844})
    seen["overflow"] = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    accessible["phone"] = violations(page)
    page.emulate_media(color_scheme="dark")
    page.reload()
    settled(page, "a year")
    accessible["dark"] = violations(page)
    press(page, page.get_by_role("button", name="Clear"))
    page.get_by_role("radio").nth(1).wait_for(state="detached")
    page.get_by_text("Ask a question below").wait_for()
    seen["left"] = page.get_by_role("radio").count()
    page.get_by_role("button", name="Files ▼").click()
    page.get_by_test_id("file-upload").wait_for(state="attached")
    page.evaluate(DROP)
    page.locator("#files").get_by_text("tansy.md").wait_for()
    seen["added"] = page.get_by_role("status").filter(has_text="tansy").inner_text()
    accessible["dropped"] = violations(page)
    ask(page, "How tall does a tansy grow?", "150 centimeters")
    seen["tansy"] = citations(page)
    return seen


def hostile(page: Page) -> Seen:
    """Ask twice with the files open, and report the visible content. `hacked` is a variable that no text may set."""
    page.get_by_role("button", name="Files ▼").click()
    page.locator("#files li").first.wait_for()
    seen: Seen = {"files": page.locator("#files").inner_text()}
    for name in ("markup", "markdown"):
        ask(page, f"Show {name}.", "the end")
        seen[name] = {"text": answer(page), "citations": citations(page)}
    inside = ":is([data-testid=bot], #passages, #files)"
    return seen | {
        "passages": page.locator("#passages").inner_text(),
        "hacked": page.evaluate("window.hacked ?? null"),
        "risky": page.locator(f"{inside} :is(iframe, script, style, form, input, object, [onerror], [onload])").count(),
        "links": page.evaluate(
            "[...document.querySelectorAll('[data-testid=bot] a')].map(a => a.getAttribute('href'))"
        ),
        "rendered": page.locator("[data-testid=bot] :is(strong, code, li, td)").all_inner_texts(),
    }


def leave(page: Page) -> Seen:
    """Ask during an endless answer, stop it, ask on, and close the page while another endless answer runs."""
    slow = "Give me a slow answer."
    ask(page, slow, "word5", end_button="Stop")
    page.get_by_label("Your question").fill("Too early?")
    page.keyboard.press("Enter")
    page.get_by_text("word50").wait_for()
    seen: Seen = {"early": page.get_by_label("Your question").input_value()}
    press(page, page.get_by_role("button", name="Stop", exact=True))
    settled(page, "Stopped.")
    seen["stopped"] = answer(page)
    ask(page, "Give me a quick answer.", "A quick answer.")
    ask(page, slow, "word5", end_button="Stop")
    page.close()
    return seen


def mistakes(page: Page) -> Seen:
    """Ask while an answer breaks off, and ask again; then end the chat's server."""
    ask(page, QUESTION, "choose Retry")
    seen: Seen = {"cut": answer(page), "accessible": violations(page)}
    page.get_by_role("button", name="Retry").click()
    page.get_by_test_id("bot").get_by_text("choose Retry").wait_for(state="detached")
    settled(page, "all there is")
    seen["fine"], seen["questions"] = answer(page), page.get_by_test_id("user").all_inner_texts()
    os.kill(PID, signal.SIGINT)
    while not refused(page.url):
        page.wait_for_timeout(100)
    page.get_by_label("Your question").fill("Are you there?")
    page.keyboard.press("Enter")
    page.get_by_text("Connection to the server was lost").first.wait_for()
    seen["kept"] = page.get_by_label("Your question").input_value()
    return seen


def unreachable(page: Page) -> Seen:
    """Ask an assistant that is not there, and look for its files."""
    ask(page, QUESTION, "choose Retry")
    page.get_by_role("button", name="Files ▼").click()
    page.locator("#files").get_by_text("cannot connect").wait_for()
    return {"text": answer(page), "question": page.get_by_test_id("user").inner_text()}


SCENARIOS: dict[str, Callable[[Page], Seen]] = {
    function.__name__: function for function in (tour, hostile, leave, mistakes, unreachable)
}


def main(scenario: str, address: str) -> None:
    """Run one scenario in a new browser with an empty profile."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        context = browser.new_context(
            viewport={"width": 1200, "height": 760}, permissions=["clipboard-read", "clipboard-write"]
        )
        page = context.new_page()
        page.set_default_timeout(60_000)
        complaints: list[str] = []
        addresses: set[str] = set()
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: complaints.append(f"dialog {dialog.message}"))
        page.on("request", lambda request: addresses.add(request.url))
        # The page's policy blocked it before anything was sent.
        page.on("requestfailed", lambda request: addresses.discard(request.url) if request.failure == "csp" else None)
        page.goto(address)
        page.get_by_label("Your question").wait_for()
        page.get_by_role("radio").first.wait_for()  # the browser's chats are drawn
        seen = SCENARIOS[scenario](page)
        browser.close()
    print(json.dumps(seen | {"complaints": complaints, "addresses": sorted(addresses)}))  # noqa: T201 - for the test


if __name__ == "__main__":
    PID = int(sys.argv[3])
    main(*sys.argv[1:3])
