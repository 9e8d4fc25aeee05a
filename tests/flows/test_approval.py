"""A person approves in Prefect: the flow run is suspended, its process ends, and it goes on days later."""

import sys
from pathlib import Path

import pytest
from prefect.client.orchestration import get_client
from prefect.flow_runs import resume_flow_run
from prefect.states import Scheduled

from tasks import registry
from tasks.promotion import APPROVAL_KEY
from tests.flows.processes import launch

PREFECT = str(Path(sys.executable).parent / "prefect")


def deployed(config, name):
    """A flow run of a deployment, which nobody has started yet."""
    with get_client(sync_client=True) as client:
        flow = client.create_flow_from_name("stage1")
        # as `prefect deploy` has it for this checkout: with a path instead, the checkout would be copied for each start
        here = {"prefect.deployments.steps.set_working_directory": {"directory": str(Path.cwd())}}
        deployment = client.create_deployment(
            flow, f"approval of {name}", entrypoint="flows/stage1.py:stage1", pull_steps=[here]
        )
        parameters = {"config": config.model_dump(mode="json"), "run_name": name}
        return client.create_flow_run_from_deployment(deployment, parameters=parameters, state=Scheduled()).id


def executed(mlruns, flow_run_id):
    """As a worker does it; gives the state that it ended in."""
    output, _ = launch(mlruns, [PREFECT, "flow-run", "execute", str(flow_run_id)]).communicate(timeout=400)
    with get_client(sync_client=True) as client:
        state = client.read_flow_run(flow_run_id).state
    assert state.is_paused() or state.is_completed(), output[-4000:]
    return state


@pytest.mark.timeout(900)
def test_a_suspended_run_goes_on_when_somebody_approves(mlruns, copied):
    name = "to be approved"
    folder, config = copied(name, require_approval=True, success_rate_threshold=0.01)
    trained = len(folder.journal.read("rollout"))
    flow_run_id = deployed(config, name)

    state = executed(mlruns, flow_run_id)
    assert (state.name, state.state_details.pause_key) == ("Suspended", APPROVAL_KEY)
    [registered] = folder.journal.read("registered")
    version = registered["version"]
    [waits] = folder.journal.read("promotion")
    assert (waits["answer"], waits["version"]) == ("waits", version)
    assert folder.journal.read("ended")[-1]["reason"] == f"Pause: version {version} of stage1-agent waits for approval"
    assert not folder.finished
    assert registry.with_alias(registry.CHAMPION) is None
    assert registry.with_alias(registry.CHALLENGER).number == version
    with get_client(sync_client=True) as client:
        keys = state.state_details.run_input_keyset
        form = client.read_flow_run_input(flow_run_id, keys["schema"])
        question = client.read_flow_run_input(flow_run_id, keys["description"])
    assert all(field in form for field in ("approve", "approved_by", "comment"))
    assert f"Shall version {version} of stage1-agent become champion?" in question

    resume_flow_run(flow_run_id, run_input={"approve": True, "approved_by": "Ada", "comment": "seen"})
    assert executed(mlruns, flow_run_id).is_completed()
    assert folder.finished
    decided = folder.journal.read("promotion")[-1]
    assert decided["answer"] == "promoted"
    assert decided["reason"].endswith("approved by Ada: seen")
    assert registry.with_alias(registry.CHAMPION).number == version
    assert len(folder.journal.read("rollout")) == trained
    assert len(folder.journal.read("registered")) == 1


def test_without_a_deployment_the_version_stays_challenger(mlruns, copied):
    from flows.stage1 import stage1

    folder, config = copied("nobody to ask", require_approval=True, success_rate_threshold=0.01)
    assert stage1(config, folder.name, return_state=True).is_completed()
    [told] = folder.journal.read("promotion")
    assert told["answer"] == "waits"
    version = registry.with_alias(registry.CHALLENGER)
    assert version.number == told["version"]
    assert version.tags[registry.DECISION_TAG].startswith("waits: ")
    assert registry.with_alias(registry.CHAMPION) is None
