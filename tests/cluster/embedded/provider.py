"""Starts, finds, joins and ends embedded clusters."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..provider import ClusterError, Options
from . import build, certificates, components, gateways, kubeconfig, namespace, parts, routers, state, toolchain
from .addresses import CLUSTERS, free_index
from .state import Cluster
from .supervisor import forward_targets

MAIN = Path(__file__).parents[1] / "main.py"
LOG_TAIL = 15


def names() -> list[str]:
    return state.names()


def up(options: Options) -> None:
    if _runs_already(options):
        return
    try:
        namespace.require_namespaces()
        build.build(parts.needed(options.routers))
    except (namespace.NamespaceError, toolchain.BuildError) as error:
        raise ClusterError(str(error)) from None
    began = time.monotonic()
    with state.locked():
        if _runs_already(options):
            return
        cluster = _reserve(options)
    launcher = None
    try:
        launcher = _start(cluster)
    finally:
        if launcher is None:
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM, signal.SIGHUP})  # impatience must not leave half of it
            _end(cluster)
    print(f"Cluster {cluster.name} is ready after {time.monotonic() - began:.1f} s. KUBECONFIG={cluster.kubeconfig}", flush=True)


def _runs_already(options: Options) -> bool:
    """True when there is nothing to do; what is left of a cluster that no longer lives is removed."""
    cluster = state.load(options.name)
    if cluster is None:
        return False
    if not cluster.lives():
        state.remove(cluster.name)
        return False
    if not cluster.ready:
        raise ClusterError(f"Cluster {cluster.name} is being started by process {cluster.starter[0]}: wait for it, or take another --name.")
    if (tuple(cluster.routers), cluster.hostile, cluster.beside) != (options.routers, options.hostile, options.beside):
        has = (
            f"--with {','.join(cluster.routers)}"
            + " --hostile" * cluster.hostile
            + (f" --beside {cluster.beside}" if cluster.beside else "")
        )
        raise ClusterError(f"Cluster {cluster.name} runs already, with other options ({has}): take it down first, or take another --name.")
    print(f"Cluster {cluster.name} runs already. KUBECONFIG={cluster.kubeconfig}", flush=True)
    return True


def _reserve(options: Options) -> Cluster:
    """A folder and an index of its own; the caller holds the lock."""
    living = [cluster for cluster in map(state.load, state.names()) if cluster and cluster.lives()]
    index = free_index({cluster.index for cluster in living})
    if index is None:
        raise ClusterError(f"All {CLUSTERS} address ranges are in use by clusters {', '.join(c.name for c in living)}: take one down.")
    if options.beside:
        _running(options.beside)
    starter = state.process(os.getpid())
    cluster = Cluster(options.name, index, list(options.routers), options.hostile, options.beside, time.time(), starter)
    cluster.logs.mkdir(parents=True)
    cluster.folder.chmod(0o700)
    cluster.save()
    return cluster


def _start(cluster: Cluster) -> subprocess.Popen[bytes]:
    """Returns when everything answers."""
    _write_credentials(cluster)
    # Bound out here, accepted from inside: a socket belongs to the network in which it was made.
    sockets = {name: _listening_socket() for name in forward_targets(cluster)}
    cluster.ports = {name: listener.getsockname()[1] for name, listener in sockets.items()}
    _write_kubeconfigs(cluster)
    cluster.save()
    beside = _running(cluster.beside) if cluster.beside else None
    reading, writing = os.pipe()
    descriptors = {name: listener.fileno() for name, listener in sockets.items()}
    with open(cluster.logs / "supervisor.log", "wb") as log:
        launcher = subprocess.Popen(
            [
                *namespace.launch_command(beside),
                sys.executable,
                str(MAIN),
                "supervise",
                cluster.name,
                str(writing),
                json.dumps(descriptors),
            ],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            pass_fds=[writing, *descriptors.values()],
            start_new_session=True,
            cwd="/",
        )
    cluster.launcher = state.process(launcher.pid)
    cluster.save()
    os.close(writing)
    for listener in sockets.values():
        listener.close()
    _wait_until_ready(cluster, reading)
    [init] = namespace.children(launcher.pid)
    cluster.init = state.process(init)
    cluster.namespace = namespace.network_namespace(init)
    cluster.ready = True
    cluster.save()
    return launcher


def _wait_until_ready(cluster: Cluster, pipe: int) -> None:
    began = time.monotonic()
    with os.fdopen(pipe) as messages:
        for line in messages:
            message = json.loads(line)
            if "step" in message:
                print(f"  {message['step']} ({time.monotonic() - began:.1f} s)", flush=True)
            elif "failed" in message:
                raise ClusterError(
                    f"Cluster {cluster.name} did not start: {message['failed']}. Its log ends:\n{_tail(Path(message['log']))}"
                )
            else:
                return
    raise ClusterError(
        f"Cluster {cluster.name} did not start: its first process ended. Its log ends:\n{_tail(cluster.logs / 'supervisor.log')}"
    )


def _tail(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    return "\n".join(f"  {line[:400]}" for line in lines[-LOG_TAIL:])


def _listening_socket() -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.bind(("127.0.0.1", 0))
    listener.listen(128)
    return listener


def _write_credentials(cluster: Cluster) -> None:
    folder = components.pki(cluster)
    folder.mkdir()
    certificates.make_authority(folder)
    hosts = ["127.0.0.1", "localhost", cluster.addresses.api, cluster.addresses.kubernetes_service]
    hosts += ["kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local"]
    certificates.issue(folder, "server", "kube-apiserver", [], hosts)
    certificates.issue(folder, "admin", "admin", ["system:masters"], [])
    certificates.make_key(folder / "service-accounts.key")
    components.write_token_users(cluster, {user: secrets.token_hex(16) for user in components.TOKEN_USERS})


def _write_kubeconfigs(cluster: Cluster) -> None:
    folder = components.pki(cluster)
    for path, server in _servers(cluster, cluster.kubeconfig, cluster.inside_kubeconfig):
        kubeconfig.write_for_certificate(path, cluster.name, server, folder, "admin")
    for user in ("system:kube-controller-manager", "system:kube-scheduler", "system:test-cluster"):
        path, token = components.component_kubeconfig(cluster, user), components.token_file(cluster, user).read_text()
        kubeconfig.write_for_token(path, cluster.name, components.api_url(cluster), folder, token)


def _servers(cluster: Cluster, outside: Path, inside: Path) -> Iterator[tuple[Path, str]]:
    yield outside, f"https://127.0.0.1:{cluster.ports['api']}"
    yield inside, components.api_url(cluster)


def add_user(name: str, user: str, groups: list[str]) -> Path:
    """A user by client certificate: <state>/users/USER.kubeconfig for the inside, USER.outside.kubeconfig for the outside."""
    cluster = _running(name)
    folder = components.pki(cluster)
    certificates.issue(folder, user, user, groups, [])
    users = cluster.folder / "users"
    users.mkdir(exist_ok=True)
    inside = users / f"{user}.kubeconfig"
    for path, server in _servers(cluster, users / f"{user}.outside.kubeconfig", inside):
        kubeconfig.write_for_certificate(path, f"{cluster.name}-{user}", server, folder, user)
    return inside


def down(name: str) -> None:
    cluster = state.load(name)
    if cluster is None:
        state.remove(name)
        print(f"There is no cluster {name}.", flush=True)
        return
    _end(cluster)
    print(f"Cluster {name} is down.", flush=True)


def _end(cluster: Cluster) -> None:
    """Everything in a process namespace ends with its first process, and that one with its launcher."""
    inits = [state.process(child) for child in namespace.children(cluster.launcher[0])] if state.alive(cluster.launcher) else []
    _kill([*inits, cluster.init])
    if not _gone_within(2, [*inits, cluster.init, cluster.launcher]):  # the launcher ends by itself, having buried the first process
        _kill([cluster.launcher])
        if not _gone_within(20, [*inits, cluster.init, cluster.launcher]):
            raise ClusterError(f"Cluster {cluster.name} does not end: look at process {cluster.launcher[0]} and its children.")
    state.remove(cluster.name)


def _kill(processes: list[list[int]]) -> None:
    for process in filter(state.alive, processes):
        with contextlib.suppress(ProcessLookupError):
            os.kill(process[0], signal.SIGKILL)


def _gone_within(seconds: float, processes: list[list[int]]) -> bool:
    deadline = time.monotonic() + seconds
    while any(map(state.alive, processes)):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def _running(name: str) -> Cluster:
    cluster = state.load(name)
    if cluster and cluster.ready and state.alive(cluster.init):
        return cluster
    # Seen from inside, its processes have other numbers; but this is its network.
    if cluster and cluster.ready and cluster.namespace == namespace.network_namespace():
        return cluster
    if cluster is None:
        raise ClusterError(f"There is no cluster {name}: tests/cluster/up --name {name}")
    if not cluster.lives() and cluster.failure.exists():
        raise ClusterError(f"Cluster {name} has failed: {cluster.failure.read_text().strip()}. Take it down and up again.")
    raise ClusterError(f"Cluster {name} {'is being started' if cluster.lives() else 'has ended: take it down and up again'}.")


def environment(name: str) -> dict[str, str]:
    cluster = _running(name)
    return {
        "KUBECONFIG": str(cluster.inside_kubeconfig),
        "CLUSTER_NAME": cluster.name,
        "CLUSTER_STATE": str(cluster.folder),
        "CLUSTER_AUDIT_LOG": str(cluster.audit_log),
        "CLUSTER_HOSTILE": "1" if cluster.hostile else "",
        **gateways.environment(cluster),
    }


def command(name: str, command: list[str]) -> list[str]:
    cluster = _running(name)
    if cluster.namespace == namespace.network_namespace():
        return command  # in there already
    return namespace.join_command(cluster.init[0], command, os.getcwd())


def status(name: str) -> dict[str, Any]:
    cluster = state.load(name)
    if cluster is None:
        return {"name": name, "state": "absent"}
    inside = cluster.namespace == namespace.network_namespace()
    lives = inside or cluster.lives()
    known: dict[str, Any] = {
        "name": name,
        "state": ("running" if cluster.ready else "starting") if lives else "failed",
        "provider": "embedded",
        "hostile": cluster.hostile,
        "beside": cluster.beside,
        "folder": str(cluster.folder),
        "kubeconfig": {"outside": str(cluster.kubeconfig), "inside": str(cluster.inside_kubeconfig)},
        "audit_log": str(cluster.audit_log),
        "addresses": {"hosts": str(cluster.addresses.hosts), "services": str(cluster.addresses.services)},
        "inside": forward_targets(cluster),
        "outside": {router: f"127.0.0.1:{port}" for router, port in cluster.ports.items()},
        "nodes": cluster.addresses.nodes,
        "uptime": round(time.time() - cluster.started, 1) if lives else None,
        "memory_mib": _memory(cluster.init[0]) if state.alive(cluster.init) else None,
    }
    if cluster.failure.exists():
        known["failure"] = cluster.failure.read_text().strip()
    if "istio" in cluster.routers:
        known["envoy_admin"] = f"{cluster.addresses.istio_gateway}:{routers.ENVOY_ADMIN_PORT}"
    return known


def _memory(init: int) -> int:
    """What the processes of its process namespace use, each page counted once (MiB)."""
    theirs = os.readlink(f"/proc/{init}/ns/pid")
    total = 0
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if os.readlink(path / "ns" / "pid") == theirs:
                lines = (path / "smaps_rollup").read_text().splitlines()
                total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
        except OSError:
            continue
    return total // 1024
