"""The official client: imported late and in part, found when it is there already, and missed with a clear message."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from typing import Any

Kubeconfig = Callable[..., dict[str, Any]]
Written = Callable[..., str]


def in_a_new_process(code: str) -> str:
    prelude = "from ansible_collections.progressive.delivery.plugins.module_utils._cluster.auth import AuthError, connect\n"
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    return subprocess.run([sys.executable, "-c", prelude + code], check=True, env=env, stdout=subprocess.PIPE, text=True).stdout.strip()


def test_the_client_is_loaded_late_in_part_and_leaves_no_trace(server: Any, kubeconfig: Kubeconfig, written: Written) -> None:
    path = written(kubeconfig(server.url))
    printed = in_a_new_process(f"""
import sys
print("before", sorted({{"kubernetes", "urllib3"}} & set(sys.modules)))
print(connect({{"kubeconfig": {path!r}}}).request("GET", "/x").status)
print("after", [name for name in sys.modules if name.startswith("kubernetes")])
import kubernetes
print("default", kubernetes.client.Configuration._default, bool(kubernetes.client.V1Pod))
print(connect({{"kubeconfig": {path!r}}}).request("GET", "/x").status)
""")
    assert printed.splitlines() == ["before []", "200", "after []", "default None True", "200"]


def test_a_client_that_is_already_loaded_is_used(server: Any, kubeconfig: Kubeconfig, written: Written) -> None:
    path = written(kubeconfig(server.url))
    printed = in_a_new_process(f"""
import kubernetes
print(connect({{"kubeconfig": {path!r}}}).request("GET", "/x").status, kubernetes.client.Configuration._default)
""")
    assert printed == "200 None"


def test_without_the_client_the_message_says_what_to_install() -> None:
    printed = in_a_new_process("""
import sys
class Nothing:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "kubernetes":
            raise ModuleNotFoundError("No module named 'kubernetes'")
sys.meta_path.insert(0, Nothing())
try:
    connect({"host": "https://api.test", "api_key": "t"})
except AuthError as error:
    print(error)
""")
    assert re.fullmatch(
        r"the Kubernetes client cannot be imported \(Failed to import .* \(kubernetes\) on .*Python.*No module named 'kubernetes'\)\): .*",
        printed,
    )
