"""What MLflow calls the figures of a run: slash-prefixed keys, of the same name in every run."""

from __future__ import annotations

from dataclasses import asdict

from rlcore.judging.standings import ComparisonTable
from rlcore.judging.validation import Summary, Validation
from rlcore.records import Rollout


def rollout_metrics(rollout: Rollout, steps: int, rollbacks: int = 0) -> dict[str, float | None]:
    """``episode/*``: means over the rollout's episodes; ``train/*``: Stable-Baselines3's own.

    After a rollback, episodes are played a second time: their series have names of their own, ``episode-rollback1/*``.
    """
    again = f"-rollback{rollbacks}" if rollbacks else ""
    names = ("reward", "gain", "first_gain", "quality", "bytes_ratio", "ssim_improvement", "success_rate")
    metrics: dict[str, float | None] = {f"episode{again}/{name}": getattr(rollout, name) for name in names}
    metrics |= {
        f"episode{again}/length": float(steps),
        f"episode{again}/velocity": rollout.episodes_per_second,
        f"episode{again}/failed_traces": float(rollout.failed_traces),
        **{f"episode{again}/failed_{kind}": float(count) for kind, count in rollout.failures.items()},
    }
    return metrics | {f"train{again}/{name}": value for name, value in rollout.train.items()}


def summary_metrics(prefix: str, summary: Summary) -> dict[str, float | None]:
    """A summary's figures as metrics."""
    return {f"{prefix}/{name}": value for name, value in asdict(summary).items()}


def reading_metrics(validation: Validation, prefix: str) -> dict[str, float | None]:
    """All readings of a validation but the headline, under ``prefix-<reading>``."""
    metrics: dict[str, float | None] = {}
    for reading, summary in validation.breakdown().items():
        metrics |= summary_metrics(f"{prefix}-{reading}", summary)
    return metrics


def comparison_metrics(table: ComparisonTable) -> dict[str, float | None]:
    """``comparison-<searcher>-<traces>/<measure>``: means, IQM, the agent's lead; and the traces that it saves."""
    metrics: dict[str, float | None] = {}
    for standing in table.standings:
        prefix = f"comparison-{_key(standing.searcher)}-{standing.traces}"
        metrics |= summary_metrics(prefix, standing.summary)
        metrics[f"{prefix}/gain_iqm"] = standing.gain_iqm
        if standing.lead is not None:
            gain = standing.lead.gain
            metrics |= {
                f"{prefix}/agent_ahead": gain.mean,
                f"{prefix}/agent_ahead_low": gain.low,
                f"{prefix}/agent_ahead_high": gain.high,
                f"{prefix}/agent_better_on": standing.lead.probability.mean,
            }
    metrics |= {f"comparison-traces_needed/{_key(s.searcher)}": s.needed for s in table.savings}
    return metrics


def _key(searcher: str) -> str:
    return searcher.replace(" ", "_")
