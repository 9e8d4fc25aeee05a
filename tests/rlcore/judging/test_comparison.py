"""The comparison: one harness for all, prefixes, seeds, where searches stop, and what is saved."""

import dataclasses
import json
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest

import rlcore.judging.comparison as module
from rlcore.conversion.evaluator import Evaluator
from rlcore.errors import ConfigError, DataError
from rlcore.judging.comparison import SEARCHES, compare
from rlcore.judging.reference import reference_searches
from rlcore.judging.search import CMAESSearch, RandomSearch, TPESearch
from rlcore.judging.searchers import FixedSetting, Sequential
from rlcore.judging.standings import BEST_SINGLE, LATER, PORTFOLIO, REFERENCE, About, ComparisonTable
from rlcore.judging.validation import run_searcher
from rlcore.parameters import CLEANED_PLAIN, PLAIN, Parameters
from rlcore.statistics import interquartile_mean, paired_difference, probability_of_improvement
from tests.conftest import small_config

ABOUT = About("best_model.pt", "drawn logos", 7)
PORTFOLIO_ITEMS = tuple(
    Parameters(mode="polygon", supersample=supersample, palette_size=palette).canonical()
    for supersample, palette in ((2, 4), (3, 2), (2, 8))
)


@pytest.fixture(scope="module")
def settings():
    return small_config(steps_per_episode=4)


@pytest.fixture(scope="module")
def agent(settings):
    searcher = RandomSearch(settings.action_space, 11)
    searcher.name = "agent"
    return searcher


@pytest.fixture(scope="module")
def some(held_out):
    """Four judged logos, and two that are said to be of another category."""
    return (*held_out[:4], *[dataclasses.replace(subject, category="text") for subject in held_out[4:6]])


@pytest.fixture(scope="module")
def judged(some):
    return some[:4]


def compared(agent, some, settings, evaluator, **options):
    with TemporaryDirectory() as cache:
        return compared_with(Path(cache), agent, some, settings, evaluator, **options)


def compared_with(cache, agent, some, settings, evaluator, **options):
    chosen = {"cache": cache, "budgets": (1, 2, 4), "seeds": 2, "most_traces": 6} | options
    return compare([agent], [PORTFOLIO_ITEMS], some, settings, evaluator, ABOUT, **chosen)


@pytest.fixture(scope="module")
def references(judged, settings, evaluator, tmp_path_factory):
    return reference_searches(judged, settings, evaluator, tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="module")
def table(agent, some, settings, evaluator, references):
    return compared(agent, some, settings, evaluator, references=references)


def gains(validation):
    return [result.gain for result in validation.of()]


def test_all_are_there_at_their_traces(table):
    assert [(s.searcher, s.traces, s.seeds) for s in table.standings] == [
        *[("agent", count, 1) for count in (1, 2, 4)],
        *[(name, 1, 1) for name in ("plain VTracer", "cleaned plain")],
        *[(name, 1, 1) for name in ("preset bw", "preset poster", "preset photo", "Method 1")],
        (BEST_SINGLE, 1, 1),
        *[(PORTFOLIO, count, 1) for count in (2, 4)],
        *[(name, count, 2) for name in ("random", "TPE", "CMA-ES") for count in (2, 4)],
        (REFERENCE, 10, 1),
    ]


@pytest.mark.parametrize("count", [1, 2, 4])
def test_the_agent_after_fewer_traces_is_the_agent_with_fewer(
    table, agent, some, settings, evaluator, references, count
):
    alone = run_searcher(agent, some, count, settings, evaluator, {d: found.gain for d, found in references.items()})
    standing = table.standing("agent", count)
    assert standing.summary == alone.headline()
    assert standing.breakdown == alone.breakdown()
    assert list(standing.gains) == gains(alone)
    assert standing.gain_iqm == interquartile_mean(gains(alone))
    assert standing.lead is None


def test_the_agent_knows_of_all_its_traces_however_few_are_read(some, settings, evaluator):
    seen = set()

    class Watching(FixedSetting):
        def propose(self, episodes):
            seen.update((episode.budget, episode.step) for episode in episodes)
            return super().propose(episodes)

    compared(Watching("agent", PLAIN), some[:1], settings, evaluator, budgets=(1, 2), seeds=1, most_traces=2)
    assert seen == {(4, step) for step in range(4)}


def test_the_portfolio_goes_on_with_its_last_item(table, some, settings, evaluator):
    alone = run_searcher(Sequential("any", PORTFOLIO_ITEMS), some, 3, settings, evaluator)
    assert list(table.standing(PORTFOLIO, 4).gains) == gains(alone)
    assert [result.gain for result in table.rival.results] == [result.gain for result in alone.results]


def test_a_lead_is_paired_at_equal_traces(table, agent, some, settings, evaluator):
    mine = run_searcher(agent, some, 2, settings, evaluator)
    theirs = run_searcher(Sequential("any", PORTFOLIO_ITEMS), some, 2, settings, evaluator)
    lead = table.standing(PORTFOLIO, 2).lead
    assert lead.traces == 2
    assert lead.gain == paired_difference(gains(mine), gains(theirs))
    assert lead.probability == probability_of_improvement(gains(mine), gains(theirs))
    improvements = [[result.ssim_improvement for result in v.of()] for v in (mine, theirs)]
    assert lead.ssim_improvement == paired_difference(*improvements)


@pytest.mark.parametrize("kind", [RandomSearch, TPESearch, CMAESSearch])
def test_a_search_counts_with_its_mean_over_seeds(table, judged, settings, evaluator, kind):
    runs = [
        run_searcher(
            kind(settings.action_space, settings.seed + seed, PORTFOLIO_ITEMS[0]), judged, 4, settings, evaluator
        )
        for seed in range(2)
    ]
    standing = table.standing(kind.name, 4)
    assert standing.gains == pytest.approx(np.mean([gains(run) for run in runs], axis=0))
    for field in ("gain", "success_rate", "ssim_improvement", "bytes_ratio", "cleaned_success_rate"):
        expected = np.mean([getattr(run.headline(), field) for run in runs])
        assert getattr(standing.summary, field) == pytest.approx(expected)
    assert standing.summary.logos == len(judged)
    [curve] = [curve for curve in table.curves if curve.searcher == kind.name]
    assert curve.means[:4] == pytest.approx(
        [np.mean([run.gain_after(count) for run in runs]) for count in (1, 2, 3, 4)]
    )
    assert all(low <= mean <= high for low, mean, high in zip(curve.lows, curve.means, curve.highs, strict=True))


def test_the_reference_is_what_its_search_found(table, references, judged):
    standing = table.standing(REFERENCE, 10)
    assert standing.gains == pytest.approx([references[subject.logo.digest].gain for subject in judged])
    assert standing.summary.regret == pytest.approx(0)
    assert standing.lead.traces == 4


def test_the_same_seeds_give_the_same_table(table, agent, some, settings, references):
    with Evaluator() as own:
        assert compared(agent, some, settings, own, references=references) == table


def test_company_changes_no_logos_figures(table, agent, some, settings, evaluator, references):
    alone = compared(agent, some[:2], settings, evaluator, references=references)
    for standing in table.standings:
        # how far a search is played depends on the mean, so its last standings may be missing
        other = alone.standing(standing.searcher, standing.traces)
        assert other is None or other.gains == pytest.approx(standing.gains[:2])
    assert alone.standing("TPE", 4) is not None


def poor():
    """An agent that never has anything better than plain."""
    return FixedSetting("agent", PLAIN)


def test_a_search_stops_where_it_has_the_agents_gain(some, settings, evaluator):
    table = compared(poor(), some, settings, evaluator, most_traces=30)
    for saving in table.savings:
        assert saving.needed == 1
    searched = {saving.searcher: saving.searched for saving in table.savings}
    # read at the largest budget, and where the others are read as far as they may go
    assert searched == {"random": 4, "TPE": 30, "CMA-ES": 30}


def test_traces_saved_are_counted_on_the_mean_curve(table):
    goal = table.curves[0].means[-1]
    assert table.curves[0].searcher == "agent"
    for saving in table.savings:
        [curve] = [curve for curve in table.curves if curve.searcher == saving.searcher]
        reached = [count for count, mean in enumerate(curve.means, start=1) if mean >= goal - 1e-12]
        assert saving.needed == (reached[0] if reached else None)
        assert saving.searched == len(curve.means)


def test_what_is_never_reached_is_said_to_be(some, settings, evaluator, monkeypatch, tmp_path):
    monkeypatch.setattr(module, "SEARCHES", (RandomSearch,))

    class Clairvoyant:
        """Proposes what a long search would."""

        name = "agent"

        def propose(self, episodes):
            return [CLEANED_PLAIN if e.step < 3 else best[e.subject.logo.digest] for e in episodes]

    candidates = [
        Parameters(mode="outline", supersample=4, palette_size=k, simplify=simplify).canonical()
        for k in (2, 3, 4)
        for simplify in (0.2, 0.4)
    ]
    best = {}
    for subject in some:
        runs = [run_searcher(FixedSetting("x", c), [subject], 1, settings, evaluator).results[0] for c in candidates]
        best[subject.logo.digest] = candidates[int(np.argmax([run.gain for run in runs]))]
    found = compare(
        [Clairvoyant()],
        [[PLAIN]],
        some,
        settings,
        evaluator,
        ABOUT,
        budgets=(4,),
        seeds=1,
        most_traces=4,
        cache=tmp_path,
    )
    assert found.savings[0].needed is None
    assert found.savings[0].searched == 4


def test_a_search_is_played_on_judged_logos_alone(table):
    assert "text" not in table.standing("TPE", 4).breakdown
    assert table.standing("agent", 4).breakdown["text"].logos == 2
    assert table.standing("agent", 4).breakdown["all"].logos == 6


def test_what_is_read_later_is_a_search():
    assert set(LATER) <= {kind.name for kind in SEARCHES}


def test_later_readings_of_the_searches(agent, some, settings, evaluator, monkeypatch):
    monkeypatch.setattr(module, "LATER", {"TPE": 6, "CMA-ES": 5})
    found = compared(agent, some[:2], settings, evaluator, seeds=1, most_traces=8)
    assert found.standing("TPE", 6).lead.traces == 4
    assert found.standing("CMA-ES", 5).lead.traces == 4


def test_json_gives_the_same_table_back(table):
    content = json.loads(json.dumps(table.as_dict(), allow_nan=False))
    assert ComparisonTable.from_dict(content) == table


def test_another_size_weight_is_another_gain(table, agent, some, settings, evaluator):
    other = compared(agent, some, settings.model_copy(update={"size_weight": 2.0}), evaluator)
    assert other.size_weight == 2.0
    assert other.standing("agent", 4).gains != table.standing("agent", 4).gains


@pytest.mark.parametrize("budgets", [(), (0, 1), (1, 5)])
def test_budgets_that_the_agent_does_not_have_are_refused(agent, some, settings, evaluator, budgets):
    with pytest.raises(ConfigError, match="allowed are 1 to the model's 4"):
        compared(agent, some, settings, evaluator, budgets=budgets)


def test_no_judged_logo_is_said_by_name(agent, some, settings, evaluator):
    with pytest.raises(DataError, match="'gradient' among 6"):
        compared(agent, some, settings.model_copy(update={"category": "gradient"}), evaluator)


def test_progress_is_told_by_searcher(agent, some, settings, evaluator):
    told = []
    compared(agent, some[:2], settings, evaluator, seeds=1, on_progress=lambda *event: told.append(event))
    assert ("agent", 4, 4) in told
    assert ("portfolio", 4, 4) in told
    assert ("TPE", 4, 6) in told


def test_a_second_time_the_searches_cost_nothing(table, agent, some, judged, settings, references, tmp_path):
    with Evaluator() as own:
        first = compared_with(tmp_path, agent, some, settings, own, references=references)
    with Evaluator() as own:
        again = compared_with(tmp_path, agent, some, settings, own, references=references)
        # agent and portfolio (4 traces each), seven fixed settings and the reference's answer are traced anew
        assert own.statistics.asked == (4 + 4 + 7) * len(some) + len(judged)
    assert again == first == table


def test_about_is_kept(table):
    assert table.about == ABOUT
    assert dataclasses.astuple(table.about) == ("best_model.pt", "drawn logos", 7)
    assert (table.category, table.logos, table.budgets, table.longest) == ("simple", 4, (1, 2, 4), 4)


def test_of_several_agents_every_figure_is_a_mean_over_them(some, settings, evaluator, tmp_path):
    """Two agents and their portfolios: each logo's gain is the mean of what it is with each alone."""
    agents, portfolios = [poor(), FixedSetting("agent", PORTFOLIO_ITEMS[1])], [PORTFOLIO_ITEMS, PORTFOLIO_ITEMS[::-1]]
    chosen = {"cache": tmp_path, "budgets": (1, 2), "seeds": 1, "most_traces": 0}
    both = compare(agents, portfolios, some, settings, evaluator, ABOUT, **chosen)
    alone = [
        compare([agent], [portfolio], some, settings, evaluator, ABOUT, **chosen)
        for agent, portfolio in zip(agents, portfolios, strict=True)
    ]
    assert alone[0].standings[0].gains != alone[1].standings[0].gains
    for standing, *parts in zip(both.standings, *(table.standings for table in alone), strict=True):
        assert standing.gains == pytest.approx(np.mean([part.gains for part in parts], axis=0))
        assert standing.summary.logos == parts[0].summary.logos
        if standing.lead is not None:
            assert standing.lead.gain.mean == pytest.approx(np.mean([part.lead.gain.mean for part in parts]))
    assert [curve.searcher for curve in both.curves] == ["agent", "portfolio"]
    assert both.savings == ()
