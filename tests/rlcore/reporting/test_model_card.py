"""The model card: what the report says, in short."""

from rlcore.reporting.findings import COLUMNS, conclusions, report_content, result_table
from rlcore.reporting.model_card import model_card, shortened
from rlcore.reporting.tables import cells
from tests.rlcore.report_evidence import case

FACTS = {"data hash": "d1", "config hash": "c1", "code version": "abc", "seed": "0"}


def test_its_figures_are_the_reports():
    evidence = case().evidence
    card, report = model_card(evidence, FACTS), report_content(evidence)
    for row in cells(result_table(evidence), COLUMNS):
        assert "| " + " | ".join(row) + " |" in card
    for sentence in (*report["conclusions"], *conclusions(evidence)):
        assert sentence in card
    found = report["intervals"]["ssim_improvement"]
    assert f"| SSIM improvement | {found['mean']:.3f} | [{found['low']:.3f}, {found['high']:.3f}] |" in card


def test_it_says_what_data_and_where_it_ends():
    card = model_card(case().evidence, FACTS)
    for heading in ("## What it is", "## Figures", "## Data", "## Limits"):
        assert heading in card
    assert all(f"- {name}: `{value}`" in card for name, value in FACTS.items())
    assert "| train | 61 | 0 | 61 |" in card
    assert "VTracer 0.6.15" in card
    assert model_card(case().evidence, FACTS) == card


def test_it_is_cut_between_blocks_where_room_is_short():
    card = model_card(case().evidence, FACTS)
    assert shortened(card, len(card)) == card
    for room in (len(card) - 1, 1500, 600):
        cut = shortened(card, room)
        assert len(cut) <= room
        kept, rest = cut.rsplit("\n\n", 1)
        assert card.startswith(kept + "\n\n")
        assert rest == "The rest is in model_card.md.\n"
