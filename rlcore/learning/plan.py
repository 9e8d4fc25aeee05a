"""How a training is cut: chunks, which end in a validation, made of segments, which end in a checkpoint."""

from __future__ import annotations

from dataclasses import dataclass

from rlcore.config import Stage1Config


@dataclass(frozen=True, slots=True)
class Segment:
    """Episodes ``first_episode`` up to, but without, ``end_episode``; ``index`` counts segments from 0."""

    index: int
    first_episode: int
    end_episode: int

    @property
    def episodes(self) -> int:
        """How many."""
        return self.end_episode - self.first_episode


def ends_chunk(config: Stage1Config, episode: int) -> bool:
    """Whether a chunk, or the whole training, ends with that episode; episode 0 counts as the end of none before."""
    return episode % config.validation_frequency == 0 or episode == config.target_episodes


def plan_chunks(config: Stage1Config) -> list[list[Segment]]:
    """The segments of each chunk: a chunk ends at every validation, a segment also at every checkpoint."""
    target, validation, checkpoint = config.target_episodes, config.validation_frequency, config.checkpoint_frequency
    ends = sorted({*range(validation, target, validation), *range(checkpoint, target, checkpoint), target})
    starts = [0, *ends[:-1]]
    chunks: list[list[Segment]] = [[]]
    for index, (start, end) in enumerate(zip(starts, ends, strict=True)):
        if start and start % validation == 0:
            chunks.append([])
        chunks[-1].append(Segment(index, start, end))
    return chunks
