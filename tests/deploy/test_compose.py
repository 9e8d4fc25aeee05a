"""What can be said of ``deploy/`` without Docker: the schema, the linter, and that its parts fit together."""

import re
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
import typer
import yaml

from flows.cli import app
from tests.deploy.composition import (
    COMPOSE,
    DEPLOY,
    DOCKERFILE,
    EXAMPLE,
    ROOT,
    VARIABLE,
    RefusedError,
    composition,
    image_environment,
    instructions,
    is_known,
    needed,
    optional,
    secrets,
)


@pytest.fixture(scope="module")
def services():
    return composition(secrets())["services"]


@pytest.fixture(scope="module")
def long_running(services):
    return {name: service for name, service in services.items() if service["restart"] != "no"}


def against_schema(file):
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(file)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def linted(file):
    beside = Path(sys.executable).with_name("hadolint")
    linter = str(beside) if beside.exists() else shutil.which("hadolint")
    return subprocess.run([linter, str(file)], capture_output=True, text=True, timeout=60)


def test_the_compose_file_keeps_to_the_specification():
    done = against_schema(COMPOSE)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("healthcheck:", "healthchek:"),
        ("condition: service_healthy", "condition: service_health"),
        ("cap_drop: [ALL]", "cap_drop: ALL"),
        ("read_only: true", "read_only: [true]"),
    ],
)
def test_a_broken_compose_file_is_found(tmp_path, old, new):
    text = COMPOSE.read_text()
    assert old in text
    broken = tmp_path / "compose.yaml"
    broken.write_text(text.replace(old, new))
    assert against_schema(broken).returncode == 1


def test_the_linter_has_nothing_to_say_about_the_dockerfile():
    done = linted(DOCKERFILE)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        (":3.11.14-slim-bookworm", ":latest", "DL3007"),
        ("# hadolint ignore=DL3008\n", "", "DL3008"),
        ("pip install --no-cache-dir -c", "pip install -c", "DL3042"),
        ("USER 10001:10001", "USER root", "DL3002"),
        ("WORKDIR /opt/stage1", "RUN cd /opt/stage1", "DL3003"),
    ],
)
def test_a_bad_dockerfile_is_found(tmp_path, old, new, rule):
    text = DOCKERFILE.read_text()
    assert old in text
    bad = tmp_path / "Dockerfile"
    bad.write_text(text.replace(old, new))
    done = linted(bad)
    assert done.returncode == 1
    assert rule in done.stdout


def test_every_image_is_pinned(services):
    images = {service["image"] for service in services.values()}
    stages = {rest.split(" AS ")[1] for name, rest in instructions() if name == "FROM" and " AS " in rest}
    bases = {rest.split(" AS ")[0] for name, rest in instructions() if name == "FROM"} - stages
    assert len(bases) == 1
    for image in images | bases:
        assert re.fullmatch(r"[a-z0-9/]+:\d+\.\d+(\.\d+)?(-[a-z]+)*", image), image


def test_the_images_version_is_the_packages(services):
    assert {s["image"] for s in services.values() if "build" in s} == {f"stage1:{version('stage1')}"}


def test_packages_are_pinned_where_they_are_installed():
    installs = [part for name, rest in instructions() if name == "RUN" for part in re.findall("pip install[^&]*", rest)]
    assert len(installs) == 2
    assert all(" -c constraints.txt " in install for install in installs)


def test_ports_are_published_to_this_machine_alone(services):
    published = [port for service in services.values() for port in service.get("ports", [])]
    assert sorted(published) == ["127.0.0.1:4200:4200", "127.0.0.1:5000:5000", "127.0.0.1:8768:8768"]


def test_what_keeps_running_is_looked_after(long_running):
    assert set(long_running) == {"database", "prefect", "mlflow", "worker", "dashboard"}
    for name, service in long_running.items():
        assert service["healthcheck"]["test"][0] == "CMD", name
        assert service["healthcheck"]["start_period"], name
        assert service["restart"] == "unless-stopped", name


def test_nothing_is_root_or_can_become_it(services):
    last_user = [rest for name, rest in instructions() if name == "USER"][-1]
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", last_user)  # a number: Kubernetes can't tell of a name
    for name, service in services.items():
        user = service.get("user", last_user if "build" in service else "root")
        assert user.split(":")[0] not in ("root", "0"), name
        assert service["read_only"], name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name


def test_what_is_waited_for_is_there(services):
    for name, service in services.items():
        for other, how in service.get("depends_on", {}).items():
            ends = services[other]["restart"] == "no"
            assert how["condition"] == ("service_completed_successfully" if ends else "service_healthy"), (name, other)


def test_volumes_are_where_the_image_keeps_things(services):
    mounts = {volume for service in services.values() for volume in service.get("volumes", [])}
    named = {volume.split(":")[0] for volume in mounts if not volume.startswith(".")}
    assert named == set(composition(secrets())["volumes"])
    mlruns = f"mlruns:{image_environment()['STAGE1_MLRUNS']}"
    assert all(mlruns in services[name]["volumes"] for name in ("worker", "dashboard"))
    # else two workers could not take up each other's runs
    assert image_environment()["PREFECT_LOCAL_STORAGE_PATH"].startswith(image_environment()["STAGE1_MLRUNS"] + "/")
    owned = next(rest for name, rest in instructions() if name == "RUN" and "install -d" in rest)
    for volume in mounts:
        source, target = volume.split(":")[:2]
        if source.startswith("."):
            assert (DEPLOY / source).is_file()
        elif source != "database":
            assert f" {target}" in owned  # a new volume takes its owner from there


def test_stage1s_commands_are_those_of_its_command_line(services):
    group = typer.main.get_command(app)
    commands = [s["command"][1:] for s in services.values() if s.get("command", [""])[0] == "stage1"]
    scripts = [s["command"][-1] for s in services.values() if s.get("command", [""])[0] == "sh"]
    commands += [line.split()[1:] for script in scripts for line in script.splitlines() if line.startswith("stage1 ")]
    assert sorted(command[0] for command in commands) == ["automations", "dashboard"]
    for name, *options in commands:
        group.commands[name].make_context(name, options).close()  # exits where it does not know an option


def test_variables_are_known_to_who_reads_them(services):
    ours = {name for name, service in services.items() if "build" in service}
    given = {name for one in ours for name in services[one].get("environment", {})} | set(image_environment())
    assert [name for name in sorted(given) if not is_known(name)] == []
    read = re.findall(r"^\\getenv \w+ (\w+)$", (DEPLOY / "databases.sql").read_text(), re.MULTILINE)
    assert set(services["database"]["environment"]) == {"POSTGRES_PASSWORD", *read}
    assert not is_known("PREFECT_HOUSE")
    assert not is_known("MLFLOW_PASSWORD")
    assert not is_known("STAGE1_RUNS")


@pytest.mark.parametrize("missing", sorted(needed()))
def test_it_does_not_start_without_a_secret(missing):
    for values in ({**secrets(), missing: ""}, {k: v for k, v in secrets().items() if k != missing}):
        with pytest.raises(RefusedError, match=missing):
            composition(values)


def test_the_example_names_every_variable_and_has_no_secret():
    lines = EXAMPLE.read_text().splitlines()
    asked = dict(line.split("=", 1) for line in lines if re.match(r"[A-Z]", line))
    said = dict(line[1:].split("=", 1) for line in lines if re.match(r"#[A-Z0-9_]+=", line))
    assert asked == dict.fromkeys(needed(), "")
    assert said == optional()
    text = COMPOSE.read_text()
    assert len(VARIABLE.findall(text)) == len(re.findall(r"\$\w|\$\{(?!\.\.\.)", text))  # none is of another form


def test_the_example_is_in_git_and_what_is_made_of_it_is_not():
    def ignored(file):
        return subprocess.run(["git", "check-ignore", "-q", str(file)], cwd=ROOT, timeout=30).returncode == 0

    if not (ROOT / ".git").exists():
        pytest.skip("not a checkout of git")
    assert ignored(DEPLOY / ".env")
    assert not ignored(EXAMPLE)


def test_the_build_gets_what_is_copied_and_no_more():
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert "*" in (ROOT / ".dockerignore").read_text().splitlines()
    copies = [rest.split()[:-1] for name, rest in instructions() if name == "COPY" and "--from" not in rest]
    sources = {source for copy in copies for source in copy}
    assert sources == allowed
    assert all((ROOT / source).exists() for source in sources)
    assert not {".env", "deploy", "mlruns", ".git"} & sources


def test_mlflows_login_has_no_secret_of_its_own():
    text = (DEPLOY / "mlflow_auth.ini").read_text()
    assert "admin_password =" not in text
    assert "database_uri = postgresql://\n" in text


def test_the_deployments_are_for_the_pool_that_is_made(services):
    content = yaml.safe_load((ROOT / "prefect.yaml").read_text())
    assert {d["work_pool"]["name"] for d in content["deployments"]} == {"stage1"}
    assert "work-pool create stage1 --type process" in services["deploy"]["command"][-1]
    worker = services["worker"]["command"]
    assert worker[worker.index("--pool") + 1] == "stage1"
    assert [rest for name, rest in instructions() if name == "CMD"] == [str(worker).replace("'", '"')]
