"""The parts of a cluster that are built from source: what each consists of, and the key under which it is cached."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

PARTS_FOLDER = Path(__file__).parents[1] / "parts"
KUBERNETES_VERSION = "v1.35.4"


@dataclass(frozen=True)
class Part:
    """`binaries` are packages to build, by the name of the binary; `crds` are folders or files within a module, by that module."""

    name: str
    about: str
    binaries: dict[str, str]
    ldflags: str = "-s -w"
    crds: tuple[str, str] | None = None


def _kubernetes_ldflags() -> str:
    """Built from the module it would call itself v0.0.0, and clients look at the version."""
    major, minor, _patch = KUBERNETES_VERSION.removeprefix("v").split(".")
    version = "k8s.io/component-base/version"
    return f"-s -w -X {version}.gitVersion={KUBERNETES_VERSION} -X {version}.gitMajor={major} -X {version}.gitMinor={minor}"


_KUBERNETES = ("kube-apiserver", "kube-controller-manager", "kube-scheduler")

PARTS = {
    part.name: part
    for part in (
        Part("pods", "the program that answers for all pods, seconds", {"pods": "."}),
        Part("etcd", "half a minute on two cores", {"etcd": "go.etcd.io/etcd/server/v3"}),
        Part(
            "kubernetes",
            "API server, controller manager, scheduler: five minutes on two cores",
            {name: f"k8s.io/kubernetes/cmd/{name}" for name in _KUBERNETES},
            ldflags=_kubernetes_ldflags(),
        ),
        Part("kwok", "two minutes on two cores", {"kwok": "sigs.k8s.io/kwok/cmd/kwok"}),
        Part(
            "istio",
            "istiod: three minutes on two cores",
            {"pilot-discovery": "istio.io/istio/pilot/cmd/pilot-discovery"},
            crds=("istio.io/istio", "manifests/charts/base/crds"),
        ),
        Part("traefik", "five minutes on two cores", {"traefik": "github.com/traefik/traefik/v3/cmd/traefik"}),
        Part("gateway-api", "definitions only", {}, crds=("sigs.k8s.io/gateway-api", "config/crd/standard")),
    )
}
BASE = ("pods", "etcd", "kubernetes", "kwok")
ROUTERS = {"istio": ("istio",), "traefik": ("gateway-api", "traefik")}


def needed(routers: Iterable[str]) -> list[str]:
    """The parts that a cluster with these routers is made of."""
    return [*BASE, *(part for router in routers for part in ROUTERS[router])]


def key(part: Part, folder: Path, platform: str) -> str:
    """Changes with whatever the result depends on."""
    digest = hashlib.sha256(repr((part.name, part.binaries, part.ldflags, part.crds, platform)).encode())
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.name.endswith("_test.go"):
            digest.update(f"\0{path.relative_to(folder)}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:16]
