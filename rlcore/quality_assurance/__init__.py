"""The QA system: checks raise alerts while a run trains, and the gate says after each chunk whether it goes on."""

from rlcore.quality_assurance.gate import best_validation, judge, validations_without_improvement
from rlcore.quality_assurance.monitor import Monitor
from rlcore.quality_assurance.performance import disk_shortage

__all__ = ["Monitor", "best_validation", "disk_shortage", "judge", "validations_without_improvement"]
