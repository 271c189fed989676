"""Keplr's own code for devices, from npm, in a page of a real browser: it drives the device by the HTTP way, beside the front panel."""

import shutil
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import client
import pytest
from expectation import assert_account, assert_signatures
from person import person

from conftest import require

pytestmark = [pytest.mark.interop, pytest.mark.browser]

PATIENCE_S = 120
BROWSER, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-sync",
)
PAGE = "<!doctype html><meta charset=utf-8><title>wallet</title><script src=wallet.js></script>"


class Quiet(SimpleHTTPRequestHandler):
    """Serves the wallet's page, and does not log it."""

    def log_message(self, *_words):
        """Say nothing."""


@pytest.fixture(scope="module")
def wallet(tmp_path_factory):
    """Give the address of a page that has Keplr's code in it."""
    require(client.why_no_node())
    folder = tmp_path_factory.mktemp("wallet")
    (folder / "index.html").write_text(PAGE)
    env = client.environment(home=folder, apdu_port=0)
    assert client.run_driver("node", "bundle", {"name": "keplr", "out": str(folder / "wallet.js")}, env=env) == {
        "errors": 0
    }
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def browser(tmp_path):
    """Give a browser with a new, empty profile."""
    if BROWSER is None or DRIVER is None:
        require("chromium or chromedriver is missing: run scripts/browser_setup")
    from selenium.webdriver import Chrome, ChromeOptions
    from selenium.webdriver.chrome.service import Service

    options = ChromeOptions()
    options.binary_location = BROWSER
    for flag in (*FLAGS, f"--user-data-dir={tmp_path / 'profile'}"):
        options.add_argument(flag)
    driver = Chrome(options=options, service=Service(DRIVER))
    driver.set_script_timeout(PATIENCE_S)
    yield driver
    driver.quit()


def ask(browser, request):
    """Have the wallet's page do what is asked; give its answer, or fail with its error."""
    script = (
        "const done = arguments[1];"
        "window.wallet(arguments[0]).then(answer => done({answer}), error => done({error: String(error)}))"
    )
    told = browser.execute_async_script(script, request)
    assert "error" not in told, told["error"]
    return told["answer"]


def test_keplr_opens_the_app_gets_the_key_and_signs_in_a_browser(start_device, browser, wallet, vectors):
    """From the dashboard: the version of the app, the account's key, and signatures of amino documents that chains take."""
    device = start_device("--approve")
    browser.get(wallet)
    asked = {"api_port": device.api_port, "open_app": True, "documents": vectors["documents"]}
    answer = ask(browser, asked)
    assert (answer["version"]["major"], answer["version"]["minor"], answer["version"]["patch"]) == (2, 38, 13)
    assert answer["info"]["app_name"] == "Cosmos"
    assert {one["return_code"] for one in answer["signatures"].values()} == {0x9000}
    assert_account(answer | {"address": vectors["address"]}, vectors)
    assert_signatures(answer, vectors, documents=vectors["documents"])


def test_a_person_decides_on_the_panels_page_beside_the_wallets(start_device, browser, wallet, vectors):
    """The front panel is open in a window of the same browser and shows the request; a refusal reaches Keplr as one."""
    device = start_device("--open", "Cosmos")
    browser.get(wallet)
    page = browser.current_window_handle
    browser.switch_to.new_window("window")
    browser.get(f"http://127.0.0.1:{device.api_port}/")
    shown = "return Number(document.documentElement.dataset.sequence || 0)"
    before = browser.execute_script(shown)
    browser.switch_to.window(page)
    worked = {"worked": vectors["documents"]["worked"]}
    asked = {"api_port": device.api_port, "open_app": False, "documents": worked}
    with person(port=device.api_port, decision="REJECT"):
        refused = ask(browser, asked)["signatures"]["worked"]
    assert (refused["der"], refused["return_code"]) == ("", 0x6986)
    with person(port=device.api_port, decision="APPROVE") as someone:
        answer = ask(browser, asked)
    assert someone.value("Amount") == "1.000000 ATOM"
    assert_signatures(answer, vectors, documents=worked)
    browser.switch_to.window(next(one for one in browser.window_handles if one != page))
    from selenium.webdriver.support.ui import WebDriverWait

    WebDriverWait(browser, PATIENCE_S).until(lambda driver: driver.execute_script(shown) > before)
