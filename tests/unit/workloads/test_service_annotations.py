"""Which annotations a canary Service takes over, which it must not have, and which are told."""

from __future__ import annotations

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._workloads.service_annotations import copied, unknown
from hypothesis import given
from hypothesis import strategies as st

COPIED = {
    "projectcontour.io/upstream-protocol.h2c": "80",
    "projectcontour.io/max-connections": "100",
    "traefik.ingress.kubernetes.io/service.serversscheme": "https",
    "traefik.ingress.kubernetes.io/service.serverstransport": "shop-tls@kubernetescrd",
    "service.kubernetes.io/topology-mode": "Auto",
    "service.kubernetes.io/topology-aware-hints": "auto",
    "cloud.google.com/app-protocols": '{"https":"HTTPS"}',
    "cloud.google.com/backend-config": '{"default": "shop"}',
    "cloud.google.com/neg": '{"ingress": true}',
    "alb.ingress.kubernetes.io/healthcheck-path": "/healthz",
    "alb.ingress.kubernetes.io/target-group-attributes": "deregistration_delay.timeout_seconds=30",
    "konghq.com/protocol": "grpc",
    "ingress.kubernetes.io/service-upstream": "true",
    "prometheus.io/port": "8080",
}
LEFT = {
    "external-dns.alpha.kubernetes.io/hostname": "shop.example.org",
    "service.beta.kubernetes.io/aws-load-balancer-name": "shop",
    "service.beta.kubernetes.io/azure-load-balancer-internal": "true",
    "service.kubernetes.io/load-balancer-cleanup": "x",
    "metallb.universe.tf/loadBalancerIPs": "192.0.2.1",
    "metallb.io/address-pool": "public",
    "cloud.google.com/load-balancer-type": "Internal",
    "cloud.google.com/neg-status": "{}",
    "cert-manager.io/inject-ca-from": "x/y",
    "kubectl.kubernetes.io/last-applied-configuration": "{}",
    "argocd.argoproj.io/tracking-id": "shop",
    "argo-rollouts.argoproj.io/managed-by-rollouts": "shop",
    "meta.helm.sh/release-name": "shop",
    "kustomize.toolkit.fluxcd.io/checksum": "x",
    "progressive.delivery/original": "{}",
    "progressive.delivery/bluegreen": "{}",
    "getambassador.io/config": "kind: Mapping",
    "tailscale.com/expose": "true",
}
TOLD = {
    "example.org/protocol": "h2c",
    "projectcontour.io/unheard": "x",
    "cloud.google.com/neg": '{"exposed_ports": {"80": {"name": "shop"}}}',
    "alb.ingress.kubernetes.io/unheard": "x",
    "traefik.ingress.kubernetes.io/router.rule": "x",
    "plain": "x",
}


@pytest.mark.parametrize("key", COPIED)
def test_how_pods_are_spoken_to_is_taken_over(key: str) -> None:
    assert copied({key: COPIED[key]}) == {key: COPIED[key]} and unknown({key: COPIED[key]}) == []


@pytest.mark.parametrize("key", LEFT)
def test_names_owners_and_notes_of_tools_are_left(key: str) -> None:
    assert copied({key: LEFT[key]}) == {} and unknown({key: LEFT[key]}) == []


@pytest.mark.parametrize("key", TOLD)
def test_the_rest_is_told(key: str) -> None:
    assert copied({key: TOLD[key]}) == {} and unknown({key: TOLD[key]}) == [key]


@pytest.mark.parametrize("annotations", [None, {}])
def test_none(annotations: dict[str, str] | None) -> None:
    assert copied(annotations) == {} and unknown(annotations) == []


@given(st.dictionaries(st.sampled_from([*COPIED, *LEFT, *TOLD, "x/y", "service.kubernetes.io/"]), st.text(max_size=3)))
def test_each_is_taken_over_left_or_told(annotations: dict[str, str]) -> None:
    assert not set(copied(annotations)) & set(unknown(annotations))
    assert copied(annotations).items() <= annotations.items() and set(unknown(annotations)) <= set(annotations)
