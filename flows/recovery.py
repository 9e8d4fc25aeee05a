"""What Prefect's server does about a run whose process is gone: it marks it as crashed, and starts it again.

A flow's process says every half minute that it is there (``PREFECT_FLOWS_HEARTBEAT_FREQUENCY``, in ``prefect.yaml``). A
worker tells of a process of its own that ended; where the worker is gone too, the silence tells.
"""

from __future__ import annotations

from prefect.client.orchestration import SyncPrefectClient
from prefect.events.schemas.automations import AutomationCore

from flows.automations import keep_automation

TAG = "stage1-recovery"
FLOWS = ("stage1", "evaluate", "curriculum", "curriculum stage", "vectorize")

SILENT_SECONDS = 120
"""Three heartbeats and the time that a busy machine may take for one."""

MOST_STARTS = 4
"""Of a flow run, the first among them: one that crashes each time would be started for ever."""

SILENT, AGAIN = "stage1 recovery: silent", "stage1 recovery: again"

_FLOW_RUN = "prefect.flow-run.*"
_OF_OURS = {"prefect.resource.role": "flow", "prefect.resource.name": list(FLOWS)}
_DEPLOYED = {"prefect.resource.role": "deployment", "prefect.resource.id": "prefect.deployment.*"}


def set_up_recovery(client: SyncPrefectClient, silent_seconds: int = SILENT_SECONDS) -> list[str]:
    """Makes the automations, or changes what is different; returns what was done, in words."""
    return keep_automation(client, _when_silent(silent_seconds)) + keep_automation(client, _when_crashed())


def _when_silent(seconds: int) -> AutomationCore:
    """After a heartbeat, the next one or a change of the flow run's state is due."""
    return AutomationCore.model_validate(
        {
            "name": SILENT,
            "description": f"Marks a flow run as crashed whose process was not heard of for {seconds} seconds.",
            "tags": [TAG],
            "trigger": {
                "type": "event",
                "posture": "Proactive",
                "after": ["prefect.flow-run.heartbeat"],
                "expect": [_FLOW_RUN],
                "match": {"prefect.resource.id": _FLOW_RUN},
                "match_related": _OF_OURS,
                "for_each": ["prefect.resource.id"],
                "threshold": 1,
                "within": seconds,
            },
            "actions": [
                {
                    "type": "change-flow-run-state",
                    "state": "CRASHED",
                    "name": "Crashed",
                    "message": f"Its process was not heard of for {seconds} seconds.",
                }
            ],
        }
    )


def _when_crashed() -> AutomationCore:
    """As ``prefect flow-run retry``; of deployments alone, for somebody has to start it."""
    return AutomationCore.model_validate(
        {
            "name": AGAIN,
            "description": f"Starts a crashed flow run of a deployment again, at most {MOST_STARTS - 1} times.",
            "tags": [TAG],
            "trigger": {
                "type": "event",
                "posture": "Reactive",
                "expect": [_FLOW_RUN],
                "match": {
                    "prefect.resource.id": _FLOW_RUN,
                    "prefect.state-type": "CRASHED",
                    "prefect.run-count": [str(starts) for starts in range(1, MOST_STARTS)],
                },
                "match_related": [_OF_OURS, _DEPLOYED],
                "for_each": ["prefect.resource.id"],
                "threshold": 1,
                "within": 0,
            },
            "actions": [
                {
                    "type": "change-flow-run-state",
                    "state": "SCHEDULED",
                    "name": "AwaitingRetry",
                    "message": "Its process was gone: it goes on where it was.",
                    "force": True,
                }
            ],
        }
    )
