"""Seeded geometric logos: disks, rings, polygons, stars, chevrons, bars, grids and letters, in 1-5 flat colours."""

from __future__ import annotations

from rlcore.logos import Logo


def generate_logos(count: int, seed: int, working_size: int) -> list[Logo]:
    """``count`` different logos, the same for the same seed and size, named ``generated/00000`` and on."""
    if count:
        raise NotImplementedError
    return []
