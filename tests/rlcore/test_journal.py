"""The append-only record, read while it is written and after a kill."""

import json
import subprocess
import sys
import time

import pytest

from rlcore.journal import Journal


@pytest.fixture
def journal(tmp_path):
    return Journal(tmp_path / "deep" / "journal.jsonl")


def test_events_come_back_in_order_with_their_time(journal):
    before = time.time()
    journal.write("run", name="a")
    journal.write("rollout", rollout={"gain": 1.5, "train": {}})
    journal.write("run", name="b")
    entries = journal.read()
    assert [entry["event"] for entry in entries] == ["run", "rollout", "run"]
    assert [entry["name"] for entry in journal.read("run")] == ["a", "b"]
    assert journal.read("rollout")[0]["rollout"] == {"gain": 1.5, "train": {}}
    assert journal.read("nothing") == []
    assert all(before - 0.01 <= entry["time"] <= time.time() + 0.01 for entry in entries)


def test_before_the_first_event_there_is_nothing(journal):
    assert journal.read() == []
    assert journal.read_from(0) == ([], 0)


def test_each_event_is_one_line_of_json(journal):
    journal.write("note", text="two\nlines\u2028and “Käse” 図 🦊")
    content = journal.path.read_text(encoding="utf-8")
    assert content.count("\n") == 1
    assert json.loads(content)["text"] == "two\nlines\u2028and “Käse” 図 🦊"
    assert "Käse" in content
    assert journal.read()[0]["text"] == "two\nlines\u2028and “Käse” 図 🦊"


@pytest.mark.parametrize("cut", [b'{"time": 1, "eve', '{"event": "K\u00e4'.encode()[:-1], b"{"])
def test_a_line_that_is_being_written_waits(journal, cut):
    journal.write("run", name="a")
    whole = journal.path.stat().st_size
    with journal.path.open("ab") as file:
        file.write(cut)
    assert [entry["name"] for entry in journal.read()] == ["a"]
    assert journal.read_from(0)[1] == whole
    assert journal.read_from(whole) == ([], whole)


def test_reading_goes_on_where_it_stopped(journal):
    journal.write("one", text="ä")
    entries, offset = journal.read_from(0)
    assert [entry["event"] for entry in entries] == ["one"]
    assert offset == journal.path.stat().st_size
    journal.write("two")
    journal.write("three")
    entries, end = journal.read_from(offset)
    assert [entry["event"] for entry in entries] == ["two", "three"]
    assert journal.read_from(end) == ([], end)


def test_an_event_after_a_cut_line_is_not_lost(journal):
    """A run that was killed while it wrote goes on in the same file."""
    journal.write("one")
    with journal.path.open("ab") as file:
        file.write(b'{"time": 1, "event": "cu')
    journal.write("two")
    journal.write("three")
    assert [entry["event"] for entry in journal.read()] == ["one", "two", "three"]


def test_writers_in_several_processes_do_not_tear_lines(journal):
    code = (
        "import sys; from pathlib import Path; from rlcore.journal import Journal\n"
        "journal = Journal(Path(sys.argv[1]))\n"
        "for number in range(200): journal.write('line', who=sys.argv[2], number=number, pad='x' * 300)\n"
    )
    writers = [subprocess.Popen([sys.executable, "-c", code, str(journal.path), who]) for who in "ab"]
    assert [writer.wait(timeout=60) for writer in writers] == [0, 0]
    for who in "ab":
        assert [entry["number"] for entry in journal.read("line") if entry["who"] == who] == list(range(200))


def test_what_is_not_json_is_refused_and_leaves_no_trace(journal):
    with pytest.raises(TypeError):
        journal.write("odd", value=object())
    assert journal.read() == []


def test_a_fact_is_written_once(journal):
    assert journal.write_once("milestone", "quarter", episode=10)
    assert not journal.write_once("milestone", "quarter", episode=99)
    assert journal.write_once("milestone", "half", episode=20)
    assert journal.write_once("verdict", "quarter", episode=30)
    # neither a longer key nor what a field says is the key
    assert not journal.write_once("verdict", "quarter", episode=31)
    assert [(entry["event"], entry["episode"]) for entry in journal.read()] == [
        ("milestone", 10),
        ("milestone", 20),
        ("verdict", 30),
    ]


def test_each_line_is_followed_by_the_offset_of_the_next(journal):
    for number in range(3):
        journal.write("note", number=number)
    with journal.path.open("ab") as file:
        file.write(b'{"torn')
    found = list(journal.follow(0))
    assert [entry["number"] for entry, _ in found] == [0, 1, 2]
    for position, (_, offset) in enumerate(found):
        assert [entry["number"] for entry, _ in journal.follow(offset)] == list(range(position + 1, 3))


def test_a_line_that_the_disk_took_in_part_is_an_error(journal, monkeypatch):
    class Nearly:
        """A file on a disk with room for ten bytes."""

        def __enter__(self):
            return self

        def __exit__(self, *arguments):
            pass

        def write(self, content):
            return 10

        def fileno(self):
            pytest.fail("it was taken for written")

    monkeypatch.setattr("pathlib.Path.open", lambda *arguments, **options: Nearly())
    with pytest.raises(OSError, match="No space left"):
        journal.write("note", text="more than ten bytes")


@pytest.mark.parametrize("key", ["plain", 'with "quotes" and \\', "ümläut 図", "", "two\nlines"])
def test_any_text_may_be_a_key(journal, key):
    assert journal.write_once("note", key)
    assert not journal.write_once("note", key)
    assert journal.write_once("note", f"{key}s")
    assert journal.read("note")[0]["key"] == key


def test_a_fact_that_a_kill_cut_short_is_written_again(journal):
    journal.write_once("verdict", "chunk 1", decision="continue")
    whole = journal.path.read_bytes()
    journal.path.write_bytes(whole[:-10])
    assert journal.write_once("verdict", "chunk 1", decision="continue")
    assert [entry["decision"] for entry in journal.read()] == ["continue"]


def test_a_fact_seals_what_stands_before_it(journal):
    parts = [("part", {"number": number}) for number in range(3)]
    assert journal.write_once("whole", "a", after=parts, size=3)
    assert not journal.write_once("whole", "a", after=parts, size=3)
    assert [(entry["event"], entry.get("number")) for entry in journal.read()] == [
        ("part", 0),
        ("part", 1),
        ("part", 2),
        ("whole", None),
    ]


def test_some_kinds_of_events_are_read_in_their_order(journal):
    for event in ("one", "two", "three", "one"):
        journal.write(event, text='"event": "two"')
    assert [entry["event"] for entry in journal.read("one", "three")] == ["one", "three", "one"]


def test_a_line_is_checked_before_any_of_its_block_is_written(tmp_path):
    def check(entry):
        if entry["event"] == "bad":
            raise ValueError("bad")

    journal = Journal(tmp_path / "journal.jsonl", check)
    with pytest.raises(ValueError, match="bad"):
        journal.write_once("bad", "a", after=[("good", {})])
    assert journal.read() == []


def test_a_reader_that_follows_a_writer_meets_every_line_once(journal):
    """Blocks take several writes of the disk: a reader meets them half written."""
    code = (
        "import sys; from pathlib import Path; from rlcore.journal import Journal\n"
        "journal = Journal(Path(sys.argv[1]))\n"
        "for block in range(150):\n"
        "    parts = [('part', {'number': 125 * block + part, 'pad': 'x' * 700}) for part in range(125)]\n"
        "    journal.write_once('whole', str(block), after=parts)\n"
    )
    journal.write("first")
    writer = subprocess.Popen([sys.executable, "-c", code, str(journal.path)])
    numbers, blocks, offset, ended = [], [], 0, False
    while not ended:
        ended = writer.poll() is not None  # and then once more
        entries, offset = journal.read_from(offset)
        numbers += [entry["number"] for entry in entries if entry["event"] == "part"]
        blocks += [entry["key"] for entry in entries if entry["event"] == "whole"]
    assert writer.returncode == 0
    assert numbers == list(range(125 * 150))
    assert blocks == [str(block) for block in range(150)]
