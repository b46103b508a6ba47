"""Whatever an Ingress is like and whatever is wished one after the other: its canary says just that, and goes without a trace."""

from __future__ import annotations

import copy
import json
import re
from typing import Any

from ansible_collections.progressive.delivery.plugins.module_utils._objects import edits
from ansible_collections.progressive.delivery.plugins.module_utils._routing.ingress_nginx import router as ingress_nginx
from ansible_collections.progressive.delivery.plugins.module_utils._routing.target import Condition, DesiredTraffic, split_of
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from .ingresses import PREFIX, Object, cookie, header, ingress, pair, path, rule, target, wish
from .moves import carried_out, plain

PLACE = target(allow_mirror_reload=True)
HOSTS = st.sampled_from(["a.example.org", "b.example.org", "*.example.org", None])
PATHS = st.builds(
    path,
    st.sampled_from(["shop", "shop", "other", "shop-canary-2"]),
    st.sampled_from(["/", "/api", "/(.*)"]),
    st.sampled_from([80, 8080, "http"]),
    st.sampled_from(["Prefix", "Exact", "ImplementationSpecific"]),
)
RESOURCES = st.just({"path": "/r", "pathType": "Exact", "backend": {"resource": {"kind": "Bucket", "name": "r"}}})
RULES = st.one_of(
    st.builds(lambda host, paths: rule(host, *paths), HOSTS, st.lists(st.one_of(PATHS, PATHS, RESOURCES), min_size=1, max_size=3)),
    st.just({"host": "bare.example.org"}),
)
ANNOTATIONS = st.dictionaries(
    st.sampled_from(
        [
            *(f"{PREFIX}/{key}" for key in ("load-balance", "rewrite-target", "affinity", "mirror-request-body", "canary-of")),
            *(
                "kubernetes.io/ingress.class",
                "cert-manager.io/issuer",
                "external-dns.kubernetes.io/ttl",
                "meta.helm.sh/release-name",
                "team",
            ),
        ]
    ),
    st.sampled_from(["cookie", "x"]),
    max_size=3,
)
LABELS = st.dictionaries(st.sampled_from(["team", "app.kubernetes.io/managed-by", "app.kubernetes.io/instance"]), st.just("x"), max_size=2)
SPECS = st.fixed_dictionaries(
    {},
    optional={
        "ingressClassName": st.just("nginx"),
        "tls": st.lists(st.sampled_from([{"secretName": "s"}, {"hosts": ["a.example.org", "b.example.org"]}]), max_size=2),
        "defaultBackend": st.sampled_from([{"service": {"name": name, "port": {"number": 80}}} for name in ("shop", "other")]),
        "unknownToUs": st.just([None, {"x": []}]),
    },
)

# What a header's value is made of: letters, what patterns are made of, and what they must not hold.
TEXTS = st.text(r"ab1-_. @,%!\^$*+?|()[]{}/:&=~#'\"<>", max_size=6)
SIMPLE_PATTERNS = st.sampled_from(["a", "^a", "b$", "a|b", "^a+[0-9]?$", r"\x40", "(a)(b)", ""])
VALUED = st.one_of(
    st.builds(header, st.sampled_from(["exact", "prefix"]), TEXTS),
    st.builds(header, st.just("regex"), SIMPLE_PATTERNS),
    st.just(header("present")),
)
HEADERS = st.one_of(st.lists(VALUED, max_size=3), st.just([header("switch")]))
COOKIES = st.sampled_from([[], [cookie("switch")]])


@st.composite
def wishes(draw: st.DrawFn) -> DesiredTraffic:
    total = draw(st.sampled_from([100, 100, 1, 7, 30, 1000]))
    mirror = draw(st.sampled_from([0.0, 0.0, 100.0]))
    return wish(draw(st.integers(0, total)), *draw(HEADERS), *draw(COOKIES), total=total, mirror=mirror)


def can_be_mirrored(stable: Object) -> bool:
    backends = [stable["spec"].get("defaultBackend")] + [each["backend"] for entry in rules_of(stable) for each in paths_of(entry)]
    ports = [backend.get("service", {"port": {}})["port"] for backend in backends if backend]
    names = {backend.get("service", {}).get("name") for backend in backends if backend}
    return names == {"shop"} and all(port == ports[0] and "number" in port for port in ports) and "rewrite-target" not in str(stable)


def refused_default(stable: Object) -> bool:
    """Whether a default backend leads to the stable Service, beside rules of which none leads to the same port."""
    first, *others = [*reached(stable, "shop"), ("", "", "", "")]
    return first[0] == "default" and bool(rules_of(stable)) and first[3] not in [each[3] for each in others]


def rules_of(obj: Object) -> list[Object]:
    return list(obj["spec"].get("rules", []))


def paths_of(entry: Object) -> list[Object]:
    return list(entry.get("http", {}).get("paths", []))


def reached(obj: Object, service: str) -> list[tuple[Any, Any, Any, str]]:
    """Where the Ingress leads to the Service: host, path, path type and port, in order; the default backend first."""
    found = [(rule_.get("host"), each["path"], each["pathType"], each["backend"]) for rule_ in rules_of(obj) for each in paths_of(rule_)]
    found = [("default", "", "", obj["spec"]["defaultBackend"]), *found] if "defaultBackend" in obj["spec"] else found
    return [
        (host, at, kind, json.dumps(backend["service"]["port"]))
        for host, at, kind, backend in found
        if backend.get("service", {}).get("name") == service
    ]


@settings(max_examples=300, deadline=None)
@given(st.lists(RULES, max_size=3), ANNOTATIONS, LABELS, SPECS, st.lists(wishes(), min_size=1, max_size=4))
def test_any_wishes_one_after_the_other(
    rules: list[Object], annotations: Object, labels: Object, spec: Object, wished: list[DesiredTraffic]
) -> None:
    stable = ingress(*copy.deepcopy(rules), annotations=annotations, labels=labels, **spec)
    assume(reached(stable, "shop") and not refused_default(stable))
    live = original = pair(stable)
    for each in wished:
        if each.mirror and not can_be_mirrored(stable):
            each = DesiredTraffic(each.split, each.routes)
        live = json.loads(json.dumps(carried_out(live, PLACE, each)))
        served = ingress_nginx.weight(live, target())
        assert served.canary * each.split.total == each.split.canary * served.total
        assert carried_out(live, PLACE, each, at=2.0) == live
        user = plain(live)["ingress"]
        kept = {
            key: value
            for key, value in user["metadata"].get("annotations", {}).items()
            if not key.endswith(("mirror-target", "mirror-host"))
        }
        assert {**user, "metadata": {**user["metadata"], "annotations": kept}} == {
            **stable,
            "metadata": {**stable["metadata"], "annotations": annotations},
        }
        assert bool(each.mirror) == (kept != user["metadata"].get("annotations", {}))
        made = live["canary_ingress"]
        assert bool(made) == bool(each.split.canary or each.routes)
        if made:
            copied = reached(stable, "shop")
            assert (
                reached(made, "shop-canary") == [place for place in copied if place[0] != "default" or len(copied) == 1]
                and not reached(made, "shop")
                and not reached(made, "other")
            )
            assert not [key for key in made["metadata"]["annotations"] if key.startswith(("cert-manager", "meta.helm"))]
            assert set(made["metadata"]) == {"name", "namespace", "labels", "annotations"}
    assert carried_out(live, target(), None, at=3.0) == original


def goes_by_matches(annotations: dict[str, str], headers: dict[str, str], cookies: dict[str, str]) -> bool | None:
    """What the controller's documentation says: the header first, then the cookie; None where only the weight decides."""
    said = {key.partition("/")[2]: value for key, value in annotations.items()}
    value = headers.get(said.get("canary-by-header", ""))
    if value is not None:
        if said.get("canary-by-header-value"):
            if value == said["canary-by-header-value"]:
                return True
        elif said.get("canary-by-header-pattern"):
            if re.search(said["canary-by-header-pattern"], value):
                return True
        elif value in ("always", "never"):
            return value == "always"
    crumb = cookies.get(said.get("canary-by-cookie", ""))
    return crumb == "always" if crumb in ("always", "never") else None


def holds(condition: Condition, value: str) -> bool:
    if condition.how == "regex":
        return re.search(condition.value, value) is not None
    return {"exact": value == condition.value, "prefix": value.startswith(condition.value), "present": True}[condition.how]


@settings(max_examples=500, deadline=None)
@given(st.lists(VALUED, min_size=1, max_size=3), st.one_of(TEXTS, st.none()))
def test_just_the_requests_that_match_go_by_the_header(conditions: list[Condition], value: str | None) -> None:
    made = carried_out(pair(ingress()), target(), wish(0, *conditions))["canary_ingress"]
    if value is not None:
        value = value.strip()  # as servers do with what stands around a value
    goes = goes_by_matches(made["metadata"]["annotations"], {} if value is None else {"X-Canary": value}, {})
    assert bool(goes) == (value is not None and any(holds(each, value) for each in conditions))
    assert re.fullmatch(
        r"[-._~a-zA-Z0-9/:^$\[\](){}*+?|&=\\ ]*", "".join(made["metadata"]["annotations"][key] for key in pattern_keys(made))
    )


def pattern_keys(made: Object) -> list[str]:
    return [key for key in made["metadata"]["annotations"] if "by-header-" in key]


@given(st.sampled_from(["always", "never", "x", None]), st.sampled_from(["always", "never", "x", None]))
def test_switches_take_there_and_keep_away_the_header_first(by_header: str | None, by_cookie: str | None) -> None:
    made = carried_out(pair(ingress()), target(), wish(50, header("switch"), cookie("switch")))["canary_ingress"]
    headers, cookies = ({name: value} if value else {} for name, value in (("X-Canary", by_header), ("canary", by_cookie)))
    wanted = next((value == "always" for value in (by_header, by_cookie) if value in ("always", "never")), None)
    assert goes_by_matches(made["metadata"]["annotations"], headers, cookies) is wanted


@given(st.integers(1, 2000), st.data())
def test_a_total_that_controllers_heed(total: int, data: st.DataObject) -> None:
    split = split_of(data.draw(st.integers(1, total)), total)
    made = edits._without_annotation(carried_out(pair(ingress()), target(), DesiredTraffic(split))["canary_ingress"])
    said = made["metadata"]["annotations"]
    parts = int(said.get(f"{PREFIX}/canary-weight-total", "100"))
    assert parts >= 100 and int(said[f"{PREFIX}/canary-weight"]) * total == split.canary * parts
