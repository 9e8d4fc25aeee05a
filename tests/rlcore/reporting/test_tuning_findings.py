"""What a study says in tables, sentences, a TOML file and a picture."""

from io import BytesIO

import pytest
from PIL import Image

from rlcore.config import PPOSettings, load_config
from rlcore.learning.tuning_study import StudyRecord, TrialRecord
from rlcore.reporting.tuning_figure import study_figure
from rlcore.reporting.tuning_findings import best_table, study_conclusions, toml_of, trial_rows

FAST = PPOSettings(learning_rate=0.003, entropy_coefficient=0.01)


def study(*values, baseline=0.01):
    """The default settings first, then faster ones; None is a failed trial."""
    trials = [
        TrialRecord(number, FAST if number else PPOSettings(), value, 90.0, "" if value is not None else "broken")
        for number, value in enumerate(values)
    ]
    return StudyRecord("a study", baseline, tuple(trials))


def test_the_table_has_the_default_settings_beside_the_best():
    rows = best_table(study(0.02, 0.01, None, 0.0512, 0.03), most=2)
    assert rows[0] == ["", "default", "trial 3", "trial 4"]
    assert rows[1] == ["mean lead", "+0.0200", "+0.0512", "+0.0300"]
    assert ["learning rate", "0.0003", "0.003", "0.003"] in rows
    assert rows[-1] == ["time", "1 min 30 s", "1 min 30 s", "1 min 30 s"]


def test_the_default_settings_are_shown_once_where_they_are_the_best():
    assert best_table(study(0.02, 0.01))[0] == ["", "default", "trial 1"]
    assert best_table(study())[0] == [""]


@pytest.mark.parametrize(
    ("record", "told"),
    [
        (study(0.02, 0.01), "No trial is better than the default settings (+0.0200)."),
        (study(0.02, -0.01, 0.05), "Trial 2 is the best: +0.0500, +0.0300 against the default settings."),
        (study(None, 0.05), "Trial 1 is the best: +0.0500, – against the default settings."),
        (study(None), "1 trial, 1 failed."),
        (study(0.0, baseline=-0.02), "Without any PPO the mean lead over the portfolio is −0.0200."),
    ],
)
def test_sentences(record, told):
    assert told in " ".join(study_conclusions(record))


def test_the_settings_are_a_config_file(tmp_path):
    settings = PPOSettings(learning_rate=1e-5, final_learning_rate_share=1, entropy_coefficient=0.0123, epochs=3)
    file = tmp_path / "ppo.toml"
    file.write_text(toml_of(settings))
    assert load_config(file).ppo == settings


def test_a_row_for_every_trial():
    rows = trial_rows(study(0.02, None))
    assert [(row["trial"], row["value"], row["failure"]) for row in rows] == [(0, 0.02, ""), (1, None, "broken")]
    assert rows[1]["learning_rate"] == 0.003


@pytest.mark.parametrize(
    "record", [study(), study(None), study(0.02), study(0.02, None, 0.03), study(0.1, baseline=None)]
)
@pytest.mark.parametrize("dark", [False, True])
def test_a_picture_of_every_study(record, dark):
    picture = study_figure(record, dark=dark)
    assert Image.open(BytesIO(picture)).size == (1080, 552)
    assert picture == study_figure(record, dark=dark)
