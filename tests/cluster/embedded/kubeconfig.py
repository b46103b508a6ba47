"""Kubeconfig files for a cluster's users, from outside the namespace and from inside."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import yaml


def _inline(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()


def _kubeconfig(name: str, server: str, ca: Path, user: dict[str, str], namespace: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": {"server": server, "certificate-authority-data": _inline(ca)}}],
        "users": [{"name": name, "user": user}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name, "namespace": namespace}}],
        "current-context": name,
    }


def _write(path: Path, content: dict[str, Any]) -> None:
    path.touch(mode=0o600)
    path.write_text(yaml.safe_dump(content, sort_keys=False))


def write_for_certificate(path: Path, name: str, server: str, pki: Path, user: str) -> None:
    """A user by client certificate: <pki>/<user>.crt and .key."""
    credentials = {"client-certificate-data": _inline(pki / f"{user}.crt"), "client-key-data": _inline(pki / f"{user}.key")}
    _write(path, _kubeconfig(name, server, pki / "ca.crt", credentials, "default"))


def write_for_token(path: Path, name: str, server: str, pki: Path, token: str) -> None:
    """A user by bearer token."""
    _write(path, _kubeconfig(name, server, pki / "ca.crt", {"token": token}, "default"))
