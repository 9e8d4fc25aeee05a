from __future__ import annotations

import base64
import dataclasses
import functools
import json
import math
import re
from dataclasses import asdict
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from rlcore.conversion.evaluator import Evaluator
from rlcore.judging.validation import Summary, Validation
from rlcore.records import Evidence, Verdict
from rlcore.reporting.findings import conclusions, headline, main_comparison, report_content, skipped_reasons
from rlcore.reporting.gallery import GalleryItem, build_gallery
from rlcore.reporting.report import (
    COLUMNS,
    Picture,
    ReportFiles,
    cells,
    html_page,
    result_table,
    summary_text,
    write_report,
)
from rlcore.reporting.wording import decimal, duration, interval, percent, told
from rlcore.statistics import Difference, paired_difference
from tests.rlcore.report_evidence import HOSTILE_NAME, case


@functools.cache
def gallery() -> tuple[GalleryItem, ...]:
    with Evaluator() as evaluator:
        return tuple(build_gallery(case().evidence.test, case().subjects, evaluator, best=6, worst=6, typical=6))


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> ReportFiles:
    return write_report(case().evidence, gallery(), tmp_path_factory.mktemp("report"))


@pytest.fixture(scope="module")
def page(files: ReportFiles) -> str:
    return files.html.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def content(files: ReportFiles) -> dict[str, Any]:
    return json.loads(files.json.read_text(encoding="utf-8"), parse_constant=pytest.fail)


def mean_of(validation: Validation, field: str) -> float:
    return float(np.mean([getattr(result, field) for result in validation.of()]))


def test_every_file_is_there(files: ReportFiles) -> None:
    folder = files.json.parent
    names = {path.name for path in folder.iterdir()}
    assert names == {
        "stage1_final_report.json",
        "stage1_summary.txt",
        "stage1_training_progress.png",
        "report.html",
        "gallery",
    }
    assert {path.name for path in files.svgs} == {path.name for path in (folder / "gallery").iterdir()}
    assert len(files.svgs) == 2 * len(gallery())
    with Image.open(files.progress) as image:
        assert image.size == (1440, 1860)


def test_same_evidence_twice_gives_the_same_bytes(files: ReportFiles, tmp_path: Path) -> None:
    again = write_report(case().evidence, gallery(), tmp_path / "new" / "folder")
    for field in ("json", "summary", "progress", "html"):
        assert getattr(again, field).read_bytes() == getattr(files, field).read_bytes(), field


def test_json_figures_are_those_of_the_validations(content: dict[str, Any]) -> None:
    evidence = case().evidence
    for field, name in (("quality", "quality"), ("success", "success_rate"), ("gain", "gain"), ("regret", "regret")):
        assert content["headline"][name] == pytest.approx(mean_of(evidence.test, field), abs=1e-12)
    assert content["headline"]["traces"] == evidence.test.budget
    assert Validation.from_dict(content["test"]) == evidence.test
    assert content["breakdown"] == {name: asdict(part) for name, part in evidence.test.breakdown().items()}
    assert content["gain_after_traces"] == [evidence.test.gain_after(count) for count in (1, 2, 3, 4)]
    assert [entry["headline"] for entry in content["validations"]] == [
        asdict(v.headline()) for v in evidence.validations
    ]


def test_json_comparisons_and_intervals_are_recomputed(content: dict[str, Any]) -> None:
    evidence = case().evidence
    assert [entry["searcher"] for entry in content["comparisons"]] == [
        c.baseline.searcher for c in evidence.comparisons
    ]
    for entry, comparison in zip(content["comparisons"], evidence.comparisons, strict=True):
        assert entry["headline"] == asdict(comparison.baseline.headline())
        for field in ("gain", "ssim_improvement"):
            pairs = ([getattr(r, field) for r in v.of()] for v in (evidence.test, comparison.baseline))
            expected = paired_difference(*pairs)
            assert {**asdict(expected), "distinguishable": expected.low > 0 or expected.high < 0} == entry[field]
    last, first = evidence.validations[-1], evidence.validations[0]
    assert content["training_effect"]["mean"] == pytest.approx(mean_of(last, "gain") - mean_of(first, "gain"))
    for field, expected_interval in content["intervals"].items():
        assert expected_interval["low"] <= expected_interval["mean"] <= expected_interval["high"]
        assert expected_interval["mean"] == pytest.approx(mean_of(evidence.test, field))


def test_json_target(content: dict[str, Any]) -> None:
    rate = mean_of(case().evidence.test, "success")
    assert content["target"]["reached"] == (rate >= 0.8)
    assert content["target"]["missing"] == pytest.approx(max(0.0, 0.8 - rate))
    assert content["target"]["ssim_improvement_threshold"] == 0.75


def test_what_is_not_finite_becomes_null(content: dict[str, Any]) -> None:
    assert math.isnan(case().evidence.rollouts[2].train["value_loss"])
    assert content["rollouts"][2]["train"]["value_loss"] is None
    assert content["rollouts"][3]["train"]["value_loss"] == case().evidence.rollouts[3].train["value_loss"]


def test_result_table_and_its_cells() -> None:
    rows = result_table(case().evidence)
    names = ["agent", "plain VTracer", "cleaned plain", "Method 1", "best single setting", "random"]
    assert [row.searcher for row in rows] == names
    assert [row.is_agent for row in rows] == [True] + [False] * 5
    table = cells(rows, COLUMNS)
    assert all(len(row) == len(COLUMNS) for row in table)
    assert table[0][-1] == "–"
    assert table[1][2:7] == [decimal(rows[1].measures.quality, 4), "0.000", "0.0\u00a0%", "1.000", "0.000"]
    assert table[1][-1] == interval(rows[1].gain_difference)


def test_text_lines_are_short_and_hold_the_table() -> None:
    text = summary_text(case().evidence)
    assert max(map(len, text.splitlines())) <= 100
    for row in cells(result_table(case().evidence), COLUMNS):
        assert any(all(cell in line for cell in row) for line in text.splitlines()), row
    for section in (
        "Result on the test logos",
        "Validation",
        "QA gate",
        "Logos",
        "Time and memory",
        "against cleaned plain",
    ):
        assert section in text


def test_page_holds_the_table_the_sentences_and_the_gate(page: str) -> None:
    text = visible_text(page)
    for sentence in (*headline(case().evidence), *conclusions(case().evidence)):
        assert sentence in text
    for row in cells(result_table(case().evidence), COLUMNS):
        assert all(cell in text for cell in row)
    for reading in ("opaque", "transparent", "Against cleaned plain", "training gain <leaves> validation gain behind"):
        assert reading in text
    for item in gallery():
        assert item.result.name in text
        assert f"SSIM {decimal(item.result.quality, 4)}" in text
        assert f"{item.result.size_bytes:,} bytes" in text


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.parts.append(data)


def parsed(page: str) -> _Text:
    parser = _Text()
    parser.feed(page)
    return parser


def visible_text(page: str) -> str:
    return " ".join(" ".join(parsed(page).parts).split(" "))


def test_page_needs_nothing_but_itself(page: str) -> None:
    without_images = re.sub(r"data:image/png;base64,[A-Za-z0-9+/=]+", "", page)
    assert not re.search(r"https?:|//[a-z]|url\(|@import", without_images, re.IGNORECASE)
    for tag, attributes in parsed(page).tags:
        assert tag not in ("script", "iframe", "object", "embed", "base", "form")
        assert not any(name.startswith("on") for name in attributes)
        for name in ("src", "href", "srcset"):
            assert (attributes.get(name) or "data:").startswith("data:"), (tag, name)


def test_hostile_names_are_escaped(page: str) -> None:
    assert any(item.result.name == HOSTILE_NAME for item in gallery())
    assert "<script" not in page
    assert "&lt;script&gt;alert(&#34;x&#34;)&lt;/script&gt;" in page


def test_hostile_run_name_config_and_reasons() -> None:
    hostile = '"><img src=x onerror=alert(1)>'
    evidence = dataclasses.replace(
        case().evidence,
        run_name=hostile,
        config={**case().evidence.config, "images": hostile},
        skipped={hostile: 3},
        versions={hostile: hostile},
        verdicts=(Verdict(50, "failure", hostile), Verdict(60, "out_of_time", hostile)),
    )
    page = html_page(evidence, (), [Picture(hostile, 600, b"light", b"dark")] * 4)
    assert hostile not in page
    assert all("onerror" not in attributes for _, attributes in parsed(page).tags)
    assert max(map(len, summary_text(evidence).splitlines())) <= 100


def test_images_of_the_page_decode_and_are_not_blank(page: str) -> None:
    images = [base64.b64decode(text) for text in re.findall(r"data:image/png;base64,([A-Za-z0-9+/=]+)", page)]
    assert len(images) == 8 + 6 * len(gallery())
    for image in images:
        with Image.open(BytesIO(image)) as decoded:
            assert any(low < high for low, high in decoded.convert("RGB").getextrema())
    alts = [attributes.get("alt") for tag, attributes in parsed(page).tags if tag == "img"]
    assert all(alts), "each image says what it shows"


def test_one_rollout_one_validation_no_verdict_no_baseline_no_reference(tmp_path: Path) -> None:
    evidence = bare(case(rollout_count=1, validation_count=1).evidence)
    files = write_report(evidence, (), tmp_path)
    content = json.loads(files.json.read_text(encoding="utf-8"))
    assert content["headline"]["regret"] is None
    assert content["comparisons"] == content["verdicts"] == []
    assert len(content["rollouts"]) == len(content["validations"]) == 1
    assert "No verdict was given." in files.html.read_text(encoding="utf-8")
    assert main_comparison(evidence) is None


def bare(evidence: Evidence) -> Evidence:
    def without(validation: Validation) -> Validation:
        results = tuple(dataclasses.replace(result, regret=None) for result in validation.results)
        return dataclasses.replace(validation, results=results)

    return dataclasses.replace(
        evidence,
        test=without(evidence.test),
        validations=tuple(without(validation) for validation in evidence.validations),
        comparisons=(),
        verdicts=(),
        skipped={},
        peak_memory_mib=None,
    )


@pytest.mark.parametrize(
    ("difference", "words"),
    [
        (Difference(0.3, 0.1, 0.5, 20), "a is above b: +0.300 [+0.100, +0.500]"),
        (Difference(-0.3, -0.5, -0.1, 20), "a is below b: −0.300 [−0.500, −0.100]"),
        (Difference(0.3, -0.1, 0.5, 20), "a is not distinguishable from b"),
        (Difference(0.3, 0.0, 0.5, 20), "a is not distinguishable from b"),
    ],
)
def test_a_sentence_is_no_stronger_than_its_interval(difference: Difference, words: str) -> None:
    assert told(difference, "a", "b").startswith(words)


@pytest.mark.parametrize(
    ("rate", "words"),
    [(0.642, "is not reached: 15.8 percentage points are missing."), (0.8, "is reached."), (0.95, "is reached.")],
)
def test_the_target_sentence_says_how_far(monkeypatch: pytest.MonkeyPatch, rate: float, words: str) -> None:
    measures: Summary = dataclasses.replace(case().evidence.test.headline(), success_rate=rate)
    monkeypatch.setattr(Validation, "headline", lambda self: measures)
    assert headline(case().evidence)[-1] == f"The target of 80.0\u00a0% success {words}"
    assert report_content(case().evidence)["target"]["reached"] == (rate >= 0.8)


def test_rare_reasons_are_added_up() -> None:
    evidence = dataclasses.replace(case().evidence, skipped={f"reason {number}": 20 - number for number in range(15)})
    reasons = skipped_reasons(evidence)
    assert len(reasons) == 13
    assert reasons[0] == ("reason 0", 20)
    assert reasons[-1] == ("3 other reasons", 8 + 7 + 6)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (decimal(None), "–"),
        (decimal(math.inf), "–"),
        (decimal(-0.1234), "−0.123"),
        (percent(0.8), "80.0\u00a0%"),
        (duration(12.46), "12.5 s"),
        (duration(185), "3 min 05 s"),
        (duration(3725), "1 h 02 min"),
    ],
)
def test_numbers_as_people_read_them(text: str, expected: str) -> None:
    assert text == expected
