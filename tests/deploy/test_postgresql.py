"""The team's service on a real PostgreSQL: the compose file's commands, from empty databases to a finished run."""

import json
import time

import httpx
import pytest

from rlcore.run_folder import RunFolder
from tests.deploy.composition import DEPLOY
from tests.deploy.postgresql import is_installed, postgresql, run_psql
from tests.deploy.team import PAUSE_SECONDS, Team
from tests.deploy.test_kubernetes import blocks
from tests.flows.conftest import tiny_config
from tests.flows.receivers import wait_until

pytestmark = [
    pytest.mark.timeout(600),
    pytest.mark.skipif(not is_installed(), reason="no PostgreSQL server here (Debian: apt-get install postgresql)"),
]

RUN_SECONDS = 240.0
TINIER = {
    **{"target_episodes": 30, "generated_logos": 40, "working_size": 32, "workers": 1},
    **{"library_searches": 1, "library_kinds": 1, "comparison_traces": 0},
}


@pytest.fixture(scope="module")
def database():
    """Port of a PostgreSQL on which ``databases.sql`` was run, as PostgreSQL's image does at its first start."""
    with postgresql("postgres-password-of-a-test") as port:
        yield port


@pytest.fixture(scope="module")
def team(tmp_path_factory, database):
    team = Team(tmp_path_factory.mktemp("team"), database)
    passwords = {name: value for name, value in team.secrets.items() if name.endswith("_DATABASE_PASSWORD")}
    run_psql(database, "postgres-password-of-a-test", f"--file={DEPLOY / 'databases.sql'}", **passwords)
    try:
        for service in ("prefect", "mlflow"):
            team.start(service)
        for service in ("prefect", "mlflow"):
            team.wait_for(service)
        yield team
    finally:
        team.end()


@pytest.fixture(scope="module")
def finished(team):
    """Id of a flow run of the deployment ``smoke`` that a worker has brought to its end."""
    done = team.run("deploy")
    assert done.returncode == 0, done.stdout + done.stderr
    team.start("worker")
    team.start("dashboard")
    deployment = team.ask("GET", "deployments/name/stage1/smoke").json()["id"]
    config = tiny_config(**TINIER).model_dump(mode="json")
    made = team.ask("POST", f"deployments/{deployment}/create_flow_run", json={"parameters": {"config": config}})
    flow_run = made.json()["id"]

    def state():
        found = team.ask("GET", f"flow_runs/{flow_run}").json()["state"]
        return found if found["type"] in ("COMPLETED", "FAILED", "CRASHED", "CANCELLED") else None

    reached = wait_until(lambda: state() or time.sleep(PAUSE_SECONDS), RUN_SECONDS)
    assert reached["type"] == "COMPLETED", (reached, team.log("worker").read_text())
    return flow_run


def rows(team, database, user, query):
    """As the user of that name sees them in the database of that name."""
    password = team.secrets[f"{user.upper()}_DATABASE_PASSWORD"]
    return run_psql(database, password, f"--dbname={user}", f"--command={query}", user=user).splitlines()


def test_prefect_keeps_the_run_in_postgresql(team, database, finished):
    query = f"SELECT state_type FROM flow_run WHERE id = '{finished}'"
    assert rows(team, database, "prefect", query) == ["COMPLETED"]
    [tasks] = rows(team, database, "prefect", f"SELECT count(*) FROM task_run WHERE flow_run_id = '{finished}'")
    assert int(tasks) > 10
    names = rows(team, database, "prefect", "SELECT name FROM automation ORDER BY name")
    assert names == ["stage1 recovery: again", "stage1 recovery: silent"]


def test_mlflow_keeps_its_figures_in_postgresql(team, database, finished):
    assert rows(team, database, "mlflow", "SELECT status FROM runs") == ["FINISHED"]
    steps = rows(team, database, "mlflow", "SELECT step FROM metrics WHERE key = 'validation/gain' ORDER BY step")
    assert steps == ["0", "30"]
    assert rows(team, database, "mlflow", "SELECT name FROM registered_models") == ["stage1-agent"]
    assert rows(team, database, "mlflow", "SELECT username, is_admin FROM users") == ["admin|t"]


def test_artifacts_went_through_the_server(team, finished):
    kept = {file.name for file in (team.folder / "volumes" / "artifacts").rglob("*") if file.is_file()}
    assert {"report.html", "MLmodel"} <= kept


def test_a_wrong_password_is_refused(team, finished):
    right = team.secrets["MLFLOW_ADMIN_PASSWORD"]
    assert [team.ask_mlflow(password) for password in (right, "wrong", "")] == [200, 401, 401]
    assert team.ask_mlflow(right, host="evil.example") == 403
    done = [team.ask("POST", "flow_runs/filter", password, json={}).status_code for password in (None, "wrong", "")]
    assert done == [200, 401, 401]


def test_each_user_sees_its_own_database_alone(team, database):
    for user, other in (("prefect", "mlflow"), ("mlflow", "prefect")):
        password = team.secrets[f"{user.upper()}_DATABASE_PASSWORD"]
        with pytest.raises(AssertionError, match="permission denied for database"):
            run_psql(database, password, f"--dbname={other}", "--command=SELECT 1", user=user)
        with pytest.raises(AssertionError, match="password authentication failed"):
            run_psql(database, "wrong", f"--dbname={user}", "--command=SELECT 1", user=user)


def test_the_dashboard_shows_the_run_to_who_has_the_token(team, finished):
    team.wait_for("dashboard")
    address = f"http://127.0.0.1:{team.dashboard}/api/runs"
    [run] = httpx.get(address, params={"token": team.secrets["DASHBOARD_TOKEN"]}, timeout=30).json()
    assert run["state"] == "finished"
    assert RunFolder(team.folder / "volumes" / "mlruns" / "stage1" / run["name"]).finished
    assert httpx.get(address, timeout=30).status_code == 401


def test_everything_that_keeps_running_is_healthy(team, finished):
    for service in ("prefect", "mlflow", "worker", "dashboard"):
        team.wait_for(service)


def test_prefect_takes_the_pool_of_the_page_on_kubernetes(team):
    [template] = blocks("json")
    pool = {"name": "stage1-kubernetes", "type": "kubernetes", "base_job_template": json.loads(template)}
    assert team.ask("POST", "work_pools/", json=pool).status_code == 201
    assert team.ask("GET", "work_pools/stage1-kubernetes").json()["base_job_template"] == pool["base_job_template"]
