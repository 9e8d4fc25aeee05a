"""The addresses: each gives what it should, and none leads elsewhere."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from rlcore.dashboard.logo_pictures import LogoPictures
from rlcore.data.dataset import Dataset
from rlcore.data.dataset_files import save_dataset
from rlcore.files import read_json
from tests.rlcore.dashboard.serving import get, serving, wait_until
from tests.rlcore.made import subject


def test_the_list_of_runs(tmp_path, run):
    with serving(tmp_path) as server:
        status, headers, body = get(server, "/api/runs")
        assert (status, headers["cache-control"]) == (200, "no-store")
        assert [one["name"] for one in json.loads(body)] == ["made-run"]
        (run.folder.config_file).unlink()
        wait_until(lambda: json.loads(get(server, "/api/runs")[2]) == [])


def test_the_page_and_its_files(tmp_path, page):
    with serving(tmp_path, page=page) as server:
        status, headers, body = get(server, "/?run=any")
        assert (status, headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert "é" in body.decode()
        assert "set-cookie" not in headers
        for name, kind in (
            ("main.js", "text/javascript"),
            ("style.css", "text/css"),
            ("parts/one.js", "text/javascript"),
        ):
            status, headers, _ = get(server, f"/static/{name}")
            assert (status, headers["content-type"]) == (200, f"{kind}; charset=utf-8")
            assert headers["cache-control"] == "no-cache"
        again, with_tag, body = get(server, "/static/main.js", if_none_match=get(server, "/static/main.js")[1]["etag"])
        assert (again, body) == (304, b"")
        assert "content-security-policy" in with_tag
        (page / "main.js").write_text("export const changed = true;")
        assert get(server, "/static/main.js", if_none_match=with_tag["etag"])[0] == 200
        assert get(server, "/", "HEAD")[0] == 200
        assert get(server, "/", "POST")[0] == 405
        assert get(server, "/nothing")[0] == 404


def test_the_real_page_is_complete(tmp_path):
    """Every file that the page asks for by name is there."""
    with serving(tmp_path) as server:
        status, _, body = get(server, "/")
        assert status == 200
        names = [part.split('"')[0] for part in body.decode().split('"/static/')[1:]]
        assert names
        for name in names:
            assert get(server, f"/static/{name}")[0] == 200, name


def test_plotly_comes_from_the_installed_package(tmp_path):
    plotly = pytest.importorskip("plotly")
    with serving(tmp_path) as server:
        status, headers, body = get(server, "/static/plotly.min.js")
        assert (status, headers["content-type"]) == (200, "text/javascript; charset=utf-8")
        assert body == (Path(plotly.__file__).parent / "package_data" / "plotly.min.js").read_bytes()
        assert get(server, "/static/plotly.min.js", if_none_match=headers["etag"])[0] == 304


TRAVERSALS = [
    "/static/../outside.js",
    "/static/%2e%2e/outside.js",
    "/static/..%2foutside.js",
    "/static/parts/../../outside.js",
    "/static/..%5coutside.js",
    "/static//etc/passwd",
    "/static/%2fetc%2fpasswd",
    "/static/secret.txt",
    "/static/parts",
    "/static/",
    "/static/main.js%00",
    "/api/runs/../runs/made-run/samples/0-1.png",
    "/api/runs/..%2fstage1%2fmade-run/samples/0-1.png",
    "/api/runs/%2e%2e/samples/0-1.png",
    "/api/runs/made-run%00/samples/0-1.png",
    "/api/runs/none/samples/0-1.png",
    "/api/runs/made-run/samples/0-2.png",
    "/api/runs/made-run/samples/0-1.png.png",
    "/api/runs/made-run/samples/x-1.png",
    "/api/runs/made-run/samples/" + "9" * 5000 + "-1.png",
    "/api/runs/made-run/samples/%d9%a0-1.png",
    "/api/runs/made-run/samples/..%2f..%2fconfig.json",
    "/api/runs/made-run/pictures/..%2fconfig.json",
    "/api/runs/made-run/pictures/..%2fsamples%2fepisode-000000-1.png",
    "/api/runs/made-run/pictures/other.png",
    "/api/runs/made-run/pictures/dashboard_none.png",
    "/api/runs/made-run/logos/..%2f..%2fconfig.png",
    "/api/runs/made-run/logos/00.png",
    "/api/runs/none/logos/00.png",
]


@pytest.mark.parametrize("path", TRAVERSALS)
def test_no_address_leads_elsewhere(tmp_path, run, page, path):
    for file in (run.folder.sample(0, 1), run.folder.path / "pictures" / "other.png"):
        file.parent.mkdir()
        file.write_bytes(b"x")
    with serving(tmp_path, page=page) as server:
        assert get(server, "/api/runs/made-run/samples/0-1.png")[0] == 200
        assert get(server, path)[0] == 404


def test_logos_lie_on_their_matte(tmp_path, run):
    wide = subject(1)
    dataset = Dataset((wide, subject(300)), ())
    save_dataset(dataset, run.folder.data)
    with serving(tmp_path) as server:
        address = f"/api/runs/made-run/logos/{wide.logo.digest}.png"
        status, headers, body = get(server, address)
        assert (status, headers["content-type"]) == (200, "image/png")
        assert "immutable" in headers["cache-control"]
        assert np.array_equal(np.asarray(Image.open(io.BytesIO(body))), wide.logo.on_matte)
        assert get(server, f"/api/runs/made-run/logos/{'0' * 64}.png")[0] == 404


def test_logos_are_small_and_kept(tmp_path, run, monkeypatch):
    from tests.rlcore.pictures import flat, logo

    made = logo(flat(100, 200, (10, 20, 30), alpha=128), "wide")
    np.savez_compressed(_made(run.folder.data / "logos.npz"), **{made.digest: made.rgba, "other": made.rgba[:9]})
    entries = [{"digest": digest, "matte": [0, 0, 255]} for digest in (made.digest, "other")]
    (run.folder.data / "manifest.json").write_text(json.dumps({"logos": entries}))
    pictures = LogoPictures(kept=1)
    png = pictures.png(run.folder, made.digest)
    picture = Image.open(io.BytesIO(png))
    assert picture.size == (128, 64)
    assert picture.getpixel((5, 5)) == (5, 10, 142)
    assert pictures.png(run.folder, "other") is not None
    assert len(pictures) == 1
    assert pictures.png(run.folder, "none") is None
    kept = pictures.png(run.folder, made.digest)
    monkeypatch.setattr(np, "load", pytest.fail)
    assert pictures.png(run.folder, made.digest) is kept
    assert len(pictures) == 1


def _made(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04", bytes(1000)])
def test_a_damaged_data_set_has_no_logos(run, damage):
    one = subject(1)
    save_dataset(Dataset((one,), ()), run.folder.data)
    assert one.logo.digest in str(read_json(run.folder.data / "manifest.json"))
    (run.folder.data / "logos.npz").write_bytes(damage)
    assert LogoPictures().png(run.folder, one.logo.digest) is None
    (run.folder.data / "manifest.json").write_bytes(damage)
    assert LogoPictures().png(run.folder, one.logo.digest) is None
