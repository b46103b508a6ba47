"""Definitions of routers are read whole, or refused in one line that names the key."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from ansible_collections.progressive.delivery.plugins.module_utils._objects.refusal import Refused
from ansible_collections.progressive.delivery.plugins.module_utils._routing.custom.definition import Definition, read_definition
from ansible_collections.progressive.delivery.plugins.module_utils._routing.custom.shipped.registry import SHIPPED, shipped
from ansible_collections.progressive.delivery.plugins.module_utils._routing.registry import default_grace, router_of
from ansible_collections.progressive.delivery.plugins.module_utils._routing.target import Target

Object = dict[str, Any]
LEAST = """
apiVersion: example.org/v1
kind: Road
plural: roads
destinations: spec.lanes[]
destination: {service: to}
"""
MOST = """
apiVersion: example.org/v1
other_versions: [example.org/v2, old.example.org/v1]
kind: Road
plural: roads
destinations: spec.roads[].to.lanes[]
destination:
  service: leads.to
  namespace: leads.where
  where: {kind: Service}
  ignore: {shadow: true}
  not_copied: [cache.zone]
weight: {field: share.parts, default: 0, total: 100, even_when_all_zero: true}
routes: {name: title, told_apart_by: [from], refuse_with: [ferries]}
add_canary: false
sticky: [spec.sticky]
status:
  conditions: status.said
  wanted: [{Open: "True", Closed: "False"}, {Ready: true}]
  generation: status.observedGeneration
  details: reasons
  required: false
grace: 2.5
"""


def parsed(text: str, **changes: Any) -> Object:
    """A definition with some keys changed; None takes one away, two underscores reach below."""
    raw: Object = yaml.safe_load(text)
    for dotted, value in changes.items():
        at = raw
        *above, last = dotted.split("__")
        for key in above:
            at = at.setdefault(key, {})
        at[last] = value
    return raw


def test_the_least_that_a_definition_needs() -> None:
    least = read_definition(parsed(LEAST))
    assert least == Definition(("example.org/v1",), "Road", "roads", (("spec", "lanes"),), ("to",))
    assert (least.weight_field, least.weight_default, least.add_canary, least.grace) == (("weight",), 1, True, 5.0)


def test_all_that_can_be_said() -> None:
    assert read_definition(parsed(MOST)) == Definition(
        api_versions=("example.org/v1", "example.org/v2", "old.example.org/v1"),
        kind="Road",
        plural="roads",
        destinations=(("spec", "roads"), ("to", "lanes")),
        destination_service=("leads", "to"),
        destination_namespace=("leads", "where"),
        destination_where=((("kind",), "Service"),),
        destination_ignore=((("shadow",), True),),
        destination_not_copied=(("cache", "zone"),),
        weight_field=("share", "parts"),
        weight_default=0,
        weight_total=100,
        weight_even_when_all_zero=True,
        routes_name=("title",),
        routes_told_apart_by=(("from",),),
        routes_refuse_with=(("ferries",),),
        add_canary=False,
        sticky=(("spec", "sticky"),),
        status_conditions=("status", "said"),
        status_wanted=((("Open", "True"), ("Closed", "False")), (("Ready", "True"),)),
        status_generation=("status", "observedGeneration"),
        status_details=("reasons",),
        status_required=False,
        grace=2.5,
    )


def test_what_is_not_given_counts_as_left_out() -> None:
    """Ansible fills options in with None."""
    assert read_definition(parsed(LEAST, routes=None, weight__field=None, grace=None)) == read_definition(parsed(LEAST))


# What is changed, and what the refusal says.
BAD: list[tuple[str, Object, str]] = [
    ("no apiVersion", {"apiVersion": None}, "definition lacks apiVersion: add it"),
    ("no destination", {"destination": None}, "definition lacks destination: add it"),
    ("no service", {"destination": {"namespace": "ns"}}, "definition.destination lacks service: add it"),
    ("status without wanted", {"status": {"details": "x"}}, "definition.status lacks wanted: add it"),
    ("unknown key", {"weights": {}}, "definition has unknown keys: weights"),
    ("unknown key below", {"weight__of": 1}, "definition.weight has unknown keys: of: use field, default, total, even_when_all_zero"),
    ("a part that is no mapping", {"weight": "weight"}, "definition.weight must be a mapping, not 'weight'"),
    ("version alone", {"apiVersion": "v1"}, "definition.apiVersion must be group/version, not 'v1': write for example example.org/v1"),
    ("one other version", {"other_versions": "x.io/v1"}, "definition.other_versions must be a list, not 'x.io/v1': write one"),
    (
        "a bad other version",
        {"other_versions": ["x.io/v1", 2]},
        "definition.other_versions[1] must be group/version, not 2: write for example example.org/v1",
    ),
    ("kind", {"kind": 7}, "definition.kind must be a text, not 7: write one"),
    (
        "empty plural",
        {"plural": ""},
        "definition.plural must be the plural of a kind as in API paths, not '': write for example virtualservers",
    ),
    (
        "a path as plural",
        {"plural": "../../secrets"},
        "definition.plural must be the plural of a kind as in API paths, not '../../secrets': write for example virtualservers",
    ),
    *(
        (
            f"group {group}",
            {"apiVersion": f"{group}/v1"},
            f"definition.apiVersion is in {group}, an API group of Kubernetes itself",
        )
        for group in ("apps", "rbac.authorization.k8s.io", "admissionregistration.k8s.io", "apiextensions.k8s.io", "networking.k8s.io")
    ),
    (
        "destinations in no list",
        {"destinations": "spec.lanes"},
        "definition.destinations must be a path that leads through lists to the destinations, not 'spec.lanes'",
    ),
    (
        "a list in a list",
        {"destinations": "spec.lanes[][]"},
        "definition.destinations must be a path that leads through lists to the destinations, not 'spec.lanes[][]'",
    ),
    (
        "something behind the list",
        {"destinations": "spec.lanes[]."},
        "definition.destinations must be a path that leads through lists to the destinations, not 'spec.lanes[].'",
    ),
    (
        "JSONPath",
        {"destinations": "$.spec.lanes[*]"},
        "definition.destinations must be a path that leads through lists to the destinations, not '$.spec.lanes[*]'",
    ),
    (
        "service through a list",
        {"destination__service": "to[]"},
        "definition.destination.service must be a path of keys, not 'to[]': write for example destination.host",
    ),
    (
        "where",
        {"destination__where": ["kind"]},
        "definition.destination.where must map fields to values, not ['kind']: write for example {kind: Service}",
    ),
    (
        "where a mapping",
        {"destination__where": {"a": {"b": 1}}},
        "definition.destination.where must map fields to values, not {'a': {'b': 1}}: write for example {kind: Service}",
    ),
    ("weight in a port", {"weight__field": "port"}, "definition.weight.field must end in a word that means a weight, not 'port'"),
    (
        "weight in a duration",
        {"weight__field": "weight.duration"},
        "definition.weight.field must end in a word that means a weight, not 'weight.duration'",
    ),
    ("negative weight", {"weight__default": -1}, "definition.weight.default must be a whole number of 0 or more, not -1: correct it"),
    ("weight as text", {"weight__default": "1"}, "definition.weight.default must be a whole number of 0 or more, not '1': correct it"),
    ("total of nothing", {"weight__total": 0}, "definition.weight.total must be a whole number of 1 or more, not 0: correct it"),
    ("flag", {"add_canary": "no"}, "definition.add_canary must be true or false, not 'no': use one of these"),
    ("told apart by a text", {"routes__told_apart_by": "match"}, "definition.routes.told_apart_by must be a list, not 'match': write one"),
    ("wanted", {"status": {"wanted": "Valid"}}, "definition.status.wanted must map types of conditions to what they must be, not 'Valid'"),
    (
        "wanted nothing",
        {"status": {"wanted": [{}]}},
        "definition.status.wanted must map types of conditions to what they must be, not [{}]",
    ),
    ("grace", {"grace": "5s"}, "definition.grace must be a number of seconds, not '5s': correct it"),
    ("grace below nothing", {"grace": -1}, "definition.grace must be a number of seconds, not -1: correct it"),
]


@pytest.mark.parametrize(("changes", "message"), [case[1:] for case in BAD], ids=[case[0] for case in BAD])
def test_a_malformed_definition_is_refused_naming_the_key(changes: Object, message: str) -> None:
    with pytest.raises(Refused) as refused:
        read_definition(parsed(LEAST, **changes))
    assert str(refused.value).startswith(message)
    assert "\n" not in str(refused.value)


def test_one_that_is_no_mapping() -> None:
    with pytest.raises(
        Refused, match=r"^routers\[0\].definition must be a mapping, not 'road.yml': use the keys apiVersion, .*docs/routers.md"
    ):
        read_definition("road.yml", "routers[0].definition")


def test_only_what_is_said_makes_it_another_definition() -> None:
    """A rollout's plan is known again by this text, also by later releases, in which more can be said."""
    assert str(read_definition(parsed(LEAST))) == (
        "{'api_versions': ('example.org/v1',), 'kind': 'Road', 'plural': 'roads', 'destinations': (('spec', 'lanes'),), "
        "'destination_service': ('to',)}"
    )
    assert str(read_definition(parsed(LEAST, grace=2))) != str(read_definition(parsed(LEAST)))


@pytest.mark.parametrize("name", sorted(SHIPPED))
def test_the_shipped_ones(name: str) -> None:
    definition = shipped(name)
    router = router_of(Target(name, "shop", "test", "shop", "shop-canary"))
    [part] = router.parts(Target(name, "shop", "test", "shop", "shop-canary")).values()
    assert (part.resource.api_version, part.resource.kind) == (definition.api_versions[0], definition.kind)
    assert part.has_status == bool(definition.status_wanted)
    assert part.resource.plural == yaml.safe_load(SHIPPED[name])["plural"]


def target(router: str = "road", **more: Any) -> Target:
    return Target(router, "a1", "test", "stable", "canary", **more)


def test_a_definition_goes_before_one_of_the_same_name_that_is_shipped() -> None:
    own = read_definition(parsed(LEAST, grace=0.5))
    assert default_grace([target(router="traefik", definition=own)]) == 0.5
    assert default_grace([target(router="traefik")]) == 5.0


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        (None, "example.org/v1"),
        ("v2", "example.org/v2"),
        ("example.org/v2", "example.org/v2"),
        ("old.example.org/v1", "old.example.org/v1"),
    ],
)
def test_the_version_in_which_the_object_is_read(asked: str | None, found: str) -> None:
    wanted = target(definition=read_definition(parsed(MOST)), api_version=asked)
    [part] = router_of(wanted).parts(wanted).values()
    assert part.resource.api_version == found


@pytest.mark.parametrize("asked", ["v3", "v1", "other.org/v1"])
def test_a_version_that_there_is_not(asked: str) -> None:
    wanted = target(definition=read_definition(parsed(MOST)), api_version=asked)
    with pytest.raises(Refused, match=f"^api_version '{asked}' does not serve Road: use one of example.org/v1, example.org/v2, old"):
        router_of(wanted).parts(wanted)
