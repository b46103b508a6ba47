"""The auth options as a real AnsibleModule takes them: names, aliases, environment, and what stays secret in results."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.progressive.delivery.plugins.doc_fragments.auth import ModuleDocFragment
from ansible_collections.progressive.delivery.plugins.module_utils._module.auth_options import AUTH_SPEC

MODULE = """
from ansible.module_utils.basic import AnsibleModule
from ansible_collections.progressive.delivery.plugins.module_utils._module.auth_options import (
    AUTH_MUTUALLY_EXCLUSIVE, AUTH_REQUIRED_TOGETHER, AUTH_SPEC, auth_of, unmask)

module = AnsibleModule(
    dict(AUTH_SPEC, text=dict(type="str"), other_secret=dict(type="str", no_log=True)),
    mutually_exclusive=AUTH_MUTUALLY_EXCLUSIVE, required_together=AUTH_REQUIRED_TOGETHER)
unmask(module)
module.exit_json(auth=auth_of(module.params), text=module.params["text"])
"""

RunModule = Callable[..., dict[str, Any]]


@pytest.fixture
def run(tmp_path: Path) -> RunModule:
    """Runs a module that returns its auth options and a text."""

    def run_module(args: dict[str, Any], **environment: str) -> dict[str, Any]:
        (tmp_path / "module.py").write_text(MODULE)
        (tmp_path / "args.json").write_text(json.dumps({"ANSIBLE_MODULE_ARGS": args}))
        kept = {name: value for name, value in os.environ.items() if not name.startswith("K8S_AUTH_")}
        env = {**kept, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), **environment}
        command = [sys.executable, str(tmp_path / "module.py"), str(tmp_path / "args.json")]
        result: dict[str, Any] = json.loads(subprocess.run(command, env=env, check=True, stdout=subprocess.PIPE, text=True).stdout)
        return result

    return run_module


def given(result: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in result["auth"].items() if value is not None and name != "proxy_headers"}


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        ({}, {}),
        ({"kubeconfig": "/k", "context": "c"}, {"kubeconfig": "/k", "context": "c"}),
        ({"verify_ssl": "no", "ssl_ca_cert": "/ca"}, {"validate_certs": False, "ca_cert": "/ca"}),
        ({"cert_file": "/c", "key_file": "/k"}, {"client_cert": "/c", "client_key": "/k"}),
        ({"impersonate_user": "u", "impersonate_groups": "a,b"}, {"impersonate_user": "u", "impersonate_groups": ["a", "b"]}),
        (
            {"persist_config": "yes", "no_proxy": "a,b", "proxy": "http://p"},
            {"persist_config": True, "no_proxy": "a,b", "proxy": "http://p"},
        ),
    ],
)
def test_options_and_aliases(run: RunModule, args: dict[str, Any], expected: dict[str, Any]) -> None:
    assert given(run(args)) == expected


@pytest.mark.parametrize(
    ("environment", "args", "expected"),
    [
        ({"KUBECONFIG": "/k:/l", "CONTEXT": "c", "HOST": "https://h"}, {}, {"kubeconfig": "/k:/l", "context": "c", "host": "https://h"}),
        ({"USERNAME": "u", "PROXY": "p", "NO_PROXY": "n"}, {}, {"username": "u", "proxy": "p", "no_proxy": "n"}),
        ({"VERIFY_SSL": "false", "SSL_CA_CERT": "/ca"}, {}, {"validate_certs": False, "ca_cert": "/ca"}),
        ({"VALIDATE_CERTS": "0", "CA_CERT": "/ca"}, {}, {"validate_certs": False, "ca_cert": "/ca"}),
        ({"CERT_FILE": "/c", "KEY_FILE": "/k"}, {}, {"client_cert": "/c", "client_key": "/k"}),
        ({"CLIENT_CERT": "/c", "CLIENT_KEY": "/k"}, {}, {"client_cert": "/c", "client_key": "/k"}),
        ({"PERSIST_CONFIG": "1", "IMPERSONATE_GROUPS": "a,b"}, {}, {"persist_config": True, "impersonate_groups": ["a", "b"]}),
        ({"HOST": "", "VERIFY_SSL": "", "VALIDATE_CERTS": ""}, {}, {}),
        ({"VALIDATE_CERTS": "", "VERIFY_SSL": "false"}, {}, {"validate_certs": False}),
        ({"HOST": "https://h", "IMPERSONATE_USER": "u"}, {"host": "https://i"}, {"host": "https://i", "impersonate_user": "u"}),
    ],
)
def test_the_environment_stands_in(run: RunModule, environment: dict[str, str], args: dict[str, Any], expected: dict[str, Any]) -> None:
    assert given(run(args, **{f"K8S_AUTH_{name}": value for name, value in environment.items()})) == expected


def test_proxy_headers_come_from_options_and_environment(run: RunModule) -> None:
    environment = {"K8S_AUTH_PROXY_HEADERS_USER_AGENT": "env/1"}
    assert run({}, **environment)["auth"]["proxy_headers"]["user_agent"] == "env/1"
    assert run({"proxy_headers": {"user_agent": "me/1"}}, **environment)["auth"]["proxy_headers"]["user_agent"] == "me/1"


KUBECONFIG = {
    "apiVersion": "v1",
    "current-context": "default",
    "contexts": [{"name": "default", "context": {"cluster": "production", "user": "jane", "namespace": "default"}}],
    "clusters": [
        {
            "name": "production",
            "cluster": {
                "server": "https://prod.test:6443",
                "proxy-url": "http://u:S3CRET-url@proxy.test",
                "certificate-authority-data": "Q0E=",
            },
        }
    ],
    "users": [
        {"name": "jane", "user": {"token": "S3CRET-token", "client-key-data": "S3CRET-key", "client-certificate-data": "Q0VSVA=="}},
        {"name": "basic", "user": {"username": "joe", "password": "S3CRET-password"}},
        {
            "name": "oidc",
            "user": {
                "auth-provider": {"name": "oidc", "config": {"client-id": "me", "id-token": "S3CRET-id", "client-secret": "S3CRET-c"}}
            },
        },
        {
            "name": "exec",
            "user": {
                "exec": {
                    "command": "kubelogin",
                    "args": ["get-token", "--client-secret=S3CRET-arg", "--password", "S3CRET-next", "--server-id", "visible-id"],
                    "env": [{"name": "AWS_PROFILE", "value": "visible-profile"}, {"name": "AWS_SECRET_ACCESS_KEY", "value": "S3CRET-env"}],
                }
            },
        },
    ],
}


def test_of_a_kubeconfig_just_the_secrets_are_hidden(run: RunModule) -> None:
    secrets = sorted(set(re.findall(r"S3CRET-\w+", json.dumps(KUBECONFIG))))
    text = f"default/jane of production at https://prod.test:6443 as visible-profile: {' '.join(secrets)}"
    result = run({"kubeconfig": KUBECONFIG, "text": text, "other_secret": "s3same"})
    assert len(secrets) == 9
    assert "S3CRET" not in json.dumps(result)
    assert result["text"].startswith("default/jane of production at https://prod.test:6443 as visible-profile: ")
    # ansible-core 2.21 no longer returns the invocation by itself.
    invocations = [result[key]["module_args"] for key in ("invocation",) if key in result]
    for shown in (each["kubeconfig"] for each in (result["auth"], *invocations)):
        assert {key: shown[key] for key in ("current-context", "contexts")} == {
            key: KUBECONFIG[key] for key in ("current-context", "contexts")
        }
        assert shown["users"][3]["user"]["exec"]["args"][-1] == "visible-id"


@pytest.mark.parametrize(
    ("args", "hidden"),
    [
        ({"api_key": "S3CRET"}, True),
        ({"password": "S3CRET"}, True),
        ({"other_secret": "S3CRET"}, True),
        ({"proxy_headers": {"proxy_basic_auth": "S3CRET"}}, True),
        ({"proxy": "http://user:S3CRET@proxy.test"}, True),
        ({"api_key": "S3CRET", "kubeconfig": {"contexts": [{"name": "S3CRET"}]}}, True),
        ({"other_secret": "S3CRET", "kubeconfig": "S3CRET"}, True),
        ({"kubeconfig": "S3CRET"}, False),
        ({"username": "S3CRET"}, False),
        ({"client_key": "S3CRET"}, False),
        ({"proxy_headers": {"user_agent": "S3CRET"}}, False),
    ],
)
def test_what_is_secret(run: RunModule, args: dict[str, Any], hidden: bool) -> None:
    result = run({**args, "text": "the S3CRET it is"})
    assert ("S3CRET" not in json.dumps(result)) == hidden
    assert result["text"].startswith("the ")


def test_a_secret_from_the_environment_stays_one(run: RunModule) -> None:
    assert "S3CRET" not in json.dumps(run({"text": "the S3CRET it is"}, K8S_AUTH_API_KEY="S3CRET"))


def test_the_documentation_says_the_same() -> None:
    def documented(options: dict[str, Any]) -> dict[str, Any]:
        return {
            name: (option["type"], option.get("elements"), option.get("aliases"), documented(option.get("suboptions") or {}))
            for name, option in options.items()
        }

    def specified(spec: dict[str, Any]) -> dict[str, Any]:
        return {
            name: (one["type"], one.get("elements"), one.get("aliases"), specified(one.get("options") or {})) for name, one in spec.items()
        }

    def variables(spec: dict[str, Any]) -> set[str]:
        own = {variable for one in spec.values() if "fallback" in one for variable in one["fallback"][1]}
        return own.union(*(variables(one["options"]) for one in spec.values() if "options" in one))

    text = ModuleDocFragment.DOCUMENTATION
    assert documented(yaml.safe_load(text)["options"]) == specified(AUTH_SPEC)
    assert set(re.findall(r"E\((K8S_AUTH_\w+)\)", text)) == variables(AUTH_SPEC)
