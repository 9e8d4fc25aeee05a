"""``stage1 models``: versions of the registered model, and which one is champion."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

app = typer.Typer(
    help="List the registered versions of the agent, choose the champion, go back to the one before.",
    no_args_is_help=True,
)

_SHOWN = {
    "success rate": "stage1.success",
    "gain": "stage1.gain",
    "ahead of single": "stage1.ahead_of_best_single_setting",
}


@app.command("list")
def list_versions() -> None:
    """List all versions, the latest first, with their figures and 95 % intervals on the test logos."""
    from flows.tables import print_table
    from tasks import registry

    console = Console()
    known = registry.versions()
    if not known:
        console.print(f"no version of {registry.MODEL} yet: a finished run registers one", highlight=False)
        return
    rows = [["version", "alias", *_SHOWN, "run"]]
    for one in known:
        figures = [one.tags.get(tag, "–") for tag in _SHOWN.values()]
        rows.append([one.number, ", ".join(one.aliases), *figures, one.tags.get("stage1.run", one.run_id)])
    print_table(console, f"versions of {registry.MODEL}", rows)
    for one in known:
        if registry.DECISION_TAG in one.tags:
            told = one.tags[registry.DECISION_TAG]
            console.print(f"• version {one.number}: {told}", highlight=False, markup=False)


@app.command()
def promote(version: Annotated[str, typer.Argument(help="Number of the version, or challenger.")]) -> None:
    """Make a version champion, whatever the gate says of it; `rollback` takes it back."""
    from tasks.by_hand import promote_by_hand

    change = promote_by_hand(version)
    before = f", in place of version {change.before.number}" if change.before else ""
    Console().print(f"version {change.champion.number} is champion{before}", highlight=False)


@app.command()
def rollback() -> None:
    """Give the champion's place back to the one before."""
    from tasks.by_hand import roll_back_by_hand

    change = roll_back_by_hand()
    left = f", version {change.before.number} is not any more" if change.before else ""
    Console().print(f"version {change.champion.number} is champion again{left}", highlight=False)


@app.command()
def card(
    version: Annotated[
        str, typer.Argument(help="Number of the version, an alias, or pretrained; default: the champion.")
    ] = "",
) -> None:
    """Show a version's model card."""
    from rich.markdown import Markdown

    from rlcore.pretrained import CARD, NAME

    if version == NAME:
        Console().print(Markdown(CARD.read_text(encoding="utf-8")))
        return
    from tasks import registry

    found = registry.version(version or registry.CHAMPION)
    Console().print(Markdown(found.description))
