"""The final report in the earlier system's words."""

from __future__ import annotations

from typing import Any

from rlcore.files import read_json
from rlcore.run_folder import RunFolder


def classic_report(folder: RunFolder) -> dict[str, Any]:
    """The figures of a run that came to its report; all of them are of the test logos, which no training has seen.

    The earlier system had the same under ``stage1_training_results``; that key is there too.

    Returns:
        ``success``, ``episodes_completed``, ``target_episodes``, ``completion_rate`` (0 to 1), and the dictionaries
        ``final_performance`` (means: ``avg_quality`` SSIM, ``success_rate``, ``ssim_improvement``, ``bytes_ratio``,
        ``gain``, ``convergence_score``), ``target_achievement`` (``..._target_reached``), ``training_statistics``
        (counts) and ``artifacts`` (paths).
    """
    report = read_json(folder.path / "stage1_final_report.json")
    headline, target = report["headline"], report["target"]
    episodes, planned = report["trained_episodes"], report["config"]["target_episodes"]
    results: dict[str, Any] = {
        "success": target["reached"],
        "episodes_completed": episodes,
        "target_episodes": planned,
        "completion_rate": episodes / planned,
        "outcome": report["outcome"],
        "final_performance": {
            "avg_quality": headline["quality"],
            **{name: headline[name] for name in ("success_rate", "ssim_improvement", "bytes_ratio", "gain")},
            "convergence_score": headline["convergence_score"],
        },
        "target_achievement": {
            "success_rate_target_reached": target["reached"],
            "ssim_improvement_target_reached": headline["ssim_improvement"] >= target["ssim_improvement_threshold"],
            "overall_target_reached": target["reached"],
        },
        "training_statistics": _statistics(folder),
        "artifacts": _artifacts(folder),
    }
    return results | {"stage1_training_results": results}


def _statistics(folder: RunFolder) -> dict[str, int]:
    """An alert that became worse stands in the journal again: it is one all the same."""
    raised = {(a["alert"]["check"], a["alert"]["episode"]): a["alert"] for a in folder.journal.read("alert")}
    return {
        "total_validations": len(folder.validations()),
        "milestones_achieved": len(folder.milestones()),
        "qa_alerts_total": len(raised),
        "critical_alerts": sum(alert["severity"] == "critical" for alert in raised.values()),
    }


def _artifacts(folder: RunFolder) -> dict[str, str]:
    files = {
        "save_directory": folder.path,
        "best_model_path": folder.best_model,
        "checkpoints_path": folder.path / "checkpoints",
        "monitoring_data_path": folder.journal.path,
        "report_path": folder.path / "report.html",
        "final_report_path": folder.path / "stage1_final_report.json",
        "summary_path": folder.path / "stage1_summary.txt",
        "progress_plot_path": folder.path / "stage1_training_progress.png",
    }
    return {name: str(path) for name, path in files.items()}
