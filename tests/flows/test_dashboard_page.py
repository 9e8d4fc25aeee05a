"""The dashboard in a real browser, while a real small training runs."""

import re
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import mlflow
import pytest

from rlcore.run_folder import RunFolder
from tasks.tracking import find_run
from tests.browser import chromium, needs_chromium
from tests.flows.conftest import tiny_config
from tests.flows.processes import DEADLINE_SECONDS, start, toml_of

pytestmark = [needs_chromium, pytest.mark.timeout(600)]
OUTPUT = Path(__file__).parents[1] / "output"
"""Screenshots, to look at."""

PANELS = range(1, 11)
ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+\S*")


@dataclass
class Watched:
    """What a browser saw of a training."""

    folder: RunFolder
    drawn: list[dict[int, str]] = field(default_factory=list)
    """What each panel shows: early, and late."""
    console: list[str] = field(default_factory=list)
    """What the browser wrote, but for the failed connections of a page whose server was away."""
    away: set = field(default_factory=set)
    """Pages whose server is."""
    requests: list[str] = field(default_factory=list)
    after_restart: dict[str, int] = field(default_factory=dict)
    """What the page shows after its server was away."""
    hover: str = ""
    enlarged: bool = False
    picture: str = ""
    phone_overflow: int = 0
    runs: list[str] = field(default_factory=list)


def wait_until(condition, seconds=DEADLINE_SECONDS):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.1)


def address_of(process: subprocess.Popen[str]) -> str:
    """From the first line that has one."""
    for line in process.stdout:
        if found := ADDRESS.search(line):
            return found[0]
    raise AssertionError("no address was told")


def updates(page) -> dict[int, int]:
    return {number: int(page.locator(f"#panel-{number}").get_attribute("data-updates") or 0) for number in PANELS}


def shown(page) -> dict[int, str]:
    """What is drawn in each panel, without what says how often it was."""
    return {number: page.locator(f"#panel-{number} .body").inner_html() for number in PANELS}


def follow(page, watched):
    def note(message):
        if page not in watched.away or "net::ERR_CONNECTION_" not in message.text:
            watched.console.append(f"{message.type}: {message.text}")

    page.on("console", note)
    page.on("pageerror", lambda error: watched.console.append(f"error: {error}"))
    page.on("request", lambda request: watched.requests.append(request.url))
    page.on("websocket", lambda socket: watched.requests.append(socket.url))


def counts(page) -> dict[str, int]:
    """How many episodes and validations the page has."""
    return page.evaluate("() => window.dashboard.counts")


@pytest.fixture(scope="module")
def watched(mlruns, prefect, tmp_path_factory):
    config = tmp_path_factory.mktemp("watched") / "watched.toml"
    config.write_text(toml_of(tiny_config(target_episodes=120, dashboard_pictures=True)))
    training = start(mlruns, "run", "--config", str(config), "--name", "watched", "--port", "0")
    seen, servers = Watched(RunFolder(mlruns / "stage1" / "watched")), []
    try:
        with chromium() as browser:
            watch(browser, address_of(training), training, seen, servers, mlruns)
    finally:
        for process in (training, *servers):
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=DEADLINE_SECONDS)
    return seen


def watch(browser, address, training, seen, servers, mlruns):
    """The training from its first minute; its server is then taken away, and another one is put in its place."""
    page = browser.new_page(viewport={"width": 1600, "height": 1000}, color_scheme="light")
    follow(page, seen)
    page.goto(address)
    wait_until(lambda: seen.folder.journal.read("rollout"))
    wait_until(lambda: all(updates(page)[number] for number in PANELS if number != 6))
    seen.drawn.append(shown(page))
    server, port = serve(mlruns, 0)
    servers.append(server)
    other = browser.new_page(viewport={"width": 1600, "height": 1000}, color_scheme="dark")
    follow(other, seen)
    other.goto(f"http://127.0.0.1:{port}/?run=watched")
    wait_until(lambda: other.evaluate("() => window.dashboard.connected"))
    seen.away.add(other)
    server.send_signal(signal.SIGKILL)
    server.wait()
    before = len(seen.folder.journal.read("rollout"))
    wait_until(lambda: not other.evaluate("() => window.dashboard.connected"))
    wait_until(lambda: len(seen.folder.journal.read("rollout")) > before or training.poll() is not None)
    seen.away.add(page)  # its server ends with the training, which may be now
    servers.append(serve(mlruns, port)[0])
    wait_until(lambda: other.evaluate("() => window.dashboard.connected"))
    seen.away.remove(other)
    wait_until(lambda: seen.folder.journal.read("ended"))
    wait_until(lambda: "finished" in other.inner_text("header"))
    page_end(page, seen)
    wait_until(lambda: counts(other)["episodes"] == 120)
    seen.after_restart = counts(other)
    # the list is told of it up to a second later than the page's head
    wait_until(lambda: any("watched · finished" in text for text in other.locator("#runs option").all_text_contents()))
    seen.runs = other.locator("#runs option").all_text_contents()
    look_closer(other, seen)
    OUTPUT.mkdir(exist_ok=True)
    other.screenshot(path=OUTPUT / "dashboard-dark.png", full_page=True)
    other.emulate_media(color_scheme="light")
    other.wait_for_timeout(500)
    other.screenshot(path=OUTPUT / "dashboard-light.png", full_page=True)
    other.set_viewport_size({"width": 390, "height": 844})
    other.wait_for_timeout(500)
    seen.phone_overflow = other.evaluate("() => document.documentElement.scrollWidth - window.innerWidth")
    other.screenshot(path=OUTPUT / "dashboard-phone.png", full_page=True)


def serve(mlruns, port):
    """``stage1 dashboard`` as a process, and its port."""
    process = start(mlruns, "dashboard", "--port", str(port))
    return process, urlsplit(address_of(process)).port


def page_end(page, seen):
    """The page of the training's own server, which ends with it: what it had drawn by then."""
    seen.drawn.append(shown(page))


def look_closer(page, seen):
    """A point's logo, an enlarged picture, a picture of the whole."""
    point = page.locator("#panel-8 .points path").first
    point.scroll_into_view_if_needed()
    point.hover(force=True)
    card = page.locator("#panel-8 .card img")
    card.wait_for(state="visible", timeout=10_000)
    wait_until(lambda: card.evaluate("image => image.complete && image.naturalWidth > 0"), 10)
    seen.hover = page.locator("#panel-8 .card").inner_text()
    page.mouse.move(0, 0)
    page.locator("#gallery button").first.click()
    seen.enlarged = page.locator("dialog[open] img").is_visible()
    page.keyboard.press("Escape")
    page.locator("#draw").click()
    link = page.locator("#picture")
    wait_until(lambda: page.locator("#draw").inner_text() == "Draw picture")
    seen.picture = link.evaluate("link => link.href")
    assert page.request.get(seen.picture).headers["content-type"] == "image/png"


def test_all_ten_panels_are_drawn_and_change(watched):
    early, late = watched.drawn
    assert all(early[number] for number in PANELS)
    assert [number for number in PANELS if late[number] == early[number]] == []


def test_a_server_that_is_started_again_loses_nothing(watched):
    assert watched.after_restart == {"episodes": 120, "validations": 5}


def test_the_browser_has_nothing_to_complain_of(watched):
    assert [line for line in watched.console if line.startswith(("error", "warning"))] == []


def test_no_request_leaves_the_machine(watched):
    hosts = {urlsplit(url).hostname for url in watched.requests if not url.startswith(("data:", "blob:"))}
    assert hosts == {"127.0.0.1"}


def test_a_point_shows_its_logo_and_a_picture_is_enlarged(watched):
    assert "gain" in watched.hover
    assert watched.enlarged


def test_a_picture_is_drawn_when_asked(watched):
    assert watched.picture.endswith("/dashboard_000120.png")


def test_the_runs_to_choose_from_are_listed_with_their_state(watched):
    assert any("watched · finished" in text for text in watched.runs), watched.runs


def test_a_phone_needs_no_sideways_scrolling(watched):
    assert watched.phone_overflow <= 0


def test_the_run_kept_a_picture_for_each_chunk_and_the_end(watched):
    names = {path.name for path in (watched.folder.path / "pictures").glob("*.png")}
    assert {"dashboard_latest.png", "dashboard_000120.png"} <= names
    told = watched.folder.journal.read("picture")
    assert {f"validation {episode}" for episode in (0, 30, 60, 90, 120)} <= {entry["key"] for entry in told}
    assert all((watched.folder.path / entry["file"]).exists() for entry in told)
    mlflow.set_tracking_uri(f"sqlite:///{watched.folder.path.parent.parent / 'mlflow.db'}")
    items = mlflow.MlflowClient().list_artifacts(find_run(watched.folder.path), "dashboard")
    assert {item.path.removeprefix("dashboard/") for item in items} == {Path(entry["file"]).name for entry in told}
