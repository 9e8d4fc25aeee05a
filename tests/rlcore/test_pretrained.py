"""The model in the package: small, safe, on record, and good at what it was made for."""

import hashlib
import io
from pathlib import Path

import numpy as np
import pytest

from rlcore import vectorize
from rlcore.config import tomllib
from rlcore.data.generated import generate_logos
from rlcore.pretrained import CARD, FILE, pretrained

ROOT = Path(__file__).parent.parent.parent


def test_it_is_small_and_holds_no_code():
    assert FILE.stat().st_size <= 1_000_000
    with np.load(io.BytesIO(FILE.read_bytes()), allow_pickle=False) as archive:
        assert all(isinstance(archive[name], (np.ndarray, bytes)) for name in archive.files)


def test_it_is_read_once_and_known_by_its_file():
    assert pretrained() is pretrained()
    assert pretrained().digest == hashlib.sha256(FILE.read_bytes()).hexdigest()


def test_it_comes_with_the_package():
    data = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]
    assert {FILE.name, CARD.name} <= set(data["rlcore.pretrained"])
    assert "py.typed" in data["rlcore"]
    assert (ROOT / "rlcore" / "py.typed").exists()


def test_where_it_comes_from_and_how_good_it_is_are_on_record():
    about, card = pretrained().about, CARD.read_text(encoding="utf-8")
    facts = about["facts"]
    assert facts["command"].startswith("stage1 run")
    assert facts["seed"] == str(pretrained().config.seed)
    for name in ("run", "command", "seed", "data hash", "config hash", "code version"):
        assert f"- {name}: `{facts[name]}`" in card
    for measure in about["figures"]["means"].values():
        assert measure["low"] <= measure["mean"] <= measure["high"]
    assert about["figures"]["logos"] >= 100
    assert about["figures"]["means"]["success"]["mean"] >= 0.8


@pytest.mark.parametrize("number", range(3))
def test_it_makes_drawn_logos_better_and_smaller(number):
    rgba = generate_logos(3, 11, 128)[number].rgba
    result = vectorize(rgba, budget=2)
    assert result.ssim >= result.baseline.ssim
    assert result.size_bytes < 0.8 * result.baseline.size_bytes
