"""Where credentials come from (kubeconfig, exec plugin, identity provider, pod), how they are renewed, and bad kubeconfigs."""

from __future__ import annotations

import base64
import datetime
import json
import os
import re
import stat
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.progressive.delivery.plugins.module_utils._cluster.auth import AuthError, connect
from ansible_collections.progressive.delivery.plugins.module_utils._cluster.official_client import client_module

Kubeconfig = Callable[..., dict[str, Any]]
Written = Callable[..., str]


@pytest.mark.parametrize("how", ["option", "option over KUBECONFIG", "KUBECONFIG", "home", "dictionary"])
def test_where_the_kubeconfig_comes_from(
    server: Any, kubeconfig: Kubeconfig, written: Written, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    here, wrong = kubeconfig(server.url), kubeconfig("https://wrong.invalid", {"token": "wrong"})
    auth: dict[str, Any] = {}
    if how in ("option", "option over KUBECONFIG"):
        monkeypatch.setenv("HOME", os.path.dirname(written(here)))
        auth["kubeconfig"] = "~/kubeconfig"
    if how == "option over KUBECONFIG":
        monkeypatch.setenv("KUBECONFIG", written(wrong, "wrong"))
    if how == "KUBECONFIG":
        written(wrong, "home/.kube-config")
        monkeypatch.setenv("KUBECONFIG", f"/nowhere/config:{written(here)}")
    if how == "home":
        path = Path(os.environ["HOME"]) / ".kube"
        path.mkdir()
        (path / "config").write_text(yaml.safe_dump(here))
    if how == "dictionary":
        monkeypatch.setenv("KUBECONFIG", written(wrong, "wrong"))
        auth["kubeconfig"] = here
    assert server.asked_by(connect(auth)).header("Authorization") == ["Bearer t0ken"]


@pytest.mark.parametrize(
    ("options", "token"),
    [({}, "one"), ({"context": "two"}, "two"), ({"context": "shared"}, "one")],
    ids=["the first current-context", "a named context", "the first of two of one name"],
)
def test_several_files_are_merged_as_kubectl_does(
    server: Any, kubeconfig: Kubeconfig, written: Written, monkeypatch: pytest.MonkeyPatch, options: dict[str, str], token: str
) -> None:
    paths = []
    for name in ("one", "two"):
        document = kubeconfig(server.url, {"token": name}, name)
        document["contexts"].append(
            {"name": "shared", "context": {"cluster": f"{name}-cluster", "user": f"{name}-user", "namespace": name}}
        )
        paths.append(written(document, f"{name}/config"))
    no_current = written({"apiVersion": "v1", "kind": "Config"}, "none/config")
    monkeypatch.setenv("KUBECONFIG", ":".join([no_current, *paths]))
    assert server.asked_by(connect(options)).header("Authorization") == [f"Bearer {token}"]
    assert connect(options).namespace == ("one" if options.get("context") == "shared" else "default")


@pytest.mark.parametrize(("context", "namespace"), [({"namespace": "shop"}, "shop"), ({}, "default"), ({"namespace": ""}, "default")])
def test_the_namespace_is_the_contexts(server: Any, kubeconfig: Kubeconfig, context: dict[str, str], namespace: str) -> None:
    transport = connect({"kubeconfig": kubeconfig(server.url, context=context)})
    assert (transport.namespace, transport.host) == (namespace, server.url)


@pytest.mark.parametrize(
    "credentials",
    [{"api_key": "k"}, {"username": "u", "password": "p"}, {"client_cert": "", "client_key": ""}, {}],
    ids=["token", "basic", "certificate", "anonymous"],
)
def test_a_host_needs_no_kubeconfig(
    server: Any, ca: Any, client_pair: Any, monkeypatch: pytest.MonkeyPatch, credentials: dict[str, str]
) -> None:
    if "client_cert" in credentials:
        credentials = {"client_cert": str(client_pair.cert), "client_key": str(client_pair.key)}
    if credentials:
        monkeypatch.setenv("KUBECONFIG", "/nowhere")  # not even looked at
    auth = {"host": f"{server.url}/", "ca_cert": str(ca.cert), **credentials}
    request = server.asked_by(connect(auth))
    assert request.client == ("jane" if "client_cert" in credentials else "")
    assert (connect(auth).host, connect(auth).namespace) == (server.url, "default")


@pytest.fixture
def plugin(tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """An exec plugin that prints what `answers` holds: the first one first, the last one from then on. Its calls are in `calls`."""

    def make(*answers: Any, **more: Any) -> dict[str, Any]:
        (tmp_path / "answers").write_text(json.dumps([answer if isinstance(answer, str) else json.dumps(answer) for answer in answers]))
        script = tmp_path / "plugin"
        script.write_text(
            f"#!{sys.executable}\n"
            "import json, os, sys\n"
            "os.chdir(os.path.dirname(os.path.abspath(__file__)))\n"
            "open('calls', 'a').write(' '.join(sys.argv[1:]) + ' ' + os.environ.get('WHO', '') + '\\n')\n"
            "answers = json.load(open('answers'))\n"
            "answer = answers[min(len(open('calls').readlines()), len(answers)) - 1]\n"
            "if answer.startswith('!'): sys.exit(answer[1:])\n"
            "print(answer)\n"
        )
        script.chmod(script.stat().st_mode | stat.S_IXUSR)
        spec = {
            "apiVersion": "client.authentication.k8s.io/v1",
            "command": str(script),
            "args": ["get", "token"],
            "env": [{"name": "WHO", "value": "me"}],
        }
        return {"exec": {**spec, "interactiveMode": "Never", **more}}

    return make


def credential(lasts: float | None = None, **status: str) -> dict[str, Any]:
    """What an exec plugin prints. lasts: seconds."""
    if lasts is not None:
        expires = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=lasts)
        status["expirationTimestamp"] = expires.strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": status}


def test_an_exec_plugin_gives_the_token(server: Any, kubeconfig: Kubeconfig, plugin: Any, tmp_path: Path) -> None:
    transport = connect({"kubeconfig": kubeconfig(server.url, plugin(credential(3600, token="one"), credential(3600, token="two")))})
    for _time in range(3):
        transport.request("GET", "/x")
        assert server.last.header("Authorization") == ["Bearer one"]
    assert (tmp_path / "calls").read_text() == "get token me\n"


def test_an_exec_plugin_gives_a_certificate(server: Any, kubeconfig: Kubeconfig, plugin: Any, client_pair: Any) -> None:
    status = {"clientCertificateData": client_pair.cert.read_text(), "clientKeyData": client_pair.key.read_text()}
    assert server.asked_by(connect({"kubeconfig": kubeconfig(server.url, plugin(credential(**status)))})).client == "jane"


def test_a_token_about_to_expire_is_renewed(server: Any, kubeconfig: Kubeconfig, plugin: Any) -> None:
    transport = connect({"kubeconfig": kubeconfig(server.url, plugin(credential(-1, token="one"), credential(3600, token="two")))})
    transport.request("GET", "/x")
    assert server.last.header("Authorization") == ["Bearer two"]


def test_a_token_that_the_server_no_longer_takes_is_renewed(server: Any, kubeconfig: Kubeconfig, plugin: Any) -> None:
    kind = type(server.respond(None))
    server.respond = lambda request: kind(status=200 if request.header("Authorization") == ["Bearer two"] else 401)
    transport = connect({"kubeconfig": kubeconfig(server.url, plugin(credential(token="one"), credential(token="two")))})
    assert [transport.request("GET", "/x").status for _time in range(2)] == [200, 200]
    assert len(server.requests) == 3


def test_a_given_token_is_not_replaced_by_the_plugins(server: Any, kubeconfig: Kubeconfig, plugin: Any) -> None:
    document = kubeconfig(server.url, plugin(credential(-1, token="one")))
    assert server.asked_by(connect({"kubeconfig": document, "api_key": "k3y"})).header("Authorization") == ["Bearer k3y"]


@pytest.mark.parametrize("when", ["at first", "when renewing"])
@pytest.mark.parametrize(
    ("answer", "more", "says"),
    [
        ("!no session:\nlog in first", {}, "no session: log in first"),
        ("not JSON", {}, "decode"),
        ({"kind": "ExecCredential"}, {}, "missing key"),
        (credential(), {}, "missing token"),
        (credential(clientCertificateData="x"), {}, "clientKeyData"),
        ("!no session", {"installHint": "Install it\nfrom here."}, "no session; Install it from here."),
    ],
)
def test_a_failing_exec_plugin_is_an_error(
    server: Any, kubeconfig: Kubeconfig, plugin: Any, tmp_path: Path, when: str, answer: Any, more: dict[str, str], says: str
) -> None:
    answers = [answer] if when == "at first" else [credential(240, token="one"), answer]
    auth = {"kubeconfig": kubeconfig(server.url, plugin(*answers, **more))}
    with pytest.raises(AuthError, match=rf"kubeconfig has the exec plugin '{tmp_path}/plugin', which failed \(.*{says}") as caught:
        connect(auth).request("GET", "/x")
    assert "\n" not in str(caught.value)
    assert not server.requests


def test_an_exec_plugin_that_is_not_installed(server: Any, kubeconfig: Kubeconfig, plugin: Any) -> None:
    auth = {"kubeconfig": kubeconfig(server.url, plugin("", command="kube-login-x", installHint="See https://example.com."))}
    with pytest.raises(AuthError, match=r"'kube-login-x', which failed \(.*No such file.*; See https://example\.com\."):
        connect(auth)


def jwt(expires: float) -> str:
    parts: list[dict[str, Any]] = [{"alg": "none"}, {"exp": int(expires)}, {}]
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts)


@pytest.mark.parametrize("persist", [True, False])
def test_an_openid_token_is_renewed(server: Any, ca: Any, kubeconfig: Kubeconfig, written: Written, persist: bool) -> None:
    fresh = jwt(time.time() + 3600)
    kind = type(server.respond(None))
    answers = {
        "/.well-known/openid-configuration": {"token_endpoint": f"{server.url}/token"},
        "/token": {"id_token": fresh, "refresh_token": "refreshed", "access_token": "a", "token_type": "bearer"},
    }
    server.respond = lambda request: kind(body=answers.get(request.path, {}))
    config = {
        "client-id": "me",
        "client-secret": "s3cret",
        "id-token": jwt(time.time() - 10),
        "idp-issuer-url": server.url,
        "idp-certificate-authority-data": base64.b64encode(ca.pem).decode(),
        "refresh-token": "refresh",
    }
    path = written(kubeconfig(server.url, {"auth-provider": {"name": "oidc", "config": config}}))
    assert server.asked_by(connect({"kubeconfig": path, "persist_config": persist})).header("Authorization") == [f"Bearer {fresh}"]
    saved = yaml.safe_load(Path(path).read_text())["users"][0]["user"]["auth-provider"]["config"]
    assert saved["refresh-token"] == ("refreshed" if persist else "refresh")


@pytest.fixture
def pod(tmp_path: Path, server: Any, ca: Any, monkeypatch: pytest.MonkeyPatch) -> Path:
    """As if this ran in a pod whose service account is in the folder."""
    folder = tmp_path / "serviceaccount"
    folder.mkdir()
    for name, text in {"token": "pod-token", "ca.crt": ca.pem.decode(), "namespace": "pods"}.items():
        (folder / name).write_text(text)
    incluster = client_module("config.incluster_config")
    monkeypatch.setattr(incluster, "SERVICE_TOKEN_FILENAME", str(folder / "token"))
    monkeypatch.setattr(incluster, "SERVICE_CERT_FILENAME", str(folder / "ca.crt"))
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", str(server.port))
    return folder


@pytest.mark.usefixtures("pod")
def test_in_a_pod_its_service_account_counts(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert server.asked_by(connect({})).header("Authorization")[0].lower() == "bearer pod-token"
    assert connect({}).namespace == "pods"
    monkeypatch.setenv("POD_NAMESPACE", "elsewhere")
    assert connect({}).namespace == "elsewhere"


def test_a_rotated_service_account_token_is_read_again(server: Any, pod: Path) -> None:
    kind = type(server.respond(None))
    server.respond = lambda request: kind(status=200 if request.header("Authorization")[0].endswith("second") else 401)
    transport = connect({})
    (pod / "token").write_text("second")
    assert transport.request("GET", "/x").status == 200


@pytest.mark.parametrize("how", ["KUBECONFIG", "option", "context", "no service account"])
def test_in_a_pod_a_kubeconfig_that_is_named_wins(
    server: Any, pod: Path, kubeconfig: Kubeconfig, written: Written, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    path = written(kubeconfig(server.url), "home/.kube/config" if how in ("context", "no service account") else "kubeconfig")
    if how == "KUBECONFIG":
        monkeypatch.setenv("KUBECONFIG", path)
    if how == "no service account":
        (pod / "token").unlink()
    auth = {"option": {"kubeconfig": path}, "context": {"context": "here"}}.get(how, {})
    assert server.asked_by(connect(auth)).header("Authorization") == ["Bearer t0ken"]


def drop(document: dict[str, Any], kind: str) -> dict[str, Any]:
    return {**document, kind: []}


BAD_FILES: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "empty": (lambda good: "", "kubeconfig=PATH cannot be used .*empty"),
    "not YAML": (lambda good: "a: [s3cret\nb: }", r"kubeconfig=PATH cannot be used \(not valid YAML, line 2, column 2"),
    "tabs": (lambda good: "a:\n\t- s3cret", r"kubeconfig=PATH cannot be used \(not valid YAML, line 2, column 1"),
    "a list": (lambda good: [1, 2], r"kubeconfig=PATH cannot be used \(it is not laid out as a kubeconfig"),
    "a string": (lambda good: "s3cret", r"kubeconfig=PATH cannot be used \(it is not laid out as a kubeconfig"),
    "contexts without names": (lambda good: {**good, "contexts": [{}]}, r"PATH cannot be used \(it is not laid out as a kubeconfig .*name"),
    "no current-context": (
        lambda good: {**good, "current-context": ""},
        r"names no current-context: set context to one of its contexts \(here\)",
    ),
    "current-context amiss": (lambda good: {**good, "current-context": "x"}, "PATH has no context 'x': set context to one of here"),
    "no contexts": (lambda good: drop(good, "contexts"), "PATH has no context 'here': set context to one of none"),
    "no such cluster": (lambda good: drop(good, "clusters"), "PATH has no cluster 'here-cluster', only none"),
    "no such user": (lambda good: drop(good, "users"), "PATH has no user 'here-user', only none"),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_a_bad_kubeconfig_is_told_in_one_line(server: Any, kubeconfig: Kubeconfig, written: Written, case: str) -> None:
    make, says = BAD_FILES[case]
    path = written(make(kubeconfig(server.url)))
    with pytest.raises(AuthError, match=says.replace("PATH", re.escape(path))) as caught:
        connect({"kubeconfig": path})
    assert not re.search("\n|s3cret", str(caught.value))
    assert not caught.value.retriable
