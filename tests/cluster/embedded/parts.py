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
    """`binaries` are packages to build, by the name of the binary; `crds` is a module, and a folder or file of definitions within it.

    `also_served`: versions that definitions serve beyond those that they serve by themselves, by plural; `without`: fields that a
    version of one lacks, as (plural, version, path in the object).
    """

    name: str
    about: str
    binaries: dict[str, str]
    ldflags: str = "-s -w"
    crds: tuple[str, str] | None = None
    also_served: tuple[tuple[str, str], ...] = ()
    without: tuple[tuple[str, str, str], ...] = ()
    pinned_by: str = ""  # the part whose go.mod names the module, where it is not this one's own

    @property
    def source(self) -> Path:
        return PARTS_FOLDER / (self.pinned_by or self.name)


def _kubernetes_ldflags() -> str:
    """Built from the module it would call itself v0.0.0, and clients look at the version."""
    major, minor, _patch = KUBERNETES_VERSION.removeprefix("v").split(".")
    version = "k8s.io/component-base/version"
    return f"-s -w -X {version}.gitVersion={KUBERNETES_VERSION} -X {version}.gitMajor={major} -X {version}.gitMinor={minor}"


# Since 1.22 Istio serves them as v1, too, with the same fields.
_ISTIO_V1 = tuple((plural, "v1") for plural in ("destinationrules", "gateways", "virtualservices"))
# istiod 1.21 reads them in this version only, and Traefik 3.7.6 TCPRoutes; the standard channel serves v1. No field differs.
_V1ALPHA2 = tuple((plural, "v1alpha2") for plural in ("grpcroutes", "tcproutes", "tlsroutes", "udproutes"))
# istiod knows it as strings, and cannot read what Traefik writes by the newer definition. Only istiod reads classes as v1beta1.
_FEATURES = (("gatewayclasses", "v1beta1", "status.supportedFeatures"),)
# Of routers that do not run here: tests give them to the API server, so that it judges what is written.
_FOR_TESTS = (
    ("apisix", ("github.com/apache/apisix-ingress-controller", "samples/deploy/crd/v1/ApisixRoute.yaml")),
    ("contour", ("github.com/projectcontour/contour", "examples/contour/01-crds.yaml")),
    ("smi", ("github.com/servicemeshinterface/smi-sdk-go", "crds/split.yaml")),
)
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
        Part("istio", "istiod: three minutes on two cores", {"pilot-discovery": "istio.io/istio/pilot/cmd/pilot-discovery"}),
        Part(
            "istio-crds",
            "definitions only",
            {},
            crds=("istio.io/istio", "manifests/charts/base/crds"),
            also_served=_ISTIO_V1,
            pinned_by="istio",
        ),
        Part("traefik", "five minutes on two cores", {"traefik": "github.com/traefik/traefik/v3/cmd/traefik"}),
        Part(
            "traefik-crds",
            "definitions only",
            {},
            crds=("github.com/traefik/traefik/v3", "docs/content/reference/dynamic-configuration/kubernetes-crd-definition-v1.yml"),
            pinned_by="traefik",
        ),
        Part(
            "gateway-api",
            "definitions only",
            {},
            crds=("sigs.k8s.io/gateway-api", "config/crd/standard"),
            also_served=_V1ALPHA2,
            without=_FEATURES,
        ),
        *(Part(f"{name}-crds", "definitions only, for tests", {}, crds=place, pinned_by="crds") for name, place in _FOR_TESTS),
    )
}
BASE = ("pods", "etcd", "kubernetes", "kwok")
ROUTERS = {"istio": ("gateway-api", "istio-crds", "istio"), "traefik": ("gateway-api", "traefik-crds", "traefik")}


def needed(routers: Iterable[str]) -> list[str]:
    """The parts that a cluster with these routers is made of."""
    return list(dict.fromkeys([*BASE, *(part for router in routers for part in ROUTERS[router])]))


def definitions(routers: Iterable[str]) -> list[str]:
    """Those of them that hold resource definitions."""
    return [name for name in needed(routers) if PARTS[name].crds]


def key(part: Part, folder: Path, platform: str) -> str:
    """Changes with whatever the result depends on."""
    made_of = (part.name, part.binaries, part.ldflags, part.crds, platform, *part.also_served, *part.without)
    digest = hashlib.sha256(repr(made_of).encode())
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.name.endswith("_test.go"):
            digest.update(f"\0{path.relative_to(folder)}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:16]
