"""Which training logos are like a new one in what suits them: a random forest's leaves (Breiman 2001).

The trees are grown to predict every setting's gain from a logo's entries; two logos are alike as often as they end in
the same leaf. Growing needs scikit-learn, asking does not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

TREES = 100
LEAST_IN_LEAF = 5
FEATURES_TRIED = 0.5
"""Share of the entries that each split chooses from."""


@dataclass(frozen=True)
class Forest:
    """A grown forest and where it puts the training logos.

    Attributes:
        entry, threshold, left, right: by tree and node: where the entry is at most the threshold a logo goes to the
            node ``left``, else ``right``; at a leaf both are the node itself. Shape ``(trees, nodes)``.
        leaves: leaf of each training logo in each tree, int32 of shape ``(logos, trees)``.
        unseen: whether the tree was grown without the logo, bool of shape ``(logos, trees)``.
    """

    entry: NDArray[np.int32]
    threshold: NDArray[np.float64]
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    leaves: NDArray[np.int32]
    unseen: NDArray[np.bool_]

    def likeness(self, entries: NDArray[np.float32], own: int | None = None) -> NDArray[np.float64]:
        """How alike each training logo is to one of these entries: float64 of shape ``(logos,)``, adding up to 1.

        ``own``: the column of the logo itself if it is a training logo: then only trees that were grown without it
        are asked, and it is not like itself.
        """
        places = self._leaves_of(entries) if own is None else self.leaves[own]
        same = self.leaves == places
        if own is not None:
            same &= self.unseen[own]
            same[own] = False
        in_leaf = same.sum(axis=0)
        asked = in_leaf > 0
        if not asked.any():
            return np.full(len(same), 1 / len(same))
        return np.asarray((same[:, asked] / in_leaf[asked]).mean(axis=1))

    def _leaves_of(self, entries: NDArray[np.float32]) -> NDArray[np.int32]:
        trees = np.arange(len(self.entry))
        place = np.zeros(len(trees), dtype=np.int32)
        while True:
            low = entries[self.entry[trees, place]] <= self.threshold[trees, place]
            deeper = np.where(low, self.left[trees, place], self.right[trees, place])
            if (deeper == place).all():
                return place
            place = deeper

    def as_dict(self) -> dict[str, NDArray[Any]]:
        """All of it, by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Forest:
        """What ``as_dict`` gave."""
        return cls(**content)


def grown(entries: NDArray[np.float32], gains: Sequence[NDArray[np.float64]], seed: int = 0) -> Forest:
    """A forest for these logos; the same input gives the same answer.

    Args:
        entries: of the training logos, shape ``(logos, entries)``.
        gains: a table ``(settings, logos)`` for each size weight that counts; each counts alike.
        seed: of the drawn logos and entries.
    """
    # takes a second to import, which a user of a trained policy need not wait for
    from sklearn.ensemble import RandomForestRegressor

    forest = RandomForestRegressor(
        TREES, min_samples_leaf=LEAST_IN_LEAF, max_features=FEATURES_TRIED, random_state=seed, n_jobs=1
    )
    # how good a setting is for a logo, not how easy the logo is
    relative = [table - table.mean(axis=0) for table in gains]
    targets = np.vstack([table / (table.std() + 1e-9) for table in relative]).T
    forest.fit(entries, targets)
    trees = [estimator.tree_ for estimator in forest.estimators_]
    nodes = max(tree.node_count for tree in trees)
    itself = np.arange(nodes, dtype=np.int32)
    entry, threshold = np.zeros((TREES, nodes), np.int32), np.zeros((TREES, nodes))
    left, right = np.tile(itself, (TREES, 1)), np.tile(itself, (TREES, 1))
    for number, tree in enumerate(trees):
        inner = np.flatnonzero(tree.children_left >= 0)
        entry[number, inner], threshold[number, inner] = tree.feature[inner], tree.threshold[inner]
        left[number, inner], right[number, inner] = tree.children_left[inner], tree.children_right[inner]
    unseen = np.ones((len(entries), TREES), dtype=bool)
    for number, drawn in enumerate(forest.estimators_samples_):
        unseen[drawn, number] = False
    return Forest(entry, threshold, left, right, forest.apply(entries).astype(np.int32), unseen)
