"""The comparison in words, as JSON, as a page, and as a section of the final report."""

import dataclasses
import io
import json
import re

import numpy as np
import pytest
from PIL import Image

from rlcore.judging.standings import About, ComparisonTable, Curve, Lead, Saving, Standing
from rlcore.judging.validation import Validation, summarise
from rlcore.reporting.comparison_figures import gain_curves, leads
from rlcore.reporting.comparison_findings import (
    COLUMNS,
    MORE_COLUMNS,
    comparison_content,
    conclusions,
    readings,
    rivals,
)
from rlcore.reporting.comparison_page import comparison_page, write_comparison
from rlcore.reporting.drawing import apart
from rlcore.reporting.findings import report_content
from rlcore.reporting.pages import Picture
from rlcore.reporting.report import html_page
from rlcore.reporting.summary import summary_text
from rlcore.reporting.tables import cells
from rlcore.statistics import Difference, Estimate
from tests.rlcore.made import result
from tests.rlcore.report_evidence import HOSTILE_NAME, case

PICTURES = [Picture("", 600, b"light", b"dark")] * 4


def standing(searcher, traces, gain, ahead=None, seeds=1):
    results = [result(gain=gain + shift, success=shift > 0) for shift in (-0.25, 0.25)]
    summary = summarise(results)
    breakdown = {"all": summary, "simple": summary, "transparent": summary}
    lead = None
    if ahead is not None:
        difference = Difference(ahead, ahead - 0.1, ahead + 0.1, 2)
        lead = Lead(min(traces, 8), difference, difference, Estimate(0.625, 0.5, 0.75, 2))
    return Standing(searcher, traces, seeds, summary, gain, tuple(r.gain for r in results), breakdown, lead)


def curve(searcher, count, best):
    means = tuple(best * (1 - 0.5 ** (number + 1)) for number in range(count))
    return Curve(searcher, means, tuple(m - 0.1 for m in means), tuple(m + 0.1 for m in means))


def judged(name):
    return Validation(name, 0, 8, "simple", (result(name=HOSTILE_NAME), result(has_alpha=False, ssim_improvement=0.9)))


@pytest.fixture(scope="module")
def table():
    standings = [
        *(standing("agent", count, 2 + count / 10) for count in (1, 2, 8)),
        standing("plain VTracer", 1, 0.0, 2.1),
        standing("best single setting", 1, 1.9, 0.2),
        standing("portfolio", 2, 2.25, -0.05),
        standing("portfolio", 8, 3.0, -0.2),
        standing("TPE", 8, 2.5, 0.3, seeds=5),
        standing("TPE", 50, 2.6, 0.2, seeds=5),
        standing("CMA-ES", 40, 2.5, 0.3, seeds=5),
        standing("reference search", 400, 3.2, -0.4),
    ]
    lines = [("agent", 8, 2.8), ("portfolio", 8, 3.0), ("random", 200, 2.7), ("TPE", 60, 2.81), ("CMA-ES", 200, 2.79)]
    return ComparisonTable(
        About(f"{HOSTILE_NAME}.pt", "default, test split", 434),
        "simple",
        0.5,
        0.75,
        2,
        (1, 2, 8),
        tuple(standings),
        tuple(curve(*line) for line in lines),
        (Saving("random", None, 200), Saving("TPE", 57, 60)),
        judged("agent"),
        judged("portfolio"),
    )


def test_rivals_are_those_that_the_agent_has_to_beat(table):
    found = [(rival.searcher, rival.traces) for rival in rivals(table)]
    assert found == [("best single setting", 1), ("portfolio", 2), ("portfolio", 8), ("TPE", 50), ("CMA-ES", 40)]


def test_sentences_are_as_strong_as_their_intervals(table):
    told = conclusions(table)
    assert "with 1 trace is above that of best single setting with 1 trace: +0.200 [+0.100, +0.300]" in told[0]
    assert "with 2 traces is not distinguishable from that of portfolio with 2 traces" in told[1]
    assert "with 8 traces is below that of portfolio with 8 traces" in told[2]
    assert "with 8 traces is above that of TPE with 50 traces" in told[3]
    assert told[-2] == "Random does not reach in 200 traces the mean gain that the agent reaches with 8."
    assert told[-1] == "TPE needs 57 traces for the mean gain that the agent reaches with 8."


def test_cells(table):
    rows = cells(table.standings, MORE_COLUMNS)
    assert rows[2] == ["agent", "8", "2.800", "2.800", "0.500", "50.0\u00a0%", "0.500", "0.500", "–", "–", "–"]
    assert rows[6][-3:] == ["−0.200 [−0.300, −0.100]", "8", "62.5\u00a0% [50.0, 75.0]"]


def test_readings_have_success_by_kind_of_logo(table):
    head, *rows = readings(table)
    assert head[:5] == [
        "Reading",
        "Logos",
        *(f"{name}: success" for name in ("agent (8)", "portfolio (8)", "best single setting (1)")),
    ]
    assert [row[0] for row in rows] == ["all", "simple", "transparent", "against cleaned plain"]
    assert rows[0][1:4] == ["2", "50.0\u00a0%", "50.0\u00a0%"]
    assert rows[-1][2:] == ["0.0\u00a0%"] * 3 + ["0.250"] * 3


def test_json_and_html_files(table, tmp_path):
    written = write_comparison(table, tmp_path / "new" / "c.json", tmp_path / "c.html")
    assert [path.name for path in written] == ["c.json", "c.html"]
    content = json.loads(written[0].read_text())
    assert content["conclusions"] == conclusions(table)
    assert content["savings"][0] == {"searcher": "random", "needed": None, "searched": 200}
    del content["conclusions"]
    assert ComparisonTable.from_dict(content) == table
    assert written[1].read_text() == comparison_page(table)
    assert write_comparison(table, None, None) == []


@pytest.fixture(scope="module")
def page(table):
    return comparison_page(table)


def test_the_page_has_every_figure_of_the_table(page, table):
    text = re.sub(r"<[^>]+>", "\n", page)
    shown = {line.strip() for line in text.splitlines()}
    for row in cells(table.standings, MORE_COLUMNS):
        assert set(row) <= shown
    assert "434 left out" in page
    assert "&gt; 200 traces" in page
    assert "57 traces" in page


def test_the_page_is_whole_without_script_or_address(page):
    assert "<script" not in page
    assert "http" not in page
    assert 'src="data:image/png;base64,' in page
    assert not re.search(r"url\(|@import|<link(?! rel=\"icon\" href=\"data:,\")", page)
    assert "prefers-color-scheme: dark" in page


def test_the_same_table_gives_the_same_page(page, table):
    assert comparison_page(table) == page


def shape(content):
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB")).shape


@pytest.mark.parametrize("dark", [False, True])
def test_figures_have_their_size(table, dark):
    assert shape(gain_curves(table, dark=dark)) == (744, 1440, 3)
    assert shape(leads(table, dark=dark)) == (648, 720, 3)


def test_figures_with_next_to_nothing(table):
    bare = dataclasses.replace(table, standings=table.standings[:1], curves=(curve("agent", 1, 1.0),), budgets=(1,))
    assert shape(gain_curves(bare)) == (744, 1440, 3)
    assert shape(leads(bare)) == (648, 720, 3)


@pytest.mark.parametrize(
    ("places", "expected"),
    [
        ([], []),
        ([0.5], [0.5]),
        ([0.1, 0.9], [0.1, 0.9]),
        ([0.5, 0.5], [0.45, 0.55]),
        ([0.9, 0.5, 0.52], [0.9, 0.46, 0.56]),
        # the first two come nearer to the third by making room for each other
        ([0.5, 0.5, 0.62], [0.44, 0.54, 0.64]),
    ],
)
def test_labels_are_moved_apart_no_further_than_needed(places, expected):
    assert apart(places, 0.1) == pytest.approx(expected)


def test_labels_never_touch_and_keep_their_order():
    places = np.random.default_rng(0).random(9)
    found = np.array(apart(places.tolist(), 0.08))
    assert (np.diff(np.sort(found)) >= 0.08 - 1e-9).all()
    assert found.argsort().tolist() == places.argsort().tolist()


def test_the_report_has_the_comparison_in_all_its_forms(table):
    evidence = dataclasses.replace(case().evidence, comparison=table)
    content = json.dumps(comparison_content(table))
    assert json.dumps(report_content(evidence)["comparison"]) == content
    text = summary_text(evidence)
    assert "Comparison with every searcher" in text
    assert max(map(len, text.splitlines())) <= 100
    assert all(column.title in text for column in COLUMNS)
    assert "Random does not reach in 200 traces" in text
    html = html_page(evidence, [], PICTURES)
    assert 'id="comparison"' in html
    assert "434 left out" in html
    assert "<script" not in html


def test_a_report_without_a_comparison_says_so():
    evidence = case().evidence
    assert report_content(evidence)["comparison"] is None
    assert "was not made" in summary_text(evidence)
    assert 'id="comparison"' not in html_page(evidence, [], PICTURES)
