"""The auth options against a real server: which credentials arrive there, by which way, and what is said of unusable options."""

from __future__ import annotations

import base64
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.progressive.delivery.plugins.module_utils._cluster.auth import (
    ANY_CERTIFICATE,
    PLAIN_HTTP,
    USER_AGENT,
    AuthError,
    connect,
)

Kubeconfig = Callable[..., dict[str, Any]]
Written = Callable[..., str]
COLLECTION = Path(__file__).resolve().parents[3]


def b64(data: str | bytes) -> str:
    return base64.b64encode(data.encode() if isinstance(data, str) else data).decode()


def test_the_user_agent_names_the_version(server: Any, kubeconfig: Kubeconfig) -> None:
    version = yaml.safe_load((COLLECTION / "galaxy.yml").read_text())["version"]
    assert f"progressive.delivery/{version}" == USER_AGENT
    assert server.asked_by(connect({"kubeconfig": kubeconfig(server.url)})).header("User-Agent") == [USER_AGENT]


@pytest.mark.parametrize(
    ("user", "options", "authorization", "client"),
    [
        ({"token": "t0ken"}, {}, ["Bearer t0ken"], ""),
        ({"token": "t0ken\n"}, {}, ["Bearer t0ken"], ""),
        ({"username": "u", "password": "p"}, {}, [f"Basic {b64('u:p')}"], ""),
        ({"client-certificate": "jane.crt", "client-key": "jane.key"}, {}, [], "jane"),
        ({"client-certificate-data": "jane.crt", "client-key-data": "jane.key"}, {}, [], "jane"),
        ({}, {}, [], ""),
        ({}, {"api_key": "k3y"}, ["Bearer k3y"], ""),
        ({}, {"username": "ü", "password": "p:w"}, [f"Basic {b64('ü:p:w')}"], ""),
        ({}, {"client_cert": "jane.crt", "client_key": "jane.key"}, [], "jane"),
        ({}, {"client_cert": "both.pem"}, [], "jane"),
        ({"token": "t0ken"}, {"api_key": "k3y"}, ["Bearer k3y"], ""),
        ({"token": "t0ken"}, {"username": "u", "password": "p"}, [f"Basic {b64('u:p')}"], ""),
        ({"token": "t0ken"}, {"api_key": "", "username": None, "password": "p"}, ["Bearer t0ken"], ""),
        ({"token": "t0ken"}, {"client_cert": "jane.crt", "client_key": "jane.key"}, ["Bearer t0ken"], "jane"),
    ],
)
@pytest.mark.parametrize("form", ["file", "dictionary"])
def test_credentials_arrive(
    server: Any,
    kubeconfig: Kubeconfig,
    written: Written,
    client_pair: Any,
    tmp_path: Path,
    form: str,
    user: dict[str, str],
    options: dict[str, Any],
    authorization: list[str],
    client: str,
) -> None:
    files = {"jane.crt": client_pair.cert.read_bytes(), "jane.key": client_pair.key.read_bytes()}
    files["both.pem"] = files["jane.crt"] + files["jane.key"]
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    absolute = {name: str(tmp_path / name) for name in files}
    inside = {} if form == "file" else absolute  # paths in a kubeconfig file start from its folder
    document = kubeconfig(server.url, {k: b64(files[v]) if k.endswith("-data") else inside.get(v, v) for k, v in user.items()})
    options = {key: absolute.get(value, value) for key, value in options.items()}
    request = server.asked_by(connect({"kubeconfig": written(document) if form == "file" else document, **options}))
    assert (request.header("Authorization"), request.client) == (authorization, client)


@pytest.mark.parametrize(
    ("user", "options", "user_header", "group_headers"),
    [
        ({}, {}, [], []),
        ({}, {"impersonate_user": "jane"}, ["jane"], []),
        ({}, {"impersonate_user": "jane", "impersonate_groups": ["a", "b", "c d"]}, ["jane"], ["a", "b", "c d"]),
        ({"as": "joe", "as-groups": ["x", "y"]}, {}, ["joe"], ["x", "y"]),
        ({"as": "joe", "as-groups": ["x"]}, {"impersonate_user": "jane", "impersonate_groups": ["a"]}, ["jane"], ["a"]),
        ({}, {"impersonate_user": "jürgen"}, ["jürgen".encode().decode("latin-1")], []),
    ],
)
def test_impersonation(
    server: Any, kubeconfig: Kubeconfig, user: dict[str, Any], options: dict[str, Any], user_header: list[str], group_headers: list[str]
) -> None:
    request = server.asked_by(connect({"kubeconfig": kubeconfig(server.url, {"token": "t", **user}), **options}))
    assert request.header("Impersonate-User") == user_header
    assert request.header("Impersonate-Group") == group_headers
    assert request.header("Authorization") == ["Bearer t"]


@pytest.mark.parametrize(
    ("cluster", "options", "trusted"),
    [
        ({}, {}, True),
        ({}, {"validate_certs": True}, True),
        ({"certificate-authority-data": None}, {}, False),
        ({"certificate-authority-data": None}, {"ca_cert": "ca"}, True),
        ({"certificate-authority-data": None}, {"validate_certs": False}, True),
        ({"certificate-authority-data": None, "insecure-skip-tls-verify": True}, {}, True),
        ({"certificate-authority-data": None, "insecure-skip-tls-verify": True}, {"validate_certs": True}, False),
        ({"certificate-authority-data": None, "certificate-authority": "ca"}, {}, True),
    ],
)
@pytest.mark.filterwarnings("error:Unverified HTTPS")
def test_trust(server: Any, ca: Any, kubeconfig: Kubeconfig, cluster: dict[str, Any], options: dict[str, Any], trusted: bool) -> None:
    document = kubeconfig(server.url)
    changed = {**document["clusters"][0]["cluster"], **cluster}
    document["clusters"][0]["cluster"] = {
        key: str(ca.cert) if value == "ca" else value for key, value in changed.items() if value is not None
    }
    auth = {"kubeconfig": document, **{key: str(ca.cert) if value == "ca" else value for key, value in options.items()}}
    if trusted:
        server.asked_by(connect(auth))
    else:
        with pytest.raises(Exception, match="is not trusted"):
            server.asked_by(connect(auth))


def test_the_servers_name_may_differ_from_its_address(serve: Callable[..., Any], ca: Any, kubeconfig: Kubeconfig) -> None:
    server = serve(pair=ca.issue("inner", hosts=("inner.test",)))
    document = kubeconfig(server.url, cluster={"tls-server-name": "inner.test"})
    server.asked_by(connect({"kubeconfig": document}))
    with pytest.raises(Exception, match="another name"):
        server.asked_by(connect({"kubeconfig": document, "host": server.url}))  # the name was not meant for another host


@pytest.mark.parametrize("how", ["option", "proxy-url", "HTTPS_PROXY", "https_proxy", "option over proxy-url"])
def test_a_proxy_is_used(
    server: Any, proxy_to: Callable[..., Any], kubeconfig: Kubeconfig, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    proxy = proxy_to(server)
    cluster, options = {}, {}
    if how.startswith("option"):
        options["proxy"] = proxy.url
        monkeypatch.setenv("HTTPS_PROXY", "http://wrong.invalid:1")
    if how == "option over proxy-url":
        cluster["proxy-url"] = "http://wrong.invalid:1"
    if how == "proxy-url":
        cluster["proxy-url"] = proxy.url
        monkeypatch.setenv("HTTPS_PROXY", "http://wrong.invalid:1")
        monkeypatch.setenv("NO_PROXY", "*")  # speaks of the environment's proxy only
    if how.lower() == "https_proxy":
        monkeypatch.setenv(how, proxy.address)
        monkeypatch.setenv("HTTP_PROXY", "http://wrong.invalid:1")
    server.asked_by(connect({"kubeconfig": kubeconfig("https://api.test:6443", cluster=cluster), **options}))
    assert [host for host, _headers in proxy.seen] == ["api.test:6443"]


@pytest.mark.parametrize("how", ["no_proxy", "no_proxy network", "NO_PROXY", "loopback"])
def test_a_proxy_is_left_out(server: Any, kubeconfig: Kubeconfig, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    options = {}
    if how.startswith("no_proxy"):
        options = {"proxy": "http://wrong.invalid:1", "no_proxy": "127.0.0.0/8" if "network" in how else "a.test,127.0.0.1"}
    else:
        monkeypatch.setenv("HTTPS_PROXY", "http://wrong.invalid:1")
    if how == "NO_PROXY":
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    server.asked_by(connect({"kubeconfig": kubeconfig(server.url), **options}))


@pytest.mark.parametrize("how", ["in the URL", "proxy_basic_auth"])
def test_a_proxy_gets_its_credentials_and_headers(server: Any, proxy_to: Callable[..., Any], kubeconfig: Kubeconfig, how: str) -> None:
    proxy = proxy_to(server, credentials="user:p@ss")
    options: dict[str, Any] = {"proxy": proxy.url, "proxy_headers": {"user_agent": "me/1", "proxy_basic_auth": None}}
    if how == "in the URL":
        options["proxy"] = proxy.url.replace("//", "//user:p%40ss@")
    else:
        options["proxy_headers"]["proxy_basic_auth"] = "user:p@ss"
    request = server.asked_by(connect({"kubeconfig": kubeconfig("https://api.test:6443"), **options}))
    assert proxy.seen[0][1]["user-agent"] == "me/1"
    assert request.header("User-Agent") == [USER_AGENT]
    assert request.header("Proxy-Authorization") == []


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"kubeconfig": "/nowhere/config"}, "kubeconfig=/nowhere/config does not exist: set the path"),
        ({"kubeconfig": "/nowhere/a:/nowhere/b"}, "kubeconfig=/nowhere/a:/nowhere/b does not exist"),
        ({"kubeconfig": "/"}, r"kubeconfig=/ cannot be used \(Is a directory"),
        ({"kubeconfig": "apiVersion: v1\nusers: [{user: {token: s3cret}}]"}, "kubeconfig must be a path or a dictionary: .*from_yaml"),
        ({"kubeconfig": ["s3cret"]}, "kubeconfig must be a path or a dictionary"),
        ({"kubeconfig": {"users": "s3cret"}}, "kubeconfig names no current-context"),
        ({}, "the cluster is not named .*: set kubeconfig, or host and api_key"),
        ({"context": "here"}, "the default kubeconfig=~/.kube/config does not exist"),
        (
            {"host": "api.test:6443", "api_key": "s3cret"},
            "the options has the server 'api.test:6443', which is not a URL: write for example https://",
        ),
        ({"host": "https://", "api_key": "s3cret"}, "has the server 'https:/*', which is not a URL"),
        ({"host": "https://api.test:port", "api_key": "s3cret"}, "is not a URL"),
        ({"host": "https://api.test", "api_key": "s3c\nret"}, "line break"),
        ({"host": "https://api.test", "api_key": "s3cret", "impersonate_groups": ["g"]}, "impersonate_groups needs impersonate_user"),
        ({"host": "https://api.test", "api_key": "s3cret", "ca_cert": "/nowhere/ca"}, "CA certificate /nowhere/ca .*No such file"),
        (
            {"host": "https://api.test", "api_key": "s3cret", "ca_cert": "/etc/hostname"},
            "CA certificate /etc/hostname .*cannot be used",
        ),
        (
            {"host": "https://api.test", "api_key": "s3cret", "client_key": "/nowhere/key"},
            "client_key is /nowhere/key, but client_cert is missing",
        ),
        ({"host": "https://api.test", "api_key": "s3cret", "proxy": "gopher://s3cret@x:1"}, "proxy gopher://x:1 cannot be used"),
        ({"host": "https://api.test", "api_key": "s3cret", "proxy": "http://s3cret@[x"}, "proxy must be a URL .*: correct it"),
    ],
)
def test_bad_options_are_told_in_one_line(options: dict[str, Any], says: str) -> None:
    with pytest.raises(AuthError, match=says) as caught:
        connect(options)
    assert not re.search("\n|s3cret|s3c", str(caught.value))


@pytest.mark.parametrize("case", ["no key", "other key", "locked key", "no such key"])
def test_a_client_certificate_must_have_its_key(ca: Any, client_pair: Any, case: str) -> None:
    locked = ca.issue("locked", password=b"pw")
    cert, key = {
        "no key": (client_pair.cert, ""),
        "other key": (client_pair.cert, ca.issue("other").key),
        "locked key": (locked.cert, locked.key),
        "no such key": (client_pair.cert, "/nowhere/key"),
    }[case]
    with pytest.raises(AuthError, match=f"client certificate {cert} with.*client_key.* cannot be used .*no password"):
        connect({"host": "https://api.test", "client_cert": str(cert), "client_key": str(key)})


@pytest.mark.parametrize(
    ("url", "options", "warnings"),
    [
        ("https://kubernetes.example:6443", {}, []),
        ("https://kubernetes.example:6443", {"validate_certs": True}, []),
        ("https://kubernetes.example:6443", {"validate_certs": False}, [ANY_CERTIFICATE]),
        ("https://127.0.0.1:6443", {"validate_certs": False}, [ANY_CERTIFICATE]),
        ("http://kubernetes.example:8080", {}, [PLAIN_HTTP]),
        ("HTTP://10.0.0.1:8080", {"validate_certs": False}, [PLAIN_HTTP]),
        ("http://127.0.0.1:8001", {}, []),
        ("http://localhost:8001", {"validate_certs": False}, []),
    ],
)
@pytest.mark.parametrize("form", ["kubeconfig", "options"])
def test_an_unsafe_connection_is_warned_of(
    kubeconfig: Kubeconfig, form: str, url: str, options: dict[str, Any], warnings: list[str]
) -> None:
    """No request is sent."""
    insecure = {} if options.get("validate_certs", True) else {"insecure-skip-tls-verify": True, "certificate-authority-data": None}
    document = kubeconfig(url)
    cluster = {key: value for key, value in {**document["clusters"][0]["cluster"], **insecure}.items() if value is not None}
    document["clusters"][0]["cluster"] = cluster
    auth = {"kubeconfig": document} if form == "kubeconfig" else {"host": url, "api_key": "t0ken", **options}
    assert list(connect(auth).warnings) == warnings


def test_ansible_shows_the_warning_once(server: Any, kubeconfig: Kubeconfig, tmp_path: Path) -> None:
    task = {
        "progressive.delivery.rollout_info": {
            "name": "shop",
            "namespace": "test",
            "kubeconfig": kubeconfig(server.url),
            "validate_certs": False,
        },
        "ignore_errors": True,
    }
    playbook = tmp_path / "playbook.yml"
    playbook.write_text(yaml.safe_dump([{"hosts": "localhost", "gather_facts": False, "tasks": [task] * 3}]))
    run = subprocess.run(
        ["ansible-playbook", "-i", "localhost,", "-c", "local", "-e", f"ansible_python_interpreter={sys.executable}", str(playbook)],
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "ANSIBLE_NOCOLOR": "1", "COLUMNS": "500"},
    )
    said = " ".join(run.stdout.split())
    assert run.stdout.count("TASK [") == 3 and said.count(ANY_CERTIFICATE[:60]) == 1, run.stdout
