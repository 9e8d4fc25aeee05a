"""The picture of the whole dashboard: read back from its axes, and as a PNG."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Sequence
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Wedge
from matplotlib.text import Text
from PIL import Image

from rlcore.config import Stage1Config, load_config
from rlcore.dashboard.picture import dashboard_figure, dashboard_picture
from rlcore.dashboard.picture_panels import MOST_POINTS, NOTHING
from rlcore.progress.health import indicators, score
from rlcore.progress.state import RunState
from rlcore.records import SEVERITIES
from rlcore.reporting.drawing import DARK, LIGHT
from tests.rlcore.dashboard.made_journal import BEGUN, alert_entry, entries, entry, until

TITLES = [
    "1  Training progress",
    "2  Quality",
    "3  Validation",
    "4  Success rate",
    "5  Training health",
    "6  Milestones and alerts",
    "7  Reward distribution",
    "8  Quality against gain",
    "9  Velocity",
    "10  System",
]
EPISODES = 1500
CONFIG = load_config(None, {"target_episodes": EPISODES, "validation_frequency": 500})
HOSTILE = "a$\\frac$ name_{that} goes  on\nand on " * 12


def lines(name: str = "made-run") -> list[dict[str, Any]]:
    return entries(EPISODES, chunk=500, name=name)


@functools.cache
def state(kind: str) -> RunState:
    """Not to be changed: several tests look at it."""
    if kind == "empty":
        return RunState()
    if kind == "begun":
        return RunState.of(itertools.takewhile(lambda line: line["event"] != "baselines", lines()))
    if kind == "untrained":
        return RunState.of(itertools.takewhile(lambda line: line["event"] != "episode", lines()))
    if kind == "hostile":
        return RunState.of(hostile_lines())
    episode = {"early": 125, "mid": 875, "finished": EPISODES}[kind]
    return RunState.of(lines() if kind == "finished" else until(lines(), episode))


def hostile_lines() -> list[dict[str, Any]]:
    """Long names with line ends, dollars and backslashes wherever a text comes from outside."""
    made = lines(HOSTILE)
    for line in made:
        if line["event"] == "baselines":
            line["searchers"] = [{**one, "searcher": f"{HOSTILE}{one['searcher']}"} for one in line["searchers"]]
    end = made.pop()
    for number in range(30):
        severity = SEVERITIES[number % 4]
        texts = {"message": f"{number} {HOSTILE}", "recommendation": f"{number} {HOSTILE}"}
        made.append(alert_entry(end["time"], severity=severity, check=str(number), episode=9_999_999, **texts))
    made.append(entry("milestone", end["time"], name="x" * 300, episode=9_999_999, message="x" * 300))
    return [*made, entry("ended", end["time"], status="FAILED", reason=HOSTILE, resumable=True)]


STATES = ("empty", "begun", "untrained", "early", "mid", "finished", "hostile")


@functools.cache
def figure(kind: str) -> Figure:
    found = dashboard_figure(state(kind), CONFIG)
    found.draw_without_rendering()  # until then a legend does not know where its texts are
    return found


def panel(number: int, kind: str = "finished") -> Axes:
    return figure(kind).axes[number - 1]


def titles(axes: Axes) -> tuple[str, str]:
    return axes.get_title(loc="left"), axes.get_title(loc="right")


def texts(axes: Axes) -> list[str]:
    return [text.get_text() for text in axes.texts]


def curves(axes: Axes) -> list[Line2D]:
    return [line for line in axes.lines if len(line.get_xdata()) > 2]


def dashed(axes: Axes) -> dict[str, float]:
    """Lines across the panel by their label."""
    found = {str(line.get_label()): line for line in axes.lines if list(line.get_xdata()) == [0, 1]}
    return {label: float(line.get_ydata()[0]) for label, line in found.items()}


def assert_draws(line: Line2D, seen: RunState, name: str) -> None:
    curve = seen.series[name]
    assert len(curve.x) > 2
    np.testing.assert_array_equal(line.get_xdata(), curve.x)
    np.testing.assert_array_equal(line.get_ydata(), curve.y)


def pixels(content: bytes) -> np.ndarray:
    with Image.open(BytesIO(content)) as image:
        assert image.format == "PNG"
        assert image.info.keys() <= {"dpi"}, "no date and no version inside"
        return np.asarray(image.convert("RGB"))


@functools.cache
def picture(kind: str, dark: bool = False) -> bytes:
    return dashboard_picture(state(kind), CONFIG, dark=dark)


# -- as a PNG


def test_it_is_a_png_of_1600_by_2220_pixels():
    assert pixels(picture("finished")).shape == (2220, 1600, 3)


def test_the_same_state_gives_the_same_bytes():
    again = dashboard_picture(RunState.of(until(lines(), 875)), CONFIG)
    assert again == picture("mid")
    assert again != picture("early")


@pytest.mark.parametrize(("dark", "theme"), [(False, LIGHT), (True, DARK)])
def test_light_and_dark(dark, theme):
    ground = [int(theme.ground[at : at + 2], 16) for at in (1, 3, 5)]
    shown = pixels(picture("mid", dark))
    is_ground = (shown == ground).all(axis=2)
    assert is_ground[[0, -1]].all()
    assert is_ground[:, [0, -1]].all(), "nothing reaches the edge"
    assert 0.7 < is_ground.mean() < 0.95


def test_drawing_does_not_change_the_state():
    before = RunState.of(until(lines(), 875))
    dashboard_figure(before, CONFIG)
    assert before.series == RunState.of(until(lines(), 875)).series
    empty = RunState()
    dashboard_figure(empty, CONFIG)
    assert not empty.series


# -- the panels


@pytest.mark.parametrize("kind", STATES)
def test_ten_panels_are_numbered(kind):
    assert [titles(axes)[0] for axes in figure(kind).axes[:10]] == TITLES
    assert not any("".join(titles(axes)) for axes in figure(kind).axes[10:]), "the CPU's axis has no title of its own"


def test_an_empty_state_says_ten_times_that_there_is_nothing():
    assert [texts(axes) for axes in figure("empty").axes] == [
        ["none yet"] if number == 6 else [NOTHING] for number in range(1, 11)
    ]


def test_a_run_that_has_begun_says_so_where_there_is_nothing_yet():
    empty = [number for number in range(1, 11) if {NOTHING, "none yet"} & {*texts(panel(number, "begun"))}]
    assert empty == [1, 2, 3, 4, 5, 6, 7, 8, 9]


def test_an_untrained_run_has_baselines_and_a_validation():
    empty = [number for number in range(1, 11) if {NOTHING, "none yet"} & {*texts(panel(number, "untrained"))}]
    assert empty == [1, 2, 5, 6, 7, 8, 9]


@pytest.mark.parametrize("kind", ["mid", "finished", "hostile"])
def test_nothing_is_said_to_be_missing_once_it_is_there(kind):
    assert not any({NOTHING, "none yet"} & {*texts(axes)} for axes in figure(kind).axes)


@pytest.mark.parametrize(("number", "name"), [(1, "reward"), (2, "quality")])
def test_episodes_and_their_moving_average(number, name):
    dots, mean = curves(panel(number))[:2]
    assert (dots.get_linestyle(), dots.get_marker()) == ("None", ".")
    assert_draws(dots, state("finished"), f"episode/{name}")
    assert_draws(mean, state("finished"), f"episode/{name}_mean")


def test_training_is_shown_as_far_as_its_target():
    low, high = panel(1, "early").get_xlim()
    assert low <= 0
    assert EPISODES <= high < 1.1 * EPISODES


def test_the_time_left_is_in_the_title_line():
    left = state("mid").time_left
    assert left is not None
    minutes, seconds = divmod(round(left.seconds), 60)
    assert titles(panel(1, "mid"))[1].startswith(f"ETA {minutes} min {seconds:02d} s (95 %: ")
    assert titles(panel(1, "finished"))[1] == "all episodes are done"
    assert titles(panel(1, "empty"))[1] == ""


def test_quality_has_its_targets():
    assert dashed(panel(2)) == {"target: 0.85": 0.85, "0.70": 0.7, "0.80": 0.8}
    strict = dashboard_figure(state("early"), load_config(None, {"quality_target": 0.8})).axes[1]
    assert dashed(strict) == {"target: 0.8": 0.8, "0.70": 0.7}


def band(axes: Axes) -> np.ndarray:
    return axes.collections[0].get_paths()[0].vertices


@pytest.mark.parametrize(("number", "name"), [(3, "gain"), (4, "success_rate")])
def test_validations_have_a_band(number, name):
    found = next(line for line in curves(panel(number)) if "95 % interval" in str(line.get_label()))
    assert_draws(found, state("finished"), f"validation/{name}")
    for end in ("low", "high"):
        curve = state("finished").series[f"validation/{name}_{end}"]
        edge = set(map(tuple, band(panel(number))))
        assert edge >= set(zip(curve.x, curve.y, strict=True))


def test_baselines_are_lines_with_their_traces():
    assert dashed(panel(3)) == {
        "plain VTracer, 1 trace: 0.00 (below)": 0.0,
        "cleaned plain, 1 trace: 1.20 (below)": 1.204,
        "Method 1, 1 trace: 0.56 (below)": 0.561,
        "best single setting, 1 trace: 4.36": 4.36,
        "portfolio, 8 traces: 4.53": 4.53,
    }


def test_baselines_far_below_do_not_squeeze_the_others():
    low, high = panel(3).get_ylim()
    assert 3.4 < low < 4.36
    assert high < 5.2


def test_a_bad_agent_is_shown_among_all_baselines():
    made = RunState.of(line for line in lines() if line["event"] in ("baselines", "started"))
    axes = dashboard_figure(made, CONFIG).axes[2]
    assert axes.get_ylim()[0] < 0
    assert not any("below" in label for label in dashed(axes))


def test_the_test_is_a_star():
    stars = [line for line in panel(3).lines if line.get_marker() == "*"]
    assert [(list(star.get_xdata()), list(star.get_ydata())) for star in stars] == [([EPISODES], [4.66])]
    assert not [line for line in panel(3, "mid").lines if line.get_marker() == "*"]


def test_the_best_validation_is_named():
    gains = state("finished").series["validation/gain"]
    best = max(gains.y)
    assert titles(panel(3))[1] == f"best gain: {best:.3f} at episode {gains.x[gains.y.index(best)]:,}"


def test_success_rate():
    rolling = curves(panel(4))[0]
    assert_draws(rolling, state("finished"), "episode/success_mean")
    assert dashed(panel(4)) == {"target: 80\u00a0%": 0.8}
    rate = state("finished").series["validation/success_rate"].y[-1]
    assert titles(panel(4))[1] == f"last validation: {100 * rate:.1f}\u00a0%"


def test_rewards_are_counted():
    heights = [patch.get_height() for patch in panel(7).patches]
    assert sum(heights) == len(state("finished").recent) == 500
    rewards = [episode.reward for episode in state("finished").recent]
    assert {str(line.get_label()): float(line.get_xdata()[0]) for line in panel(7).lines} == {
        f"mean: {np.mean(rewards):.3f}": pytest.approx(np.mean(rewards)),
        f"median: {np.median(rewards):.3f}": pytest.approx(np.median(rewards)),
    }


def test_successes_and_others_by_gain_and_quality():
    recent = state("finished").recent
    for found, success in zip(panel(8).collections, (True, False), strict=True):
        places = [(e.gain, e.quality) for e in recent if e.success == success]
        np.testing.assert_array_equal(found.get_offsets(), places)
    r = np.corrcoef([e.gain for e in recent], [e.quality for e in recent])[0, 1]
    assert titles(panel(8))[1] == f"correlation r = {r:.2f}, last 500 episodes"


def test_velocity():
    made = state("finished")
    assert_draws(curves(panel(9))[0], made, "rollout/episodes_per_minute")
    mean = 60 * made.mean_velocity
    assert dashed(panel(9)) == {f"mean: {mean:,.0f}": mean}
    assert titles(panel(9))[1] == f"lately: {60 * made.velocity:,.0f} a minute"
    assert panel(9).get_ylim()[0] == 0


def test_a_slow_pace_is_not_told_as_zero():
    made = until(lines(), 250)
    for line in made:
        if line["event"] == "rollout":
            line["rollout"] = {**line["rollout"], "seconds": 15_000.0}
    assert titles(dashboard_figure(RunState.of(made), CONFIG).axes[8])[1] == "lately: 0.5 a minute"


def test_system_is_drawn_over_minutes():
    made = state("finished")
    cpu = figure("finished").axes[10]
    memory, main = curves(panel(10))
    for line, name in ((memory, "memory_mib"), (main, "main_memory_mib"), (curves(cpu)[0], "cpu_percent")):
        curve = made.series[f"system/{name}"]
        np.testing.assert_allclose(line.get_xdata(), (np.array(curve.x) - BEGUN) / 60)
        np.testing.assert_array_equal(line.get_ydata(), curve.y)
    assert made.system is not None
    assert titles(panel(10))[1] == f"{made.system['disk_free_mib'] / 1024:.1f} GiB of disk free, 2 workers"
    assert cpu.get_ylim() == (0, 105)


# -- health


def gauge_and_bars(axes: Axes) -> tuple[Axes, Axes]:
    gauge, bars = axes.child_axes
    return gauge, bars


def of_rollouts(**train: float) -> RunState:
    """A run whose rollouts say this."""
    made = until(lines(), 500)
    for line in made:
        if line["event"] == "rollout":
            line["rollout"] = {**line["rollout"], "train": train}
    return RunState.of(made)


def test_the_gauge_shows_the_score():
    gauge, _ = gauge_and_bars(panel(5))
    whole, part = (patch for patch in gauge.patches if isinstance(patch, Wedge))
    value = score(indicators(CONFIG, state("finished")))
    assert value is not None
    assert (whole.theta1, whole.theta2, part.theta2) == (0, 180, 180)
    assert part.theta1 == pytest.approx(180 - 1.8 * value)
    assert f"{value:.0f}" in texts(gauge)


def test_the_indicators_are_bars_with_value_and_limit():
    _, bars = gauge_and_bars(panel(5))
    found = indicators(CONFIG, state("finished"))
    drawn = [patch.get_width() for patch in bars.patches][1::2]
    assert drawn == pytest.approx([one.headroom for one in reversed(found)])
    assert {one.name for one in found} < {*texts(bars)}
    kl = found[0].value
    assert f"{kl:.3g} (limit 1)" in texts(bars)


def test_a_training_at_its_limit_is_at_zero_and_says_why():
    axes = dashboard_figure(of_rollouts(approx_kl=5.0, entropy_loss=-1.0), CONFIG).axes[4]
    gauge, bars = gauge_and_bars(axes)
    assert {"0", "least headroom: approximate KL"} <= {*texts(gauge)}
    assert "5 (limit 1)" in texts(bars)
    assert "– (limit −1)" in texts(bars), "explained variance was not recorded"


def test_a_figure_that_is_no_number_is_drawn():
    axes = dashboard_figure(of_rollouts(approx_kl=float("nan")), CONFIG).axes[4]
    assert "nan (limit 1)" in texts(gauge_and_bars(axes)[1])


# -- news


def rows(axes: Axes) -> list[list[str]]:
    """The list's texts, a row each, without its heads."""
    placed: dict[float, list[str]] = {}
    for text in axes.texts:
        placed.setdefault(round(text.get_position()[1], 6), []).append(text.get_text())
    return [placed[height] for height in sorted(placed, reverse=True)][1:]


def with_news(*news: dict[str, Any]) -> Axes:
    return dashboard_figure(RunState.of(news), CONFIG).axes[5]


@pytest.mark.parametrize("severity", SEVERITIES)
def test_an_alert_with_its_advice(severity):
    told = alert_entry(5.0, severity=severity, episode=1375, message="KL is high", recommendation="Lower it.")
    axes = with_news(told)
    assert rows(axes) == [[severity, "1,375", "open", "KL is high"], ["→ Lower it."]]
    assert titles(axes)[1] == "open alerts: 1"


def test_severities_differ_in_colour():
    told = [alert_entry(1.0, severity=severity, check=severity) for severity in SEVERITIES]
    colors = {text.get_text(): text.get_color() for text in with_news(*told).texts}
    assert len({colors[severity] for severity in SEVERITIES}) == len(SEVERITIES)


def test_the_newest_is_first_and_what_is_over_says_so():
    first = alert_entry(1.0, check="kl", episode=100, message="first", recommendation="")
    reached = entry("milestone", 2.0, name="best", episode=200, message="second")
    last = alert_entry(3.0, check="disk", episode=300, message="third", recommendation="")
    over = entry("alert_over", 4.0, check="kl", raised=100, episode=250)
    axes = with_news(first, reached, last, over)
    assert [row[-1] for row in rows(axes)] == ["third", "second", "first"]
    assert [row[-2] for row in rows(axes)] == ["open", "200", "over"]
    assert titles(axes)[1] == "open alerts: 1"


def test_what_has_no_room_is_counted():
    told = [alert_entry(float(number), check=str(number), message=f"number {number}") for number in range(40)]
    axes = with_news(*told)
    shown = [row[-1] for row in rows(axes) if row[0] == "medium"]
    assert 5 <= len(shown) < 40
    assert shown == [f"number {number}" for number in range(39, 39 - len(shown), -1)]
    assert rows(axes)[-1] == [f"and {40 - len(shown)} earlier"]


def test_long_texts_are_shortened_at_a_word():
    advice = "Lower the learning rate and look at the losses. " * 5
    axes = with_news(alert_entry(1.0, message="short", recommendation=advice))
    (found,) = rows(axes)[1]
    assert found.startswith("→ Lower the learning rate and")
    assert found.endswith("…")
    assert advice.startswith(found.removeprefix("→ ").removesuffix("…"))


# -- a rollback


def test_after_a_rollback_nothing_of_what_was_forgotten_is_drawn():
    made = until(lines(), 875)
    back = entry("rollback", made[-1]["time"], number=1, episode=500, reason="KL")
    alert = alert_entry(made[-1]["time"], check="kl", severity="critical", episode=875)
    shown = RunState.of([*made, alert, back])
    drawn = dashboard_figure(shown, CONFIG)
    for number, name in ((1, "episode/reward"), (2, "episode/quality"), (9, "rollout/episodes_per_minute")):
        line = curves(drawn.axes[number - 1])[0]
        assert_draws(line, shown, name)
        assert max(line.get_xdata()) == 500
    assert sum(patch.get_height() for patch in drawn.axes[6].patches) == len(shown.recent) < 500 + 1
    assert titles(drawn.axes[5])[1] == "open alerts: 0, 1 rollback"
    assert rows(drawn.axes[5])[0][:3] == ["critical", "875", "over"]


def test_after_a_rollback_to_the_beginning_there_is_nothing_again():
    made = [line for line in until(lines(), 125) if line["event"] != "validation"]
    back = entry("rollback", made[-1]["time"], number=1, episode=0, reason="KL")
    drawn = dashboard_figure(RunState.of([*made, back]), CONFIG)
    empty = [number for number, axes in enumerate(drawn.axes[:10], start=1) if NOTHING in texts(axes)]
    assert empty == [1, 2, 4, 5, 7, 8, 9]


# -- few episodes, many episodes


def test_a_single_episode_is_seen():
    made = list(itertools.takewhile(lambda line: line["event"] != "rollout", lines()))
    alone = RunState.of(made[: next(n for n, line in enumerate(made) if line["event"] == "episode") + 1])
    drawn = dashboard_figure(alone, CONFIG)
    for number in (1, 2):
        dots, _, mean = drawn.axes[number - 1].lines[:3]
        assert len(dots.get_xdata()) == len(mean.get_xdata()) == 1
        assert mean.get_marker() == ".", "a line of one point alone is not seen"
    assert titles(drawn.axes[7])[1] == "no correlation coefficient, 1 episode"


def test_equal_episodes_have_no_correlation():
    made = until(lines(), 125)
    for line in made:
        if line["event"] == "episode":
            line["episode"] = {**line["episode"], "gain": 1.0, "quality": 0.9, "reward": 1.0}
    drawn = dashboard_figure(RunState.of(made), CONFIG)
    assert titles(drawn.axes[7])[1] == "no correlation coefficient, 125 episodes"
    assert sum(patch.get_height() for patch in drawn.axes[6].patches) == 125


def test_5000_episodes_are_thinned_out_but_for_their_extremes():
    made = entries(5000, seed=3)
    peak = next(line for line in made if line["event"] == "episode" and line["episode"]["number"] == 2222)
    peak["episode"] = {**peak["episode"], "reward": 99.0}
    drawn = dashboard_figure(RunState.of(made), Stage1Config())
    assert max(len(line.get_xdata()) for axes in drawn.axes for line in axes.lines) <= MOST_POINTS
    dots = curves(drawn.axes[0])[0]
    assert len(dots.get_xdata()) > 0.9 * MOST_POINTS
    assert (2222, 99.0) in set(zip(dots.get_xdata(), dots.get_ydata(), strict=True))
    assert (dots.get_xdata()[0], dots.get_xdata()[-1]) == (1, 5000)


# -- the header


def header(kind: str) -> list[str]:
    return [text.get_text() for text in figure(kind).texts]


def test_the_header_says_which_run_and_how_far_it_is():
    made = state("mid")
    assert header("mid") == [
        "running",
        "made-run",
        f"training · episode 875 of 1,500 (58.3\u00a0%) · chunk 2 of 3 · last event {moment(made.last_time)}",
    ]
    assert header("finished")[0] == "finished"
    assert header("finished")[2].startswith("episode 1,500 of 1,500 (100.0\u00a0%) · chunk 3 of 3 · last event 2026")
    assert header("empty") == ["not begun", "a run that has not begun", NOTHING]


def moment(time: float) -> str:
    return str(np.datetime64(int(time), "s")).replace("T", " ") + " UTC"


def test_the_bar_is_as_long_as_what_is_trained():
    whole, part = (patch.get_width() for patch in figure("mid").artists)
    assert part / whole == pytest.approx(875 / 1500)


@pytest.mark.parametrize(("status", "word"), [("FINISHED", "finished"), ("FAILED", "failed"), ("KILLED", "stopped")])
def test_a_run_that_is_over(status, word):
    end = entry("ended", BEGUN + 9, status=status, reason="it broke", resumable=True)
    drawn = dashboard_figure(RunState.of([*until(lines(), 125), end]), CONFIG)
    assert drawn.texts[0].get_text() == word
    assert drawn.texts[2].get_text().endswith("UTC · it broke")
    assert titles(drawn.axes[0])[1] == ""


def test_a_run_whose_process_is_gone_is_lost():
    drawn = dashboard_figure(state("mid"), CONFIG, word="lost")
    assert drawn.texts[0].get_text() == "lost"
    assert titles(drawn.axes[0])[1] == ""


def test_a_stage_says_how_far_it_is():
    begun = list(itertools.takewhile(lambda line: line["event"] != "data", lines()))[:4]
    drawn = dashboard_figure(RunState.of(begun), CONFIG)
    assert drawn.texts[2].get_text().startswith("data: 0 of 2,460 · episode 0 of 1,500")


# -- nothing overlaps and nothing is cut off


def written(drawn: Figure) -> list[Text]:
    """All texts but those at the ticks."""
    ticks = {id(tick) for axes in drawn.axes for tick in (*axes.get_xticklabels(), *axes.get_yticklabels())}
    found: Sequence[Text] = drawn.findobj(lambda artist: isinstance(artist, Text))
    return [text for text in found if text.get_text() and text.get_visible() and id(text) not in ticks]


@pytest.mark.parametrize("kind", STATES)
def test_no_text_is_cut_off(kind):
    width, height = figure(kind).canvas.get_width_height()
    for text in written(figure(kind)):
        box = text.get_window_extent()
        assert box.x0 > 0, text
        assert box.x1 < width, text
        assert box.y0 > 0, text
        assert box.y1 < height, text


@pytest.mark.parametrize("kind", STATES)
def test_no_text_lies_on_another(kind):
    boxes = [(text.get_text(), text.get_window_extent().padded(-1.5)) for text in written(figure(kind))]
    pairs = itertools.combinations(boxes, 2)
    assert [(one, other) for (one, box), (other, second) in pairs if box.overlaps(second)] == []


@pytest.mark.parametrize("kind", STATES)
def test_the_panels_leave_each_other_room(kind):
    boxes = [axes.get_tightbbox() for axes in figure(kind).axes[:10]]
    assert not [1 for one, other in itertools.combinations(boxes, 2) if one.overlaps(other)]
    inside = [axes.get_window_extent() for axes in figure(kind).axes[:10]]
    assert min(box.width for box in inside) > 560
    assert min(box.height for box in inside) > 200


def test_texts_from_outside_are_shown_as_they_are():
    assert header("hostile")[1].startswith("a\\$\\frac\\$ name_{that} goes on and on a")
    assert header("hostile")[0] == "failed"
