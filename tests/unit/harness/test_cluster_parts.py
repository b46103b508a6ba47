"""The pure parts of the embedded cluster: addresses, keys of built parts, versions, resource definitions, gateways, command line."""

from __future__ import annotations

import argparse
import base64
import collections
import datetime
import json
import os
import shutil
import subprocess
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.progressive.delivery.plugins.module_utils._cluster.transport import Response
from ansible_collections.progressive.delivery.tests.cluster import cli, kind
from ansible_collections.progressive.delivery.tests.cluster.embedded import certificates, crds, gateways, parts, toolchain
from ansible_collections.progressive.delivery.tests.cluster.embedded.addresses import CLUSTERS, EVERYTHING, Addresses, free_index
from ansible_collections.progressive.delivery.tests.cluster.embedded.state import Cluster
from ansible_collections.progressive.delivery.tests.harness import kube, two_versions
from ansible_collections.progressive.delivery.tests.harness.namespace import Namespace
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa

ALL = [Addresses(index) for index in range(CLUSTERS)]


def test_clusters_share_no_address() -> None:
    networks = [network for plan in ALL for network in (plan.hosts, plan.services)]
    assert all(network.subnet_of(EVERYTHING) for network in networks)
    assert not any(a.overlaps(b) for number, a in enumerate(networks) for b in networks[:number])


@pytest.mark.parametrize("plan", ALL, ids=lambda plan: str(plan.index))
def test_each_program_has_an_address_of_its_own(plan: Addresses) -> None:
    programs = [plan.api, plan.etcd, plan.istiod, plan.istio_gateway, plan.traefik, *plan.nodes]
    assert len(set(programs)) == len(programs)
    assert all(IPv4Address(address) in plan.hosts for address in programs)
    assert IPv4Address(plan.kubernetes_service) in plan.services


@pytest.mark.parametrize("plan", ALL, ids=lambda plan: str(plan.index))
def test_pods_come_after_the_programs_and_have_room(plan: Addresses) -> None:
    first = IPv4Network(plan.pods)
    assert first.prefixlen == 32  # kwok hands addresses out again only when they lie within
    taken = max(IPv4Address(address) for address in (plan.api, plan.etcd, plan.istiod, plan.istio_gateway, plan.traefik, *plan.nodes))
    assert first.network_address > taken
    assert int(plan.hosts.broadcast_address) - int(first.network_address) > 5000


@pytest.mark.parametrize("index", [-1, CLUSTERS, 99])
def test_an_index_beyond_the_last_is_refused(index: int) -> None:
    with pytest.raises(ValueError, match="room for 8"):
        Addresses(index)


@pytest.mark.parametrize(
    ("taken", "index"),
    [(set(), 0), ({0}, 1), ({1, 2}, 0), ({0, 1, 3}, 2), (set(range(CLUSTERS)), None)],
)
def test_free_index(taken: set[int], index: int | None) -> None:
    assert free_index(taken) == index


@pytest.mark.parametrize(
    ("routers", "expected"),
    [
        ((), ["pods", "etcd", "kubernetes", "kwok"]),
        (("istio",), ["pods", "etcd", "kubernetes", "kwok", "gateway-api", "istio-crds", "istio"]),
        (("traefik",), ["pods", "etcd", "kubernetes", "kwok", "gateway-api", "traefik-crds", "traefik"]),
        (("istio", "traefik"), ["pods", "etcd", "kubernetes", "kwok", "gateway-api", "istio-crds", "istio", "traefik-crds", "traefik"]),
    ],
)
def test_only_what_is_needed_is_built_and_once(routers: tuple[str, ...], expected: list[str]) -> None:
    assert parts.needed(routers) == expected
    assert parts.definitions(routers) == [name for name in expected if name in ("istio-crds", "gateway-api", "traefik-crds")]


@pytest.mark.parametrize("name", parts.PARTS)
def test_every_part_is_pinned(name: str) -> None:
    folder = parts.PARTS[name].source
    assert (folder / "go.mod").exists()
    assert name == "pods" or (folder / "go.sum").stat().st_size > 0


@pytest.mark.parametrize(
    ("change", "differs"),
    [
        (lambda folder: None, False),
        (lambda folder: (folder / "go.mod").write_text("module other\n"), True),
        (lambda folder: (folder / "go.sum").write_text("x v1 h1:y\n"), True),
        (lambda folder: (folder / "new.go").write_text("package main\n"), True),
        (lambda folder: (folder / "main.go").rename(folder / "other.go"), True),
        (lambda folder: (folder / "main_test.go").write_text("package main\n"), False),
    ],
    ids=["nothing", "go.mod", "go.sum", "new source", "renamed source", "a test"],
)
def test_key_of_a_part(tmp_path: Path, change, differs: bool) -> None:  # type: ignore[no-untyped-def]
    folder = tmp_path / "pods"
    shutil.copytree(parts.PARTS_FOLDER / "pods", folder)
    before = parts.key(parts.PARTS["pods"], folder, "linux-x86_64")
    change(folder)
    assert (parts.key(parts.PARTS["pods"], folder, "linux-x86_64") != before) == differs


def test_key_depends_on_flags_platform_and_changes_to_definitions() -> None:
    folder = parts.PARTS_FOLDER / "etcd"
    etcd = parts.PARTS["etcd"]
    other_flags = parts.Part(etcd.name, etcd.about, etcd.binaries, ldflags="")
    other_versions = parts.Part(etcd.name, etcd.about, etcd.binaries, also_served=(("tcproutes", "v1alpha2"),))
    less = parts.Part(etcd.name, etcd.about, etcd.binaries, without=(("gatewayclasses", "v1beta1", "status.x"),))
    variants = [(part, "linux-x86_64") for part in (etcd, other_flags, other_versions, less)] + [(etcd, "linux-aarch64")]
    assert len({parts.key(part, folder, platform) for part, platform in variants}) == 5


@pytest.mark.parametrize(
    ("text", "version"),
    [("go1.26.8", (1, 26, 8)), ("go 1.25", (1, 25, 0)), ("go version go1.9 linux/amd64", (1, 9, 0)), ("devel", ())],
)
def test_version_of(text: str, version: tuple[int, ...]) -> None:
    assert toolchain.version_of(text) == version


def test_version_needed_is_the_newest_of_all_parts(tmp_path: Path) -> None:
    for name, version in (("a", "1.24.0"), ("b", "1.26.1"), ("c", "1.9")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "go.mod").write_text(f"module {name}\n\ngo {version}\n")
    assert toolchain.version_needed(tmp_path) == (1, 26, 1)


def test_go_from_pypi_is_new_enough() -> None:
    assert toolchain.version_of(toolchain.PYPI_VERSION) >= toolchain.version_needed()


def test_descriptions_go_but_properties_of_that_name_stay() -> None:
    properties = {"description": {"type": "string", "description": "prose"}, "list": [{"description": "prose"}]}
    schema = {"description": "prose", "properties": properties}
    assert crds.without_descriptions(schema) == {"properties": {"description": {"type": "string"}, "list": [{}]}}


@pytest.mark.parametrize(
    ("asked", "versions"),
    [
        ("v1", [("v1", True, True), ("v1alpha2", False, False)]),
        ("v1alpha2", [("v1", True, True), ("v1alpha2", True, False)]),
        ("v1alpha3", [("v1", True, True), ("v1alpha2", False, False), ("v1alpha3", True, False)]),
    ],
    ids=["served already", "served no more", "unknown"],
)
def test_a_further_version_is_served_and_never_stored(asked: str, versions: list[tuple[str, bool, bool]]) -> None:
    schema = {"openAPIV3Schema": {"type": "object"}}
    found: list[dict[str, Any]] = [
        {"name": "v1", "served": True, "storage": True, "schema": schema},
        {"name": "v1alpha2", "served": False, "storage": False, "schema": schema},
    ]
    crds.serve(found, asked)
    assert [(each["name"], each["served"], each["storage"]) for each in found] == versions
    assert all(each["schema"] == schema for each in found)


def test_a_field_is_left_out_of_one_version_only() -> None:
    def version(name: str) -> dict[str, Any]:
        status = {"type": "object", "properties": {"features": {"type": "array"}, "conditions": {"type": "array"}}}
        return {"name": name, "schema": {"openAPIV3Schema": {"type": "object", "properties": {"status": status}}}}

    found = [version("v1"), version("v1beta1")]
    crds.leave_out(found, "v1beta1", "status.features")
    assert found[0] == version("v1")
    assert found[1]["schema"]["openAPIV3Schema"]["properties"]["status"]["properties"] == {"conditions": {"type": "array"}}
    with pytest.raises(KeyError):
        crds.leave_out(found, "v1beta1", "status.features")


def test_definitions_come_from_a_file_or_a_folder(tmp_path: Path) -> None:
    def definition(plural: str) -> str:
        versions = [{"name": "v1", "served": True, "storage": True}]
        return yaml.safe_dump({"kind": "CustomResourceDefinition", "spec": {"names": {"plural": plural}, "versions": versions}})

    (tmp_path / "a.yaml").write_text(definition("as") + "---\n" + definition("bs"))
    (tmp_path / "c.yaml").write_text("kind: ValidatingAdmissionPolicy\n---\n" + definition("cs"))
    part = parts.Part("test", "", {}, also_served=(("bs", "v2"),))
    for place, plurals in ((tmp_path, ["as", "bs", "cs"]), (tmp_path / "a.yaml", ["as", "bs"])):
        found = crds.definitions(place, part)
        assert [each["spec"]["names"]["plural"] for each in found] == plurals
        assert [version["name"] for version in found[1]["spec"]["versions"]] == ["v1", "v2"]


def cluster_with(*routers: str) -> Cluster:
    return Cluster("test", 0, list(routers), False, None, 0, [])


@pytest.mark.parametrize(
    ("routers", "named"),
    [(["istio"], {"ISTIO", "ISTIO_API"}), (["traefik"], {"TRAEFIK"}), (["istio", "traefik"], {"ISTIO", "ISTIO_API", "TRAEFIK"})],
    ids=["istio", "traefik", "both"],
)
def test_gateways_share_no_port(routers: list[str], named: set[str]) -> None:
    """But port 80, where hosts tell applications apart."""
    found = gateways.environment(cluster_with(*routers))
    listeners = {f"GATEWAY_{name}{end}" for name in named for end in ("", "_TLS", "_TCP")}
    nginx = {"GATEWAY_NGINX"} if "traefik" in routers else set()
    assert set(found) == listeners | nginx | {f"SHARED_GATEWAY_{name}" for name in named}
    used: collections.Counter[tuple[str, int]] = collections.Counter()
    for name in listeners:
        host, _colon, port = found[name].partition(":")
        used.update((host, int(port) + slot) for slot in range(gateways.SLOTS if name.endswith("_TCP") else 1) if port != "80")
    assert set(used.values()) == {1}


def test_the_service_has_every_port_that_a_gateway_of_istiod_names() -> None:
    """Others it would not open."""
    items = list(gateways.istio_objects(cluster_with("istio")))
    [service] = [item for item in items if item["kind"] == "Service"]
    [gateway] = [item for item in items if item["kind"] == "Gateway" and item["apiVersion"] == gateways.API_VERSION]
    assert {each["port"] for each in gateway["spec"]["listeners"]} <= {each["port"] for each in service["spec"]["ports"]}


def test_slots_are_those_of_the_tests() -> None:
    assert len(two_versions.SLOTS) == gateways.SLOTS


@pytest.mark.parametrize("name", ["default", "a", "test-1.b_c", "9"])
def test_names_that_do(name: str) -> None:
    assert cli._name(name) == name


@pytest.mark.parametrize("name", ["", "a/b", "..", "-x", "a b", "ä"])
def test_names_that_do_not(name: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError):
        cli._name(name)


def test_kind_passes_every_gateway_and_the_audit_log_on(tmp_path: Path) -> None:
    [node] = kind.configuration({"istio": 1, "nginx": 2, "traefik": 3}, tmp_path)["nodes"]
    assert [(port["hostPort"], port["listenAddress"]) for port in node["extraPortMappings"]] == [(n, "127.0.0.1") for n in (1, 2, 3)]
    assert {port["containerPort"] for port in node["extraPortMappings"]} == set(kind.NODE_PORTS.values())
    assert str(tmp_path / "audit") in [mount["hostPath"] for mount in node["extraMounts"]]
    [patch] = map(yaml.safe_load, node["kubeadmConfigPatches"])
    mounts = {volume["mountPath"] for volume in patch["apiServer"]["extraVolumes"]}
    assert all(any(path.startswith(mount) for mount in mounts) for path in patch["apiServer"]["extraArgs"].values())


def running_kind(folder: Path, monkeypatch: pytest.MonkeyPatch, routers: list[str]) -> None:
    """A cluster of this provider as far as its files and commands tell; neither Docker nor kind is there."""
    home = folder / "kind" / "demo"
    kind.prepare_audit_log(home)
    (home / "cluster.json").write_text(json.dumps({"ports": {"istio": 1, "nginx": 2, "traefik": 3}, "routers": routers}))
    authority = folder / "authority"
    authority.mkdir()
    certificates.make_authority(authority)
    server = {"clusters": [{"cluster": {"server": "https://127.0.0.1:4"}}]}
    (home / "kubeconfig").write_text(yaml.safe_dump(server))

    def answer(command: list[str], **_more: Any) -> subprocess.CompletedProcess[Any]:
        if command[:2] == ["kind", "get"]:
            return subprocess.CompletedProcess(command, 0, "demo-control-plane\n")
        assert command[:4] == ["docker", "exec", "demo-control-plane", "cat"]
        return subprocess.CompletedProcess(command, 0, (authority / Path(command[4]).name).read_bytes())

    monkeypatch.setattr(kind, "cache_folder", lambda: folder)
    monkeypatch.setattr(subprocess, "run", answer)


@pytest.mark.parametrize(
    ("routers", "gateways"),
    [(["istio"], {"ISTIO"}), (["traefik"], {"NGINX", "TRAEFIK"}), (["istio", "traefik"], {"ISTIO", "NGINX", "TRAEFIK"})],
)
def test_kind_names_the_gateways_that_it_installed(
    routers: list[str], gateways: set[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    running_kind(tmp_path, monkeypatch, routers)
    assert {name for name in kind.environment("demo") if name.startswith("GATEWAY_")} == {f"GATEWAY_{name}" for name in gateways}


def test_the_audit_log_of_kind_can_be_read_by_whoever_started_it(tmp_path: Path) -> None:
    kind.prepare_audit_log(tmp_path)
    log = tmp_path / "audit" / "audit.log"
    assert log.is_file() and log.stat().st_mode & 0o444 == 0o444 and log.stat().st_uid == os.getuid()


def test_a_user_of_kind_is_signed_by_the_clusters_own_authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    running_kind(tmp_path, monkeypatch, ["istio"])
    for _again in range(2):
        config = yaml.safe_load(kind.add_user("demo", "ann", ["devs"]).read_text())
    [user], [cluster] = config["users"], config["clusters"]
    certificate = x509.load_pem_x509_certificate(base64.b64decode(user["user"]["client-certificate-data"]))
    assert certificate.subject.rfc4514_string() == "CN=ann,O=devs" and cluster["cluster"]["server"] == "https://127.0.0.1:4"


@pytest.mark.parametrize("authority", ["kubeadm's", "ours"])
def test_authorities_of_both_kinds_sign(authority: str, tmp_path: Path) -> None:
    certificates.make_authority(tmp_path)
    if authority == "kubeadm's":
        key = rsa.generate_private_key(65537, 2048)
        name = x509.Name([x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, "kubernetes")])
        builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
        now = datetime.datetime.now(datetime.timezone.utc)
        made = builder.not_valid_before(now).not_valid_after(now + datetime.timedelta(days=1)).sign(key, hashes.SHA256())
        (tmp_path / "ca.crt").write_bytes(made.public_bytes(serialization.Encoding.PEM))
        form = serialization.PrivateFormat.TraditionalOpenSSL
        (tmp_path / "ca.key").write_bytes(key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()))
    certificates.issue(tmp_path, "ann", "ann", ["devs"], [])
    issuer = x509.load_pem_x509_certificate((tmp_path / "ca.crt").read_bytes())
    x509.load_pem_x509_certificate((tmp_path / "ann.crt").read_bytes()).verify_directly_issued_by(issuer)


def test_user_asks_the_provider_that_is_chosen(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("CLUSTER", "kind")
    monkeypatch.setattr(kind, "add_user", lambda *asked: asked)
    assert cli.main(["user", "--name", "demo", "--group", "devs", "ann"]) == 0
    assert capsys.readouterr().out == "('demo', 'ann', ['devs'])\n"
    monkeypatch.setenv("CLUSTER", "existing")
    assert cli.main(["user", "ann"]) == 1 and "CLUSTER=existing adds no user ann" in capsys.readouterr().err


def test_traefik_is_waited_for_until_it_answers() -> None:
    [deployment] = [each for each in kind.traefik_objects() if each["kind"] == "Deployment"]
    [container] = deployment["spec"]["template"]["spec"]["containers"]
    assert container["readinessProbe"]["httpGet"] == {"path": "/ping", "port": "web"}
    assert {"--ping=true", "--ping.entrypoint=web"} <= set(container["args"])


def test_show_asks_for_kinds_that_the_cluster_has(capsys: pytest.CaptureFixture[str]) -> None:
    class Plain:
        """An API server without definitions of routers."""

        def request(self, _method: str, path: str, *_more: Any) -> Response:
            foreign = "istio.io" in path or "gateway.networking.k8s.io" in path
            return Response(404, {}, "404 page not found") if foreign else Response(200, {}, {"items": []})

    transport: Any = Plain()
    kube.show(Namespace(transport, "demo", ""), argparse.Namespace())
    assert json.loads(capsys.readouterr().out) == {}
