"""What identifies a registered version."""

import subprocess

from tasks import registration
from tests.conftest import small_config


def test_the_config_hash_is_of_what_changes_a_result(config):
    known = registration.config_hash(config)
    assert registration.config_hash(small_config(workers=3, promote=True, require_approval=True)) == known
    assert registration.config_hash(small_config(seed=1)) != known


def test_the_code_version_is_the_commit_of_a_checkout(tmp_path, monkeypatch):
    monkeypatch.setattr(registration, "_ROOT", tmp_path)
    assert registration.code_version().startswith("stage1 ")  # no checkout: the package's

    def git(*arguments):
        own = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
        done = subprocess.run(["git", *own, *arguments], cwd=tmp_path, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    git("init", "-q")
    (tmp_path / "file").write_text("one")
    git("add", "file")
    git("commit", "-q", "-m", "one")
    commit = git("rev-parse", "HEAD")
    assert registration.code_version() == commit
    (tmp_path / "file").write_text("two")
    assert registration.code_version() == f"{commit}-dirty"
