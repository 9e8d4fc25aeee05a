"""The schema of a journal."""

from dataclasses import asdict
from pathlib import Path

import pytest

from rlcore.errors import JournalError
from rlcore.events import KINDS, EpisodePlayed, RolloutDone, check, typed
from rlcore.records import PlayedEpisode
from rlcore.run_folder import RunFolder
from tests.rlcore.made import played, rollout

EPISODE = {"time": 1.0, "event": "episode", "rollbacks": 0, "episode": asdict(played(7))}


def test_a_line_comes_back_as_its_class():
    found = typed(EPISODE)
    assert isinstance(found, EpisodePlayed)
    assert found.episode == played(7)
    update = typed({"time": 1, "event": "rollout", "key": "a", "rollbacks": 0, "rollout": rollout().as_dict()})
    assert isinstance(update, RolloutDone)
    assert update.rollout == rollout()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"event": "unheard"}, "event 'unheard' is not in the journal's schema 1"),
        ({"rollbacks": None}, "event 'episode': rollbacks: "),
        ({"rollbacks": "many"}, "event 'episode': rollbacks: "),
        ({"colour": "red"}, "event 'episode': colour: "),
        ({"episode": {"number": 1}}, "event 'episode': episode.logo: "),
    ],
)
def test_what_is_not_in_the_schema_is_named(change, told):
    with pytest.raises(JournalError, match=told):
        check(EPISODE | change)


def test_a_missing_field_is_named():
    with pytest.raises(JournalError, match="event 'episode': rollbacks: Field required"):
        check({name: value for name, value in EPISODE.items() if name != "rollbacks"})


def test_a_run_refuses_such_a_line_before_it_is_written(tmp_path):
    journal = RunFolder(tmp_path / "run").journal
    with pytest.raises(JournalError):
        journal.write("milestone", name="a", episode=1)
    assert journal.read() == []


def test_kinds_are_told_by_their_names():
    assert {"started", "episode", "rollout", "validation", "milestone", "alert", "report", "system", "checkpoint",
            "ended"} <= KINDS.keys()  # fmt: skip
    assert all(kind.model_fields["event"].default == name for name, kind in KINDS.items())
    assert set(PlayedEpisode.__dataclass_fields__) >= {"reward", "gain", "quality", "success", "bytes_ratio", "length",
                                                       "parameters", "logo"}  # fmt: skip


def test_the_documentation_has_every_kind():
    text = Path("docs/journal.md").read_text(encoding="utf-8")
    assert [name for name in KINDS if f"`{name}`" not in text] == []
