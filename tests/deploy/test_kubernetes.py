"""The blocks of ``docs/kubernetes.md``: each can be read, and all of them speak of the same things."""

import json
import re
from importlib.metadata import version

import pytest
import yaml
from prefect.server.schemas.actions import WorkPoolCreate
from prefect.utilities.templating import apply_values
from pydantic import ValidationError

from tests.deploy.composition import ROOT, composition, image_environment, is_known, secrets

PAGE = (ROOT / "docs" / "kubernetes.md").read_text()
IMAGE = f"registry.example.com/stage1:{version('stage1')}"
INTEGRATION = "PREFECT_INTEGRATIONS_KUBERNETES_"
"""Settings of ``prefect-kubernetes``, which is not installed for tests."""


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def objects():
    return [one for block in blocks("yaml") for one in yaml.safe_load_all(block)]


@pytest.fixture(scope="module")
def template():
    [block] = blocks("json")
    return json.loads(block)


@pytest.fixture(scope="module")
def job(template):
    """The manifest of a run for which nothing is chosen."""
    variables = template["variables"]["properties"]
    values = {name: variable["default"] for name, variable in variables.items() if "default" in variable}
    return apply_values(template["job_configuration"], values)["job_manifest"]


def found(value, key):
    """What stands under a key, wherever in a nest of mappings and lists."""
    if isinstance(value, list):
        return [one for item in value for one in found(item, key)]
    if not isinstance(value, dict):
        return []
    deeper = [one for item in value.values() for one in found(item, key)]
    return [value[key], *deeper] if key in value else deeper


def names(objects, kind):
    return {one["metadata"]["name"] for one in objects if one["kind"] == kind}


def test_every_object_says_what_it_is(objects):
    assert len(objects) == 13
    for one in objects:
        assert one["apiVersion"]
        assert one["metadata"]["namespace"] == "stage1"
    assert len({(one["kind"], one["metadata"]["name"]) for one in objects}) == len(objects)


def test_what_is_referred_to_is_there(objects, job):
    everything = [*objects, job]
    assert {ref["name"] for ref in found(everything, "secretRef")} == names(objects, "Secret")
    assert {claim["claimName"] for claim in found(everything, "persistentVolumeClaim")} == names(
        objects, "PersistentVolumeClaim"
    )
    assert set(found(everything, "serviceAccountName")) == names(objects, "ServiceAccount")
    assert [binding["name"] for binding in found(objects, "roleRef")] == list(names(objects, "Role"))
    for address in re.findall(r"http://(\w+):(\d+)", json.dumps(everything).replace("127.0.0.1", "")):
        ports = {one["metadata"]["name"]: one["spec"]["ports"] for one in objects if one["kind"] == "Service"}
        assert {"port": int(address[1])} in ports[address[0]]


def test_every_image_is_the_one_that_is_built(objects, job):
    assert set(found([*objects, job], "image")) == {IMAGE}
    assert IMAGE in blocks("console")[0]


def test_pods_are_not_root_and_write_to_volumes_alone(objects, job):
    pods = [one["spec"]["template"]["spec"] for one in [*objects, job] if one["kind"] in ("Deployment", "Job")]
    assert len(pods) == 4
    for pod in pods:
        assert pod["securityContext"]["runAsNonRoot"]
        [container] = pod["containers"]
        rights = {"readOnlyRootFilesystem": True, "allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
        assert container["securityContext"] == rights
        assert {mount["name"] for mount in container["volumeMounts"]} == {one["name"] for one in pod["volumes"]}
        assert container["resources"]["limits"]["memory"]


def test_servers_are_started_as_in_the_compose_file(objects):
    services = composition(secrets())["services"]
    containers = {
        one["metadata"]["name"]: found(one, "containers")[0][0] for one in objects if found(one, "containers")
    }
    for name in ("prefect", "mlflow"):
        assert containers[name]["args"] == services[name]["command"]
    mlflow = {variable["name"] for variable in containers["mlflow"]["env"]}
    [secret] = [one for one in objects if one["metadata"]["name"] == "mlflow-server"]
    assert mlflow | set(secret["stringData"]) == set(services["mlflow"]["environment"])


def test_variables_are_known_to_who_reads_them(objects):
    given = {variable["name"] for variables in found(objects, "env") for variable in variables}
    given |= {name for values in found(objects, "stringData") for name in values}
    assert [name for name in sorted(given) if not is_known(name) and not name.startswith(INTEGRATION)] == []


def test_a_run_has_its_volume_its_secrets_and_its_share(job):
    pod = job["spec"]["template"]["spec"]
    [container] = pod["containers"]
    assert {"name": "mlruns", "mountPath": image_environment()["STAGE1_MLRUNS"]} in container["volumeMounts"]
    assert container["resources"]["limits"] == {"cpu": "2", "memory": "4Gi"} == container["resources"]["requests"]
    assert job["spec"]["backoffLimit"] == 0


def test_prefect_takes_the_template(template):
    WorkPoolCreate(name="stage1-kubernetes", type="kubernetes", base_job_template=template)
    without = {**template, "variables": {"type": "object", "properties": {"image": {"type": "string"}}}}
    with pytest.raises(ValidationError, match="undeclared"):
        WorkPoolCreate(name="stage1-kubernetes", type="kubernetes", base_job_template=without)


def test_every_variable_is_used(template):
    configuration = json.dumps(template["job_configuration"])
    for name in template["variables"]["properties"]:
        assert f"{{{{ {name} }}}}" in configuration, name


def test_commands_speak_of_the_same_pool_and_of_deployments_that_there_are(objects):
    commands = "\n".join(blocks("console"))
    pools = set(re.findall(r"(?:--pool |work-pool create )([\w-]+)", commands))
    [worker] = [one for one in found(objects, "args") if "worker" in one]
    assert pools == {worker[worker.index("--pool") + 1]}
    deployments = yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]
    there = {f"{one['entrypoint'].split(':')[1]}/{one['name']}" for one in deployments}
    named = set(re.findall(r"--name (\S+)", commands))
    assert named == there
