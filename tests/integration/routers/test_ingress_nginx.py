"""canary_weight on Ingresses in the dialect of ingress-nginx, against a controller that reads it, with real traffic."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.progressive.delivery.tests.harness.audit import AuditLog, count
from ansible_collections.progressive.delivery.tests.harness.calls import until
from ansible_collections.progressive.delivery.tests.harness.routers import NGINX
from ansible_collections.progressive.delivery.tests.harness.two_versions import CANARY, STABLE, TwoVersions

GATEWAY = "GATEWAY_NGINX"
OPTIONS: dict[str, Any] = {"router": "ingress_nginx", "name": "shop", "stable_service": "shop", "canary_service": "shop-canary"}
QUICK = {**OPTIONS, "grace": "2.5s"}  # this controller takes over a change within two
AT_ONCE = {**OPTIONS, "grace": 0}


def _ingress(shop: TwoVersions, name: str = "shop", host: str = "", **annotations: str) -> dict[str, Any]:
    """With a path to the stable Service, and one to another, which no canary may get."""
    paths = [
        {"path": at, "pathType": "Prefix", "backend": {"service": {"name": service, "port": {"number": 80}}}}
        for at, service in (("/", "shop"), ("/fixed", "fixed"))
    ]
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": name, "labels": {"team": "shop"}, "annotations": {"cert-manager.io/issuer": "own", **annotations}},
        "spec": {"ingressClassName": "nginx", "rules": [{"host": host or shop.host, "http": {"paths": paths}}]},
    }


@pytest.fixture(autouse=True)
def fixed(shop: TwoVersions) -> None:
    """A Service of the stable version that is not part of the release."""
    service = shop.get("Service", "shop")
    spec = {"selector": service["spec"]["selector"], "ports": service["spec"]["ports"]}
    shop.make({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "fixed"}, "spec": spec})


@pytest.fixture
def stable(shop: TwoVersions) -> TwoVersions:
    """With the user's Ingress, served."""
    shop.make(_ingress(shop))
    shop.wait_for(GATEWAY, STABLE)
    return shop


def _call(shop: TwoVersions, options: dict[str, Any], **more: Any) -> dict[str, Any]:
    result = shop.module("canary_weight", {**options, **more})
    assert not result.get("failed"), result["msg"]
    return result


def _annotations(shop: TwoVersions) -> dict[str, str]:
    given = shop.get("Ingress", "shop-canary")["metadata"]["annotations"]
    return {key.partition("/")[2]: value for key, value in given.items() if key.startswith(NGINX)}


SPLITS = ((5, 100), (95, 100), (5, 1000), (0, 100))
ALL_SPLITS = ((1, 100), (5, 100), (50, 100), (95, 100), (100, 100), (5, 1000), (0, 100))


@pytest.mark.parametrize("splits", [pytest.param(SPLITS, id="some"), pytest.param(ALL_SPLITS, id="all", marks=pytest.mark.full)])
def test_splits(stable: TwoVersions, splits: tuple[tuple[int, int], ...]) -> None:
    before = stable.snapshot()
    assert not _call(stable, QUICK, weight=0)["changed"]
    for weight, total in splits:
        assert _call(stable, QUICK, weight=weight, weight_total=total)["changed"]
        assert stable.names("Ingress") == (["shop", "shop-canary"] if weight else ["shop"])
        stable.check_split(GATEWAY, weight, total)
    assert stable.split(GATEWAY, 50, path="/fixed") == {STABLE: 50}
    assert not _call(stable, QUICK, state="absent")["changed"], "at weight 0 nothing is left to be put back"
    assert stable.snapshot() == before


# The options, then what a request has and which versions may answer it.
ANY = {STABLE, CANARY}
MATCHES: dict[str, tuple[dict[str, Any], list[tuple[dict[str, Any], set[str]]]]] = {
    "a header's value, or a cookie, at weight 0": (
        {"weight": 0, "matches": [{"headers": {"X-Canary": "1"}}, {"cookies": {"canary": {"switch": True}}}]},
        [
            ({}, {STABLE}),
            ({"headers": {"X-Canary": "1"}}, {CANARY}),
            ({"headers": {"x-canary": "2"}}, {STABLE}),
            ({"headers": {"X-Canary": "always"}}, {STABLE}),
            ({"cookies": {"a": "b", "canary": "always"}}, {CANARY}),
            ({"cookies": {"canary": "1"}}, {STABLE}),
        ],
    ),
    "several values of a header, as a pattern": (
        {"weight": 0, "matches": [{"headers": {"X-User": {"prefix": "an.n"}}}, {"headers": {"X-User": {"exact": "bob@a, b"}}}]},
        [
            ({"headers": {"X-User": "an.n+1"}}, {CANARY}),
            ({"headers": {"X-User": "anxn"}}, {STABLE}),
            ({"headers": {"X-User": "bob@a, b"}}, {CANARY}),
            ({"headers": {"X-User": "bob@a, bc"}}, {STABLE}),
            ({}, {STABLE}),
        ],
    ),
    "a header whatever its value": (
        {"weight": 0, "matches": [{"headers": {"X-Qa": {"present": True}}}]},
        [({"headers": {"X-Qa": "x"}}, {CANARY}), ({}, {STABLE})],
    ),
    "switches take there and keep away at weight 50": (
        {"weight": 50, "matches": [{"headers": {"X-Canary": {"switch": True}}}, {"cookies": {"canary": {"switch": True}}}]},
        [
            ({}, ANY),
            ({"headers": {"X-Canary": "1"}}, ANY),
            ({"headers": {"X-Canary": "always"}}, {CANARY}),
            ({"headers": {"X-Canary": "never"}}, {STABLE}),
            ({"cookies": {"canary": "always"}}, {CANARY}),
            ({"cookies": {"canary": "never"}}, {STABLE}),
            ({"headers": {"X-Canary": "always"}, "cookies": {"canary": "never"}}, {CANARY}),
            ({"headers": {"X-Canary": "never"}, "cookies": {"canary": "always"}}, {STABLE}),
        ],
    ),
}


def test_matches(stable: TwoVersions) -> None:
    before = stable.snapshot()
    for options, requests in MATCHES.values():
        assert _call(stable, QUICK, **options)["changed"]
        for request, versions in requests:
            assert set(stable.split(GATEWAY, 200, **request)) == versions, (options, request)
    assert _call(stable, QUICK, weight=50)["changed"]
    assert set(stable.split(GATEWAY, 200, headers={"X-Canary": "never"})) == ANY, "the matches left a trace"
    assert _call(stable, QUICK, state="absent")["changed"] and stable.snapshot() == before


def test_several_ingresses_and_their_end_under_load(shop: TwoVersions) -> None:
    """One has its class by the old annotation. They end at once, and no request is lost."""
    ingresses = {f"{name}.{shop.host}": _ingress(shop, f"shop-{name}", f"{name}.{shop.host}") for name in "ab"}
    for host, item in ingresses.items():
        if host.startswith("b"):
            del item["spec"]["ingressClassName"]
            item["metadata"]["annotations"]["kubernetes.io/ingress.class"] = "nginx"
        shop.make(item)
        shop.wait_for(GATEWAY, STABLE, host_header=host)
    before = shop.snapshot()
    both = {**QUICK, "name": ["shop-a", "shop-b"]}
    loads = {host: shop.load(GATEWAY, host_header=host, rate=150).start() for host in ingresses}
    result = _call(shop, both, weight=30)
    assert shop.names("Ingress") == ["shop-a", "shop-a-canary", "shop-b", "shop-b-canary"]
    assert [each["metadata"]["name"] for each in result["resources"]] == ["shop-a", "shop-a-canary", "shop-b", "shop-b-canary"]
    for host in ingresses:
        shop.check_split(GATEWAY, 30, count=2000, host_header=host)
    assert _call(shop, both, state="absent")["changed"]
    assert shop.snapshot() == before and not _call(shop, both, state="absent")["changed"]
    for host, load in loads.items():
        results = load.stop()
        assert not results.failures and set(results.versions) == ANY, results.summary()
        assert shop.split(GATEWAY, 200, host_header=host) == {STABLE: 200}


@pytest.mark.quick
def test_check_run_check_run(stable: TwoVersions) -> None:
    before = stable.snapshot()
    wanted = {**AT_ONCE, "weight": 20, "matches": [{"headers": {"X-Canary": {"switch": True}}}]}
    preview = stable.module("canary_weight", wanted, check=True, diff=True)
    assert preview["changed"] and preview["weight"] == {"stable": 80, "canary": 20}
    assert [entry["before_header"] for entry in preview["diff"]] == [f"Ingress {stable.namespace}/shop-canary"]
    assert stable.snapshot() == before
    real = stable.module("canary_weight", wanted, diff=True)
    assert real["changed"] and real["previous_weight"] == {"stable": 100, "canary": 0} and not real.get("warnings")
    assert _annotations(stable) == {"canary": "true", "canary-weight": "20", "canary-by-header": "X-Canary"}
    for check in (True, False):
        again = stable.module("canary_weight", wanted, check=check, diff=True)
        assert (again["changed"], again["diff"]) == (False, [])
    stable.patch("Ingress", "shop", {"spec": {"tls": [{"hosts": [stable.host], "secretName": "own"}]}})
    assert _call(stable, wanted)["changed"], "what the user changed on the stable Ingress did not come over"
    canary = stable.get("Ingress", "shop-canary")
    assert canary["spec"]["tls"] == [{"hosts": [stable.host], "secretName": "own"}] and "ownerReferences" not in canary["metadata"]
    assert canary["metadata"]["labels"] == {"team": "shop", "app.kubernetes.io/managed-by": "progressive.delivery"}
    stable.patch("Ingress", "shop", {"spec": {"tls": None}})
    assert stable.module("canary_weight", {**AT_ONCE, "state": "absent"}, check=True)["changed"]
    assert _call(stable, AT_ONCE, state="absent")["changed"] and stable.snapshot() == before


def test_requests(stable: TwoVersions) -> None:
    """Both Ingresses; for a change also all Ingresses in one list, the EndpointSlices of both Services in another, and the write.

    The first one also asks for the canary Service: whether it has the ports of the rules. No discovery.
    """
    wanted = {("get", "ingresses"): 2, ("list", "ingresses"): 1, ("list", "endpointslices"): 1}
    log = AuditLog()
    for options, requests in (
        ({"weight": 20}, {**wanted, ("get", "services"): 1, ("create", "ingresses"): 1}),
        ({"weight": 20}, {("get", "ingresses"): 2}),
        ({"weight": 30}, {**wanted, ("patch", "ingresses"): 1}),
    ):
        mark = log.mark()
        _call(stable, AT_ONCE, **options)
        found = [entry for entry in log.since(mark) if entry.namespace == stable.namespace or not entry.namespace]
        assert count(found) == requests


def _make_somebody_elses(shop: TwoVersions) -> None:
    shop.make({**_ingress(shop, "foreign"), "metadata": {"name": "foreign", "annotations": {f"{NGINX}/canary": "true"}}})


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "no such Ingress": ({"name": "nope"}, "Ingress {ns}/nope does not exist: check its name and the namespace"),
    "no such stable Service": ({"stable_service": "nope"}, "has no rule that leads to Service 'nope' (its Services: fixed, shop)"),
    "no such canary Service": ({"canary_service": "nope"}, "Service {ns}/nope does not exist"),
    "somebody else's canary Ingress": ({"canary_ingress": "foreign"}, "Ingress {ns}/foreign was not created by this collection: delete it"),
    "a canary as the stable one": ({"name": "foreign"}, f"Ingress {{ns}}/foreign is itself a canary ({NGINX}/canary)"),
    "the name of the canary": ({"canary_ingress": "No_Name"}, "canary_ingress must be a Kubernetes name, not 'No_Name'"),
    "path": ({"matches": [{"path": {"prefix": "/x"}}]}, "cannot carry path prefix '/x' with router ingress_nginx: use one header"),
    "a share of copies": ({"mirror": 10}, "Ingress {ns}/shop cannot mirror 10 percent"),
    "copies of others' requests": ({"mirror": 100}, "Ingress {ns}/shop also leads to fixed, whose requests would be copied too"),
    "version": ({"api_version": "v1beta1"}, "api_version 'v1beta1' does not serve Ingress: use one of networking.k8s.io/v1"),
}


def test_bad_input_is_one_clear_line_and_writes_nothing(stable: TwoVersions) -> None:
    _make_somebody_elses(stable)
    before = stable.snapshot()
    for case, (options, message) in REFUSED.items():
        result = stable.module("canary_weight", {**AT_ONCE, "weight": 20, **options})
        assert result["failed"] and not result.get("changed") and "\n" not in result["msg"], case
        assert message.format(ns=stable.namespace) in result["msg"], case
    assert stable.snapshot() == before


def _leading(shop: TwoVersions, name: str, service: str, port: Any = 80, host: str = "", **annotations: str) -> dict[str, Any]:
    """Another Ingress, with one path."""
    item = _ingress(shop, name, host or f"{name}.{shop.host}", **{f"{NGINX}/{key}": value for key, value in annotations.items()})
    [path, _fixed] = item["spec"]["rules"][0]["http"]["paths"]
    path["backend"]["service"] = {"name": service, "port": {"name": port} if isinstance(port, str) else {"number": port}}
    item["spec"]["rules"][0]["http"]["paths"] = [path]
    return item


# Another Ingress that is there before the canary one, and what a call says of it.
NEIGHBOURS: dict[str, tuple[dict[str, Any], str]] = {
    "a preview host": ({"service": "shop-canary"}, "Ingress {ns}/other leads to Service shop-canary, and ingress-nginx sends no share"),
    "a canary Ingress by hand": (
        {"service": "shop-canary", "host": "{host}", "canary": "true", "canary-weight": "0"},
        "Ingress {ns}/other is a canary Ingress for Service shop-canary already, and older",
    ),
    "another canary of the Service": (
        {"service": "fixed", "host": "{host}", "canary": "true"},
        "Ingress {ns}/other is a canary Ingress of Service shop already, and older",
    ),
}


def test_other_ingresses_that_leave_the_canary_without_its_share_are_refused(stable: TwoVersions) -> None:
    for case, (asked, message) in NEIGHBOURS.items():
        options = {key: value.format(host=stable.host) for key, value in asked.items()}
        stable.make(_leading(stable, "other", **options))
        before = stable.snapshot()
        for check in (True, False):
            result = stable.module("canary_weight", {**AT_ONCE, "weight": 20}, check=check)
            assert result["failed"] and message.format(ns=stable.namespace) in result["msg"], (case, result["msg"])
        assert stable.snapshot() == before
        stable.delete("Ingress", "other")


def test_other_ingresses_whose_requests_are_split_too_are_named(stable: TwoVersions) -> None:
    """Those that name the port in the other way are not."""
    stable.make(_leading(stable, "same", "shop"))
    stable.make(_leading(stable, "by-name", "shop", "http"))
    stable.make(_leading(stable, "preview", "shop-canary", "http"))
    [warned] = _call(stable, AT_ONCE, weight=20)["warnings"]
    assert f"Ingress {stable.namespace}/same leads to Service shop by the same port" in str(warned)
    both = {**AT_ONCE, "name": ["shop", "same"], "weight": 30}
    assert not _call(stable, both).get("warnings") and stable.names("Ingress").count("same-canary") == 1
    alone = stable.module("canary_weight", {**AT_ONCE, "name": "same", "weight": 40})["msg"]
    assert f"Ingress {stable.namespace}/shop-canary is a canary Ingress for Service shop-canary already" in alone
    assert _call(stable, {**AT_ONCE, "name": ["shop", "same"]}, state="absent")["changed"]


def test_a_stable_service_without_ready_pods_is_refused_even_at_weight_100(stable: TwoVersions) -> None:
    selector = stable.get("Service", "shop")["spec"]["selector"]
    stable.patch("Service", "shop", {"spec": {"selector": {"app": "none"}}})
    try:

        def refused() -> bool:
            result = stable.module("canary_weight", {**AT_ONCE, "weight": 100}, check=True)
            return bool(result.get("failed")) and "shop has no ready endpoints and would get every request first" in result["msg"]

        until("the empty Service is refused", refused)
        assert stable.names("Ingress") == ["shop"]
    finally:
        stable.patch("Service", "shop", {"spec": {"selector": selector}})
    until("its pods are back", lambda: not stable.module("canary_weight", {**AT_ONCE, "weight": 100}, check=True).get("failed"))


def test_session_affinity_is_warned_of_once(stable: TwoVersions) -> None:
    stable.patch("Ingress", "shop", {"metadata": {"annotations": {f"{NGINX}/affinity": "cookie"}}})
    warned = _call(stable, AT_ONCE, weight=20)["warnings"]
    assert len(warned) == 1 and f"Ingress {stable.namespace}/shop has session affinity ({NGINX}/affinity: cookie)" in str(warned)
    assert not _call(stable, AT_ONCE, state="absent").get("warnings")


def test_a_mirror_is_written_and_goes(stable: TwoVersions) -> None:
    """Written alone: this controller copies nothing."""
    spec = stable.get("Ingress", "shop")["spec"]
    paths = spec["rules"][0]["http"]["paths"][:1]
    stable.patch("Ingress", "shop", {"spec": {"rules": [{"host": stable.host, "http": {"paths": paths}}]}})
    before = stable.snapshot()
    refused = stable.module("canary_weight", {**AT_ONCE, "mirror": 100})["msg"]
    assert "ingress-nginx reloads" in refused and "set allow_mirror_reload to true" in refused and stable.snapshot() == before
    mirrored = {**AT_ONCE, "mirror": 100, "allow_mirror_reload": True}
    first = _call(stable, mirrored)
    assert first["changed"] and "a slow canary slows users" in str(first["warnings"])
    given = stable.get("Ingress", "shop")["metadata"]["annotations"]
    assert given[f"{NGINX}/mirror-target"] == f"http://shop-canary.{stable.namespace}.svc.cluster.local:80$request_uri"
    assert not _call(stable, mirrored)["changed"] and stable.names("Ingress") == ["shop"]
    assert _call(stable, AT_ONCE, state="absent")["changed"] and stable.snapshot() == before
