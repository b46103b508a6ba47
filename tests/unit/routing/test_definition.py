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
    ("no apiVersion", {"apiVersion": None}, "definition: apiVersion is missing"),
    ("no destination", {"destination": None}, "definition: destination is missing"),
    ("no service", {"destination": {"namespace": "ns"}}, "definition, destination: service is missing"),
    ("status without wanted", {"status": {"details": "x"}}, "definition, status: wanted is missing"),
    ("unknown key", {"weights": {}}, "definition: unknown key weights: it takes apiVersion, other_versions, kind"),
    ("unknown key below", {"weight__of": 1}, "definition, weight: unknown key of: it takes field, default, total, even_when_all_zero"),
    ("a part that is no mapping", {"weight": "weight"}, "definition, weight: 'weight' is not a mapping with field, default"),
    ("version alone", {"apiVersion": "v1"}, "definition, apiVersion: 'v1' is not group/version"),
    ("one other version", {"other_versions": "x.io/v1"}, "definition, other_versions: 'x.io/v1' is not a list"),
    ("a bad other version", {"other_versions": ["x.io/v1", 2]}, "definition, other_versions, number 2: 2 is not group/version"),
    ("kind", {"kind": 7}, "definition, kind: 7 is not a text"),
    ("empty plural", {"plural": ""}, "definition, plural: '' is not the plural of a kind"),
    ("a path as plural", {"plural": "../../secrets"}, "definition, plural: '../../secrets' is not the plural of a kind"),
    *(
        (
            f"group {group}",
            {"apiVersion": f"{group}/v1"},
            f"definition, apiVersion: a definition cannot describe kinds of Kubernetes' own API group {group}",
        )
        for group in ("apps", "rbac.authorization.k8s.io", "admissionregistration.k8s.io", "apiextensions.k8s.io", "networking.k8s.io")
    ),
    ("destinations in no list", {"destinations": "spec.lanes"}, "definition, destinations: 'spec.lanes' is not a path that leads through"),
    ("a list in a list", {"destinations": "spec.lanes[][]"}, "definition, destinations: 'spec.lanes[][]' is not a path"),
    ("something behind the list", {"destinations": "spec.lanes[]."}, "definition, destinations: 'spec.lanes[].' is not a path"),
    ("JSONPath", {"destinations": "$.spec.lanes[*]"}, "definition, destinations: '$.spec.lanes[*]' is not a path"),
    ("service through a list", {"destination__service": "to[]"}, "definition, destination, service: 'to[]' is not a path of keys"),
    ("where", {"destination__where": ["kind"]}, "definition, destination, where: ['kind'] does not map fields to values"),
    ("where a mapping", {"destination__where": {"a": {"b": 1}}}, "definition, destination, where: {'a': {'b': 1}} does not map fields"),
    ("weight in a port", {"weight__field": "port"}, "definition, weight, field: 'port' does not say that it is a weight"),
    ("weight in a duration", {"weight__field": "weight.duration"}, "definition, weight, field: 'weight.duration' does not say"),
    ("negative weight", {"weight__default": -1}, "definition, weight, default: -1 is not a whole number of 0 or more"),
    ("weight as text", {"weight__default": "1"}, "definition, weight, default: '1' is not a whole number"),
    ("total of nothing", {"weight__total": 0}, "definition, weight, total: 0 is not a whole number of 1 or more"),
    ("flag", {"add_canary": "no"}, "definition, add_canary: 'no' is neither true nor false"),
    ("told apart by a text", {"routes__told_apart_by": "match"}, "definition, routes, told_apart_by: 'match' is not a list"),
    ("wanted", {"status": {"wanted": "Valid"}}, "definition, status, wanted: 'Valid' does not map types of conditions"),
    ("wanted nothing", {"status": {"wanted": [{}]}}, "definition, status, wanted: [{}] does not map types of conditions"),
    ("grace", {"grace": "5s"}, "definition, grace: '5s' is not a number of seconds"),
    ("grace below nothing", {"grace": -1}, "definition, grace: -1 is not a number of seconds"),
]


@pytest.mark.parametrize(("changes", "message"), [case[1:] for case in BAD], ids=[case[0] for case in BAD])
def test_a_malformed_definition_is_refused_naming_the_key(changes: Object, message: str) -> None:
    with pytest.raises(Refused) as refused:
        read_definition(parsed(LEAST, **changes))
    assert str(refused.value).startswith(message)
    assert "\n" not in str(refused.value)


def test_one_that_is_no_mapping() -> None:
    with pytest.raises(Refused, match=r"^routers, number 1, definition: 'road.yml' is not a mapping with apiVersion, .*docs/routers.md"):
        read_definition("road.yml", "routers, number 1, definition")


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
