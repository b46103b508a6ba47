"""Secret options, headers, environment values and Secrets are found nowhere that they must not be, with playbooks at -vvvv."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import threading
import time
import uuid
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from ansible_collections.progressive.delivery.tests.harness.application import Application
from ansible_collections.progressive.delivery.tests.harness.calls import until

AUTH = """
- hosts: localhost
  connection: local
  gather_facts: false
  tasks:
    - progressive.delivery.{module}:
        namespace: test
        host: http://127.0.0.1:9
        kubeconfig: "{{{{ secret_kubeconfig }}}}"
        api_key: "{{{{ secret_api_key }}}}"
        username: somebody
        password: "{{{{ secret_password }}}}"
        proxy: "http://user:{{{{ secret_proxy }}}}@127.0.0.1:9"
        proxy_headers: {{proxy_basic_auth: "{{{{ secret_proxy_auth }}}}", basic_auth: "{{{{ secret_basic }}}}"}}
      ignore_errors: true
"""
HOOK = """
- name: Use a secret as hooks should
  ansible.builtin.command:
    argv: [test, "{{ secret_of_hook }}", "!=", ""]
  no_log: true
  changed_when: false
- name: Say which step it is
  ansible.builtin.debug:
    msg: "{{ canary_step_number }}"
"""
# A probe tells versions apart, which the two sides are until the promotion.
STEPS: list[Any] = [{"set_weight": 50}, {"pause": {}}]


class Watch:
    """Runs commands with directories of their own for all that Ansible writes, and looks at the arguments of all processes meanwhile.

    secrets: by what they are. Each is a string that nothing else contains.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.secrets = folder, dict[str, str]()
        self.arguments: set[str] = set()
        self.given = folder / "given"  # what users write, which holds secrets
        self.own = folder / "own"
        self.given.mkdir()
        self.own.mkdir()
        places = ("TMPDIR", "ANSIBLE_HOME", "ANSIBLE_LOCAL_TEMP", "ANSIBLE_REMOTE_TEMP", "ANSIBLE_ASYNC_DIR")
        self.environment = {**os.environ, **{name: str(self.own / name.lower()) for name in places}}
        (self.own / "tmpdir").mkdir()

    def secret(self, what: str) -> str:
        """A new secret string."""
        return self.secrets.setdefault(what, f"c4n4ry-{uuid.uuid4().hex}-{what}")

    def write(self, name: str, content: Any) -> str:
        """A file of the user's; its path."""
        path = self.given / name
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return str(path)

    def play(self, playbook: str, variables: dict[str, Any]) -> tuple[int, str]:
        """The exit code, and all that Ansible prints."""
        file = self.write(f"{uuid.uuid4().hex}.json", variables)
        command = ["ansible-playbook", playbook, "-e", f"@{file}", "-vvvv", "--diff"]
        with self._sampled():
            ended = subprocess.run(
                command,
                check=False,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        return ended.returncode, ended.stdout

    def found_in(self, text: str, but: tuple[str, ...] = ()) -> set[str]:
        """Which of the secrets a text has, in plain or in base64."""
        return {
            what
            for what, secret in self.secrets.items()
            if what not in but and (secret in text or base64.b64encode(secret.encode()).decode().rstrip("=")[:-2] in text)
        }

    def left(self) -> dict[str, set[str]]:
        """The files that Ansible has left and that have secrets."""
        found = {path: self.found_in(path.read_text(errors="replace")) for path in self.own.rglob("*") if path.is_file()}
        return {str(path): secrets for path, secrets in found.items() if secrets}

    def _sampled(self) -> Any:
        return _Sampler(self.arguments)


class _Sampler:
    """Collects the arguments of all processes while it is entered."""

    def __init__(self, seen: set[str]) -> None:
        self._seen, self._over = seen, threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_problem: object) -> None:
        self._over.set()
        self._thread.join()

    def _sample(self) -> None:
        while not self._over.is_set():
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    self._seen.add(path.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
                except OSError:
                    continue
            time.sleep(0.02)


def written(app: Application) -> str:
    """What the cluster holds and may be read by whoever may read anything but Secrets and workloads."""
    whole = [item for kind in ("ConfigMap", "Event", "Lease", "Service", "VirtualService") for item in app.request("GET", kind)["items"]]
    heads = [item["metadata"] for kind in ("Deployment", "ReplicaSet", "Pod", "Secret") for item in app.request("GET", kind)["items"]]
    for metadata in heads:
        metadata.pop("managedFields", None)
    return json.dumps([whole, heads])


@pytest.fixture
def watch(tmp_path: Path) -> Watch:
    return Watch(tmp_path)


@pytest.fixture
def configured(app: Application, watch: Watch) -> Application:
    """The seed, whose pods have an environment value of their own and read a Secret."""
    app.make(
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "key"}, "stringData": {"value": watch.secret("of-a-tracked-Secret")}}
    )
    env: list[dict[str, Any]] = [
        {"name": "OLD", "value": watch.secret("in-the-cluster")},
        {"name": "KEEP", "value": watch.secret("that-stays")},
    ]
    env += [{"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "key", "key": "value"}}}]
    app.change_container(env=env)
    app.wait_for_pods(app.get("Deployment")["spec"]["replicas"])
    app.wait_for("blue")
    return app


def auth(app: Application, watch: Watch) -> dict[str, Any]:
    """The kubeconfig as a mapping. Its key is a secret that the test did not make."""
    config = yaml.safe_load(Path(app.kubeconfig).read_text())
    for each in config["users"]:
        if "client-key" in each["user"]:
            each["user"]["client-key-data"] = base64.b64encode(Path(each["user"].pop("client-key")).read_bytes()).decode()
        if "client-key-data" in each["user"]:
            watch.secrets["client-key-data"] = each["user"]["client-key-data"]
    return {"kubeconfig": config}


def probe(app: Application, watch: Watch) -> dict[str, Any]:
    headers = {"Host": app.host, "Authorization": f"Bearer {watch.secret('of-a-header')}", "X-Token": watch.secret("of-another-header")}
    return {"url": app.gateway, "headers": headers, "expect": {"canary": "yellow", "stable": "blue"}, "timeout": "1m"}


def template(app: Application, watch: Watch) -> dict[str, Any]:
    env = [
        {"name": "NEW", "value": watch.secret("of-the-template")},
        {"name": "LINES", "value": f"a'\"\\\n{watch.secret('of-several-lines')}\n"},
    ]
    env += [{"name": "REPLICAS", "value": "1"}, {"name": "DEBUG", "value": "true"}]
    return {"spec": {"containers": [{"name": app.name, "image": "argoproj/rollouts-demo:yellow", "env": env}]}}


@pytest.mark.parametrize("state", ["paused", "aborted"])
def test_a_canary(configured: Application, watch: Watch, state: str) -> None:
    app = configured
    hook = watch.write("hook.yml", HOOK if state == "paused" else HOOK + "- ansible.builtin.fail: {msg: it was to fail}\n")
    variables = {
        **app.canary_variables(steps=STEPS, grace="0.3s", approval="manual"),
        "canary_revision": {"template": template(app, watch)},
        "canary_probe": probe(app, watch),
        "canary_probe_hosts": [urlsplit(app.gateway).netloc],
        "canary_track_configs": True,
        "canary_hooks": {"after_step": hook},
        "secret_of_hook": watch.secret("of-a-hook"),
        "rollout_auth": auth(app, watch),
    }
    code, out = watch.play("progressive.delivery.canary", variables)
    assert (code == 0) == (state == "paused"), out[-4000:]
    assert ("Paused" if state == "paused" else "Aborted") in app.get("ConfigMap", f"{app.name}.rollout")["data"]["record"]
    # The hook's command has its secret among its arguments.
    assert watch.found_in(out) == set()
    assert watch.found_in("\n".join(watch.arguments), but=("of-a-hook",)) == set()
    assert watch.left() == {}
    assert watch.found_in(written(app)) == set()
    told = out.replace('"client-key-data": "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"', "")  # the whole value is secret
    assert "********" in told and "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER" not in told
    if state == "paused":
        assert "******** (changed)" in out or '"name": "NEW"' in out, "the diff shows the variables"


def test_a_check_that_fails(app: Application, watch: Watch) -> None:
    said = f"echo {watch.secret('that-a-check-prints')} >&2; exit 3"
    command = ["sh", "-c", said, "sh", f"--token={watch.secret('of-a-check')}"]
    variables = {
        **app.bluegreen_variables(workload={"name": app.name, "style": "revisions"}, grace="0.3s"),
        "bluegreen_checks": {"before_switch": [{"command": command, "name": "smoke test"}]},
        "rollout_auth": auth(app, watch),
    }
    code, out = watch.play("progressive.delivery.bluegreen", variables)
    assert code != 0 and "the check `smoke test` failed: exit code 3, c4n4ry" in out, out[-4000:]
    assert watch.found_in(out, but=("that-a-check-prints",)) == set()  # whoever runs it sees why it failed
    until("no file of the check left: Ansible's wrapper removes them a second after it", lambda: not watch.left(), 20)
    assert "the check `smoke test` failed: exit code 3" in written(app)
    assert watch.found_in(written(app)) == set()


@pytest.mark.parametrize("module", ["rollout_info", "service_selector"])
def test_credentials(watch: Watch, module: str) -> None:
    more = "" if module == "rollout_info" else "        name: shop\n        state: absent\n"
    play = watch.write("play.yml", AUTH.format(module=module).replace("        namespace: test\n", f"        namespace: test\n{more}"))
    user = {"token": watch.secret("token"), "password": watch.secret("kubeconfig-password"), "client-key-data": watch.secret("key-data")}
    variables = {
        "secret_kubeconfig": {"apiVersion": "v1", "kind": "Config", "users": [{"name": "x", "user": user}]},
        **{f"secret_{name}": watch.secret(name) for name in ("api_key", "password", "proxy", "proxy_auth", "basic")},
    }
    _code, out = watch.play(play, variables)
    assert "ignored=1" in out and "127.0.0.1:9" in out, out[-4000:]
    assert watch.found_in(out) == set() and watch.left() == {} and watch.found_in("\n".join(watch.arguments)) == set()


@pytest.mark.parametrize("check", [False, True], ids=["done", "check mode"])
def test_modules(configured: Application, watch: Watch, check: bool) -> None:
    """What they return: without Ansible's own masking of what it prints."""
    app = configured
    plan = app.plan("yellow", STEPS, probe=probe(app, watch), revision={"template": template(app, watch)}, track_configs=True)
    results = [app.module("rollout_preflight_info", {key: value for key, value in plan.items() if key != "grace"})]
    results += [app.module("rollout_step", {**plan, "wait_timeout": "2m"}, check, diff=True)]
    results += [app.module("rollout_info", {"name": app.name})]
    results += [app.module("rollout_step", {"name": app.name, "state": "absent"}, check, diff=True)]
    weight = {
        "router": "istio",
        "name": app.name,
        "routes": ["primary"],
        "stable_service": app.name,
        "canary_service": f"{app.name}-canary",
    }
    results += [
        app.module(
            "canary_weight", {**weight, "weight": 10, "require_ready": False, "wait": False, "probe": probe(app, watch)}, check, diff=True
        )
    ]
    for result in results:
        assert watch.found_in(json.dumps(result)) == set()
        assert "VALUE_SPECIFIED" not in json.dumps({key: value for key, value in result.items() if key != "invocation"})
    assert not any(result.get("failed") for result in results), [result.get("msg") for result in results]
    assert check or results[1]["phase"] == "Paused"
    assert watch.found_in(written(app)) == set()
