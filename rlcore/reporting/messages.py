"""Messages to people about a run, in the forms that they are read in: Slack's markup, plain text, HTML.

Only words are put together here, from figures that are text already: Prefect's server makes messages too, and shall not
need the numerical libraries for that.
"""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

MOST_SUBJECT = 150
MOST_PARAGRAPH = 2000
"""Characters; a state's message may hold a whole traceback."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure with what it should be; ``target`` is empty where there is none."""

    name: str
    value: str
    target: str = ""


@dataclass(frozen=True, slots=True)
class Link:
    """Where to look: ``target`` is an address, or what to type or look for where there is no address."""

    name: str
    target: str

    @property
    def is_address(self) -> bool:
        """Whether it can be clicked."""
        return self.target.startswith(("http://", "https://"))


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a run at some moment; ``trend`` is a sentence."""

    run: str
    episode: int | None = None
    target_episodes: int | None = None
    figures: tuple[Figure, ...] = ()
    trend: str = ""
    links: tuple[Link, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return asdict(self)

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Facts:
        """What ``as_dict`` gave."""
        figures = tuple(Figure(**figure) for figure in content["figures"])
        links = tuple(Link(**link) for link in content["links"])
        return cls(**{**content, "figures": figures, "links": links})

    @property
    def place(self) -> str:
        """The run, and how far it is."""
        if self.episode is None:
            return self.run
        of = f" of {self.target_episodes:,}" if self.target_episodes else ""
        return f"{self.run}, episode {self.episode:,}{of}"


@dataclass(frozen=True, slots=True)
class Message:
    """One message in every form; ``subject`` is one line, ``text`` is Slack's markup."""

    subject: str
    text: str
    plain: str
    html: str


@dataclass(frozen=True)
class _Part:
    """A heading with its lines; each is a sentence, a figure or a link."""

    heading: str
    lines: Sequence[str | Figure | Link] = field(default_factory=tuple)


def compose(headline: str, facts: Facts, paragraphs: Sequence[str], advice: str) -> Message:
    """A message.

    Args:
        headline: what happened, in a few words.
        facts: of the run.
        paragraphs: what there is to say beyond the headline.
        advice: what to do about it.
    """
    parts = [part for part in _parts(facts, paragraphs, advice) if part.lines]
    return Message(
        subject=_cut(" ".join(f"[stage1] {facts.run}: {headline}".split()), MOST_SUBJECT),
        text=_slack(headline, facts, parts),
        plain=_plain(headline, facts, parts),
        html=_html(headline, facts, parts),
    )


def _parts(facts: Facts, paragraphs: Sequence[str], advice: str) -> Iterator[_Part]:
    yield _Part("", [_cut(text, MOST_PARAGRAPH) for text in paragraphs if text])
    yield _Part("Figures", facts.figures)
    yield _Part("Trend", [facts.trend] if facts.trend else [])
    yield _Part("What to do", [advice] if advice else [])
    yield _Part("Links", facts.links)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _figure(figure: Figure) -> str:
    return figure.value + (f" (target {figure.target})" if figure.target else "")


def _slack(headline: str, facts: Facts, parts: Sequence[_Part]) -> str:
    blocks = [f"*{_mrkdwn(headline)}*\n{_mrkdwn(facts.place)}"]
    for part in parts:
        head = [f"*{part.heading}*"] if part.heading else []
        blocks.append("\n".join([*head, *map(_slack_line, part.lines)]))
    return "\n\n".join(blocks)


def _slack_line(line: str | Figure | Link) -> str:
    match line:
        case Figure():
            return f"• {_mrkdwn(line.name)}: {_mrkdwn(_figure(line))}"
        case Link() if line.is_address:
            return f"• <{_mrkdwn(line.target)}|{_mrkdwn(line.name)}>"
        case Link():
            return f"• {_mrkdwn(line.name)}: `{_mrkdwn(line.target)}`"
    return _mrkdwn(line)


def _mrkdwn(text: str) -> str:
    """Source: https://api.slack.com/reference/surfaces/formatting, "Escaping text"."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _plain(headline: str, facts: Facts, parts: Sequence[_Part]) -> str:
    blocks = [f"{headline}\n{facts.place}"]
    for part in parts:
        head = [f"{part.heading}:"] if part.heading else []
        blocks.append("\n".join([*head, *map(_plain_line, part.lines)]))
    return "\n\n".join(blocks) + "\n"


def _plain_line(line: str | Figure | Link) -> str:
    match line:
        case Figure():
            return f"- {line.name}: {_figure(line)}"
        case Link():
            return f"- {line.name}: {line.target}"
    return line


def _html(headline: str, facts: Facts, parts: Sequence[_Part]) -> str:
    escape = html.escape
    blocks = [f"<h2>{escape(headline)}</h2><p><b>{escape(facts.place)}</b></p>"]
    for part in parts:
        if part.heading:
            blocks.append(f"<h3>{escape(part.heading)}</h3>")
        blocks.append("".join(map(_html_line, part.lines)))
    return f'<html><body style="font-family:sans-serif">{"".join(blocks)}</body></html>'


def _html_line(line: str | Figure | Link) -> str:
    escape = html.escape
    match line:
        case Figure():
            return f"<p>{escape(line.name)}: <b>{escape(_figure(line))}</b></p>"
        case Link() if line.is_address:
            return f'<p><a href="{escape(line.target)}">{escape(line.name)}</a></p>'
        case Link():
            return f"<p>{escape(line.name)}: <code>{escape(line.target)}</code></p>"
    return f"<p>{escape(line)}</p>".replace("\n", "<br>")
