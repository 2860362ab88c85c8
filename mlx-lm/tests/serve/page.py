"""Drives the chat page as a person would: page.py URL MODEL KEY CHROMIUM"""

import re
import sys
import tempfile
import time

from playwright.sync_api import expect, sync_playwright

URL, MODEL, KEY, CHROMIUM = sys.argv[1:]
QUESTION = "What is the capital of France?"
ANSWER = "The capital of France is Paris."
# A browser of its own, which asks nobody but the page's server.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def settings(page, **values):
    page.click("#open")
    for name, value in values.items():
        field = page.locator(f"#{name}")
        field.select_option(value) if name == "theme" else field.fill(value)
    page.click("#settings button")
    expect(page.locator("#settings")).not_to_be_visible()


def ask(page, text):
    page.fill("#prompt", text)
    page.press("#prompt", "Enter")
    return page.locator("article.assistant").last


def ended(page):
    expect(page.locator("#send")).to_have_text("Send", timeout=60_000)


def a_key_is_asked_for(page):
    page.goto(URL)
    expect(page.locator("#settings")).to_be_visible()
    page.fill("#key", KEY)
    page.press("#key", "Tab")
    page.click("#settings button")


def a_model_is_picked(page):
    expect(page.locator("#model")).to_contain_text(MODEL)
    page.select_option("#model", MODEL)


def an_answer_streams(page):
    settings(page, temperature="0")
    # Sees each state of the answer as it is written.
    page.evaluate("""() => {
        window.lengths = new Set();
        new MutationObserver(() => {
            const last = document.querySelector("article.assistant:last-of-type > div");
            if (last) window.lengths.add(last.textContent.length);
        }).observe(document.querySelector("#chat"), { childList: true, subtree: true, characterData: true });
    }""")
    answer = ask(page, QUESTION)
    expect(answer.locator("> div").first).to_have_text(ANSWER, timeout=60_000)
    ended(page)
    assert page.evaluate("window.lengths.size") > 4, "the answer came in one piece"
    expect(answer.locator(".stats")).to_have_text(re.compile(r"37 tokens in .*8 out"))
    expect(page.locator("article.user")).to_have_text(QUESTION)


def running(page):
    """How many answers the server works on."""
    metrics = page.evaluate("async () => (await fetch('/metrics', { headers: headers() })).text()")
    return re.search(r"^mlx_lm_running\{.*\} (\d+)", metrics, re.MULTILINE)[1]


def stop_works(page):
    page.click("#clear")
    expect(page.locator("article")).to_have_count(0)
    answer = ask(page, "Tell me a very long story about a dragon.")
    expect(answer.locator("> div").first).to_have_text(re.compile(".{20}", re.DOTALL), timeout=60_000)
    expect(page.locator("#send")).to_have_text("Stop")
    page.click("#send")
    ended(page)
    length = len(answer.inner_text())
    began = time.monotonic()
    while running(page) != "0":
        assert time.monotonic() - began < 20, "the server works on"
        time.sleep(0.1)
    assert len(answer.inner_text()) == length, "the answer grew behind the stop"
    # The conversation goes on behind what was stopped.
    ask(page, QUESTION)
    ended(page)
    expect(page.locator("article.assistant")).to_have_count(2)
    assert page.locator(".error").count() == 0, page.locator(".error").all_inner_texts()


def settings_count_and_stay(page):
    settings(page, max_tokens="3", system="You are terse.")
    page.reload()
    expect(page.locator("#model")).to_have_value(MODEL)
    assert page.input_value("#max_tokens") == "3" and page.input_value("#system") == "You are terse."
    answer = ask(page, QUESTION)
    ended(page)
    expect(answer.locator(".stats")).to_have_text(re.compile("3 out"))
    # The form does not take it; who leaves the form another way is told by the server.
    page.click("#open")
    page.fill("#temperature", "7")
    page.click("#settings button")
    expect(page.locator("#settings")).to_be_visible()
    page.keyboard.press("Escape")
    ask(page, QUESTION)
    expect(page.locator(".error")).to_contain_text("temperature")
    settings(page, temperature="", max_tokens="", system="")


def themes(page):
    back = "getComputedStyle(document.body).backgroundColor"
    seen = {}
    for system in ("light", "dark"):
        page.emulate_media(color_scheme=system)
        for chosen in ("light", "dark", "light dark"):
            settings(page, theme=chosen)
            seen[system, chosen] = page.evaluate(back)
    light, dark = seen["light", "light"], seen["dark", "dark"]
    assert light != dark, "light and dark look alike"
    expected = {"light": light, "dark": dark}
    for (system, chosen), colour in seen.items():
        assert colour == expected.get(chosen, expected[system]), seen


def nothing_is_html(page):
    """What people and models write is text."""
    page.click("#clear")
    ask(page, "<img src=x onerror='window.pwned=1'>")
    ended(page)
    assert page.locator("article img").count() == 0 and page.evaluate("window.pwned") is None


STEPS = (
    a_key_is_asked_for,
    a_model_is_picked,
    an_answer_streams,
    stop_works,
    settings_count_and_stay,
    themes,
    nothing_is_html,
)


def drive(context):
    page = context.new_page()
    requests, errors = [], []
    page.on("request", lambda request: requests.append(request.url))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if "Content Security" in message.text else None)
    for step in STEPS:
        step(page)
    foreign = [url for url in requests if not url.startswith((f"{URL}/", "data:"))]
    assert requests and not foreign, f"requests to others: {foreign}"
    assert not errors, errors


with sync_playwright() as play, tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
    context = play.chromium.launch_persistent_context(profile, executable_path=CHROMIUM, headless=True, args=ARGUMENTS)
    try:
        drive(context)
    finally:
        context.close()
