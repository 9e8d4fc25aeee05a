"""Which pictures ``stage1 vectorize`` is to read, and where the SVG of each goes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rlcore.data.reading import file_names
from rlcore.errors import UsageError
from rlcore.logos import FORMATS

STDIN = "-"


@dataclass(frozen=True)
class Job:
    """A picture and the place of its SVG.

    Attributes:
        name: what it is called in everything that is said of it.
        image: its path, or what was read from stdin.
        output: path of the SVG; None: stdout.
    """

    name: str
    image: Path | bytes
    output: Path | None


def jobs_of(logos: Sequence[str], output: Path | None, output_dir: Path | None, stdin: bytes) -> list[Job]:
    """A job for each picture, folders gone through in the order of names.

    Args:
        logos: files, folders, or ``-`` for ``stdin``.
        output: of the only picture; ``-`` is stdout.
        output_dir: where the SVGs go, in the folders that the pictures are in.
        stdin: content of an image.

    Raises:
        UsageError: the pictures and the places do not fit together.
    """
    if output is not None and output_dir is not None:
        raise UsageError("--output and --output-dir: give one of them")
    if STDIN in logos and len(logos) > 1:
        raise UsageError("- (stdin) goes alone")
    if output is not None and output.is_dir():
        raise UsageError(f"--output {output} is a folder: give --output-dir")
    names = Counter(Path(logo).resolve().name for logo in logos if logo != STDIN and Path(logo).is_dir())
    if twice := [name for name, count in names.items() if count > 1]:
        raise UsageError(f"several folders are called {twice[0]!r}: give them one at a time, each its --output-dir")
    many = len(logos) > 1
    jobs = [job for logo in logos for job in _jobs(logo, output_dir, stdin, many)]
    if output is not None:
        if len(jobs) != 1:
            raise UsageError(f"--output is for one picture, not for {len(jobs)}: give --output-dir")
        jobs = [replace(jobs[0], output=None if str(output) == STDIN else output)]
    return _apart(jobs)


def _jobs(logo: str, output_dir: Path | None, stdin: bytes, many: bool) -> Iterator[Job]:
    if logo == STDIN:
        yield Job("stdin", stdin, None if output_dir is None else output_dir / "stdin.svg")
        return
    path = Path(logo)
    if not path.is_dir():
        yield Job(logo, path, (path.parent if output_dir is None else output_dir) / f"{path.stem}.svg")
        return
    if output_dir is None:
        raise UsageError(f"{logo} is a folder: give --output-dir")
    if output_dir.resolve() == path.resolve():  # a second time, the SVGs of the first would be among the pictures
        raise UsageError(f"{logo}: its SVGs would be among its pictures: give another --output-dir")
    # folders under several arguments are kept apart
    place = output_dir / path.resolve().name if many else output_dir
    inside = _pictures(path, output_dir.resolve())
    if not inside:
        raise UsageError(f"{logo}: no picture in this folder ({', '.join(FORMATS)})")
    for name in inside:
        yield Job(str(path / name), path / name, place / name.with_suffix(".svg"))


def _pictures(folder: Path, without: Path) -> list[Path]:
    """The pictures in a folder and those under it, but for those in ``without``, a folder for results.

    Folders that can't be listed are among them: they fail by their names.
    """
    found = [Path(name) for name in file_names(folder)]
    wanted = [name for name in found if name.suffix.lower() in FORMATS or (folder / name).is_dir()]
    return [name for name in wanted if without not in (folder / name).resolve().parents]


def check_report(report: Path, jobs: Sequence[Job]) -> None:
    """Looks whether a page can go there, before there is anything to lose.

    Raises:
        UsageError: it would take the place of a picture, of an SVG or of a folder.
    """
    if report.is_dir():
        raise UsageError(f"--report {report} is a folder: give the name of a file")
    place = report.resolve()
    for job in jobs:
        if isinstance(job.image, Path) and job.image.resolve() == place:
            raise UsageError(f"--report would take the place of the picture {job.image}")
        if job.output is not None and job.output.resolve() == place:
            raise UsageError(f"--report would take the place of {job.output}, the SVG of {job.name}")


def _apart(jobs: Sequence[Job]) -> list[Job]:
    """With whole names where pictures differ in their suffix alone (``logo.png.svg`` and ``logo.jpg.svg``).

    Raises:
        UsageError: an SVG would take the place of a picture, or of another one's SVG.
    """
    places = Counter(job.output for job in jobs)
    named = [
        replace(job, output=job.output.with_name(f"{job.image.name}.svg"))
        if isinstance(job.image, Path) and job.output is not None and places[job.output] > 1
        else job
        for job in jobs
    ]
    inputs = {job.image.resolve() for job in named if isinstance(job.image, Path)}
    taken: set[Path] = set()
    for job in named:
        if job.output is None:
            continue
        place = job.output.resolve()
        if place in inputs:
            raise UsageError(f"{job.name}: its SVG would take the place of {job.output}: give --output-dir")
        if place in taken:
            raise UsageError(f"{job.name}: another picture's SVG is {job.output} too")
        taken.add(place)
    return named
