"""The one way to measure."""

import dataclasses
import json

import numpy as np
import pytest

from rlcore.conversion.evaluator import Evaluator
from rlcore.files import write_json
from rlcore.gain import Baseline
from rlcore.judging.search import RandomSearch
from rlcore.judging.searchers import CLEANED_SEARCHER, PLAIN_SEARCHER, FixedSetting
from rlcore.judging.validation import Validation, play, playing, results_after, run_searcher, summarise
from rlcore.learning.agent import Agent
from rlcore.parameters import CLEANED_PLAIN, PLAIN
from tests.conftest import small_config
from tests.rlcore.made import result


@pytest.fixture(scope="module")
def searcher(config):
    return RandomSearch(config.action_space, 1)


@pytest.fixture(scope="module")
def validation(searcher, held_out, config, evaluator):
    return run_searcher(searcher, held_out, 4, config, evaluator, episode=7)


def test_a_summary_by_hand():
    results = [
        result(quality=0.9, gain=1.0, ssim_improvement=0.5, bytes_ratio=0.5, success=True, regret=0.2),
        result(quality=0.8, gain=0.0, ssim_improvement=0.0, bytes_ratio=1.0, success=False, regret=None),
        result(
            quality=1.0,
            gain=2.0,
            ssim_improvement=1.0,
            bytes_ratio=0.3,
            success=True,
            regret=0.4,
            cleaned_success=True,
            cleaned_ssim_improvement=1.0,
            cleaned_bytes_ratio=0.0,
            failed_traces=2,
        ),
    ]
    summary = summarise(results)
    assert summary is not None
    assert dataclasses.asdict(summary) == pytest.approx(
        {
            "logos": 3,
            "quality": 0.9,
            "gain": 1.0,
            "ssim_improvement": 0.5,
            "success_rate": 2 / 3,
            "bytes_ratio": 0.6,
            # over the two that have a reference
            "regret": 0.3,
            "convergence_score": 0.6 * 0.9 + 0.4 * 2 / 3,
            "cleaned_ssim_improvement": 0.5,
            "cleaned_bytes_ratio": 0.5,
            "cleaned_success_rate": 1 / 3,
            "failed_traces": 2,
        }
    )


def test_a_summary_of_nothing_is_none_and_no_reference_is_no_regret():
    assert summarise([]) is None
    summary = summarise([result(regret=None)])
    assert summary is not None
    assert summary.regret is None


def readings():
    return Validation(
        "agent",
        0,
        2,
        "simple",
        (
            result(gain=1.0, has_alpha=True, gains=(0.5, 1.0)),
            result(gain=3.0, has_alpha=False, gains=(2.5, 3.0)),
            result(gain=5.0, category="text", has_alpha=False),
            result(gain=7.0, category="complex", has_alpha=True),
        ),
    )


def test_the_headline_is_the_judged_category():
    made = readings()
    assert (made.headline().logos, made.headline().gain) == (2, 2.0)
    assert made.gain_after(1) == 1.5
    assert made.gain_after(2) == 2.0


def test_readings_by_category_and_by_alpha():
    gains = {name: (summary.logos, summary.gain) for name, summary in readings().breakdown().items()}
    assert gains == {
        "all": (4, 4.0),
        "simple": (2, 2.0),
        "text": (1, 5.0),
        "complex": (1, 7.0),
        # of the judged category alone
        "opaque": (1, 3.0),
        "transparent": (1, 1.0),
    }
    assert readings().summary("gradient") is None
    assert [r.gain for r in readings().of("all", has_alpha=False)] == [3.0, 5.0]


def test_a_headline_of_no_logo_is_an_error():
    with pytest.raises(ValueError, match="no logo of category 'gradient' among 4"):
        dataclasses.replace(readings(), category="gradient").headline()


@pytest.mark.parametrize("references", [True, False])
def test_kept_as_json_and_read_again(validation, held_out, tmp_path, references):
    known = {r.digest: 3.0 for r in validation.results} if references else None
    made = dataclasses.replace(
        validation,
        results=tuple(dataclasses.replace(r, regret=None if known is None else 1.0) for r in validation.results),
    )
    path = write_json(tmp_path / "v.json", made.as_dict())
    assert Validation.from_dict(json.loads(path.read_text())) == made
    assert json.loads(path.read_text())["breakdown"]["all"]["gain"] == made.headline().gain


def test_what_is_delivered_is_the_best_of_the_episode(validation, searcher, held_out, config, evaluator):
    episodes = play(searcher, held_out, 4, config, evaluator)
    assert [(r.name, r.digest) for r in validation.results] == [(s.name, s.logo.digest) for s in held_out]
    assert any(r.parameters is not None for r in validation.results)
    for got, episode in zip(validation.results, episodes, strict=True):
        best, plain, cleaned = episode.delivered, episode.subject.plain, episode.subject.cleaned
        assert got.gain == max([0.0, *(a.gain for a in episode.attempts if a.deliverable)])
        if best is None:
            continue
        # traced again from what the result says
        again = evaluator.traces([(episode.subject.logo, best.parameters)])[0]
        assert got.parameters == best.parameters.as_dict()
        assert (got.quality, got.size_bytes) == (again.quality, again.size_bytes)
        assert got.ssim_improvement == pytest.approx((again.quality - plain.quality) / (1 - plain.quality))
        assert got.bytes_ratio == again.size_bytes / plain.size_bytes
        assert got.cleaned_bytes_ratio == again.size_bytes / cleaned.size_bytes
        improvement = (again.quality - cleaned.quality) / (1 - cleaned.quality)
        assert got.cleaned_ssim_improvement == pytest.approx(improvement)
        assert got.cleaned_success == (improvement > 0.75 and got.cleaned_bytes_ratio <= 1 and got.quality >= 0.85)
        assert got.success == (got.ssim_improvement > 0.75 and got.bytes_ratio <= 1 and got.quality >= 0.85)


def test_where_nothing_is_deliverable_plain_is(held_out, config, evaluator):
    perfect = [dataclasses.replace(subject, plain=Baseline(0.99999, 10)) for subject in held_out]
    validation = run_searcher(PLAIN_SEARCHER, perfect, 2, config, evaluator)
    for got in validation.results:
        assert (got.quality, got.size_bytes, got.parameters) == (0.99999, 10, None)
        assert (got.bytes_ratio, got.ssim_improvement, got.gain, got.success) == (1.0, 0.0, 0.0, False)
        assert got.gains == (0.0, 0.0)


def test_plain_gains_nothing_over_plain(held_out, config, evaluator):
    for got in run_searcher(PLAIN_SEARCHER, held_out, 1, config, evaluator).results:
        assert (got.gain, got.bytes_ratio, got.ssim_improvement, got.success) == (0.0, 1.0, 0.0, False)


def test_against_cleaned_plain_cleaned_plain_gains_nothing(held_out, config, evaluator):
    for got in run_searcher(CLEANED_SEARCHER, held_out, 1, config, evaluator).results:
        if got.parameters is None:
            continue
        assert (got.cleaned_ssim_improvement, got.cleaned_bytes_ratio, got.cleaned_success) == (0.0, 1.0, False)
        if not got.has_alpha:
            assert (got.bytes_ratio, got.ssim_improvement) == (1.0, 0.0)


def test_a_perfect_cleaned_plain_leaves_nothing_to_improve(held_out, config, evaluator):
    done = [dataclasses.replace(subject, cleaned=Baseline(1.0, 900)) for subject in held_out]
    for got in run_searcher(CLEANED_SEARCHER, done, 1, config, evaluator).results:
        assert (got.cleaned_ssim_improvement, got.cleaned_success) == (0.0, False)


def test_failed_traces_are_counted_and_never_delivered(held_out, config, evaluator):
    panics = FixedSetting("panics", dataclasses.replace(PLAIN, max_iterations=0))
    validation = run_searcher(panics, held_out, 2, config, evaluator)
    assert [got.failed_traces for got in validation.results] == [2] * len(held_out)
    assert all(got.parameters is None and got.gain == 0 for got in validation.results)
    assert validation.headline().failed_traces == 2 * len(held_out)


def test_gains_never_fall(validation):
    for got in validation.results:
        assert len(got.gains) == 4
        assert list(got.gains) == sorted(got.gains)
        assert got.gains[-1] == got.gain
    assert validation.gain_after(4) == validation.headline().gain > validation.gain_after(1)


def test_regret_is_what_is_missing_to_the_reference(searcher, held_out, config, evaluator):
    known = held_out[0].logo.digest
    validation = run_searcher(searcher, held_out, 4, config, evaluator, {known: 9.0})
    assert validation.results[0].regret == 9.0 - validation.results[0].gain
    assert {got.regret for got in validation.results[1:]} == {None}
    assert validation.headline().regret == validation.results[0].regret


def test_weights_and_target_come_from_the_config(searcher, held_out, evaluator):
    strict = small_config(ssim_improvement_threshold=0.999, quality_weight=2.0, size_weight=0.0)
    for got in run_searcher(searcher, held_out, 4, strict, evaluator).results:
        assert not got.success
        if got.parameters is not None:
            assert got.gain == pytest.approx(2 * np.log2((1 - got.plain_quality) / max(1e-4, 1 - got.quality)))


def test_its_name_budget_and_episode_are_kept(validation):
    kept = (validation.searcher, validation.budget, validation.episode, validation.category)
    assert kept == ("random", 4, 7, "simple")


def test_progress_counts_traces(searcher, held_out, config, evaluator):
    told = []
    run_searcher(searcher, held_out, 3, config, evaluator, on_progress=lambda *step: told.append(step))
    logos = len(held_out)
    assert told == [(logos, 3 * logos), (2 * logos, 3 * logos), (3 * logos, 3 * logos)]


@pytest.mark.parametrize("workers", [0, 2])
def test_the_agents_validation_is_the_same_byte_for_byte(start, held_out, config, evaluator, tmp_path, workers):

    def written(name, by):
        agent = Agent(start)
        return write_json(tmp_path / name, run_searcher(agent, held_out, 3, config, by).as_dict()).read_bytes()

    with Evaluator(workers) as fresh:
        assert written("fresh.json", fresh) == written("remembered.json", evaluator)


def test_company_changes_no_logos_result(searcher, held_out, config, evaluator, validation):
    alone = [run_searcher(searcher, [subject], 4, config, evaluator).results[0] for subject in held_out]
    assert tuple(alone) == validation.results


def test_cleaned_plain_differs_from_plain_on_transparent_logos_alone(held_out):
    assert CLEANED_PLAIN != PLAIN
    for subject in held_out:
        same = (subject.plain.quality, subject.plain.size_bytes) == (
            subject.cleaned.quality,
            subject.cleaned.size_bytes,
        )
        assert same == (not subject.logo.has_alpha)


def test_results_at_a_prefix_are_those_of_a_shorter_run(searcher, held_out, config, evaluator):
    references = {subject.logo.digest: 3.0 for subject in held_out}
    episodes = play(searcher, held_out, 4, config, evaluator)
    for traces in (1, 2, 4):
        shorter = run_searcher(searcher, held_out, traces, config, evaluator, references)
        assert results_after(episodes, traces, references) == shorter.results
    assert all(episode.step == 4 for episode in episodes)


def test_who_has_seen_enough_pays_for_no_more(searcher, held_out, config):
    with Evaluator() as own:
        for episodes in playing(searcher, held_out, 100, config, own):
            if episodes[0].step == 2:
                break
        assert own.statistics.asked == 2 * len(held_out)
