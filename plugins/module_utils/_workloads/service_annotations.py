"""Which annotations of the stable Service a canary or preview Service takes over: those that say how its pods are spoken to."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping

# An entry that ends in `/`, `.` or `-` stands for all annotations that begin with it, another one for the annotation of that name. Of
# several entries that fit, the longest one counts.
#
# How proxies speak to the pods behind the Service: protocol, TLS, time-outs, health checks, balancing, topology.
_COPIED = (
    # Source: https://projectcontour.io/docs/1.26/config/annotations/
    "projectcontour.io/upstream-protocol.",
    "projectcontour.io/max-connections",
    "projectcontour.io/max-pending-requests",
    "projectcontour.io/max-requests",
    "projectcontour.io/max-retries",
    "projectcontour.io/per-host-max-connections",
    "contour.heptio.com/upstream-protocol.",
    # Source: https://doc.traefik.io/traefik/reference/routing-configuration/kubernetes/ingress/ (on Service)
    "traefik.ingress.kubernetes.io/service.",
    # Source: https://kubernetes.io/docs/reference/labels-annotations-taints/
    "service.kubernetes.io/topology-mode",
    "service.kubernetes.io/topology-aware-hints",
    # Source: https://cloud.google.com/kubernetes-engine/docs/how-to/ingress-configuration
    "cloud.google.com/app-protocols",
    "cloud.google.com/backend-config",
    "cloud.google.com/neg",
    "beta.cloud.google.com/backend-config",
    "service.alpha.kubernetes.io/app-protocols",
    "networking.gke.io/app-protocols",
    # Source: https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/ingress/annotations/
    "alb.ingress.kubernetes.io/backend-protocol",
    "alb.ingress.kubernetes.io/backend-protocol-version",
    "alb.ingress.kubernetes.io/healthcheck-",
    "alb.ingress.kubernetes.io/healthy-threshold-count",
    "alb.ingress.kubernetes.io/unhealthy-threshold-count",
    "alb.ingress.kubernetes.io/success-codes",
    "alb.ingress.kubernetes.io/target-group-attributes",
    "alb.ingress.kubernetes.io/target-node-labels",
    "alb.ingress.kubernetes.io/target-type",
    # Source: https://developer.konghq.com/operator/dataplanes/reference/service-annotations/
    "konghq.com/",
    "ingress.kubernetes.io/service-upstream",
    # Source: https://haproxy-ingress.github.io/docs/configuration/keys/ and https://www.haproxy.com/documentation/kubernetes-ingress/
    "haproxy-ingress.github.io/",
    "haproxy.org/",
    # Source: https://linkerd.io/2/reference/ (annotations of Services), https://istio.io/latest/docs/reference/config/annotations/
    "balancer.linkerd.io/",
    "retry.linkerd.io/",
    "timeout.linkerd.io/",
    "config.linkerd.io/opaque-ports",
    "networking.istio.io/traffic-distribution",
    # What scrapes the pods of both versions alike.
    "prometheus.io/",
)
# What names or owns one thing outside of the cluster, which two Services would quarrel about, and what tools note for themselves.
_LEFT = (
    "external-dns.alpha.kubernetes.io/",
    "external-dns.kubernetes.io/",
    "dns.alpha.kubernetes.io/",
    "service.beta.kubernetes.io/",
    "service.kubernetes.io/",
    "load-balancer.hetzner.cloud/",
    "loadbalancer.openstack.org/",
    "kubernetes.digitalocean.com/",
    "oci.oraclecloud.com/",
    "oci-network-load-balancer.oraclecloud.com/",
    "networking.gke.io/load-balancer-",
    "networking.gke.io/internal-load-balancer-",
    "cloud.google.com/load-balancer-type",
    "cloud.google.com/neg-status",
    "cloud.google.com/l4-rbs",
    "metallb.universe.tf/",
    "metallb.io/",
    "kube-vip.io/",
    "io.cilium/",
    "lbipam.cilium.io/",
    "tailscale.com/",
    "getambassador.io/",
    "cert-manager.io/",
    "kubectl.kubernetes.io/",
    "kubernetes.io/",
    "deployment.kubernetes.io/",
    "argocd.argoproj.io/",
    "argo-rollouts.argoproj.io/",
    "meta.helm.sh/",
    "helm.sh/",
    "helm.toolkit.fluxcd.io/",
    "kustomize.toolkit.fluxcd.io/",
    "flagger.app/",
    "app.kubernetes.io/",
    "objectset.rio.cattle.io/",
    "field.cattle.io/",
    "kapp.k14s.io/",
    "config.kubernetes.io/",
    "internal.config.kubernetes.io/",
    "pulumi.com/",
    "fluxcd.io/",
    "reloader.stakater.com/",
    "endpoints.kubernetes.io/",
    "progressive.delivery/",
)


# Annotations that give a thing outside of the cluster a name of its own, where their value has this in it.
_NAMING = {"cloud.google.com/neg": '"name"'}


def copied(annotations: Mapping[str, str] | None) -> dict[str, str]:
    """The annotations that a Service for another version's pods takes over."""
    return {key: value for key, value in (annotations or {}).items() if _verdict(key, value) is _COPIED}


def unknown(annotations: Mapping[str, str] | None) -> list[str]:
    """The names of the annotations of which it is not known whether they should be taken over."""
    return sorted(key for key, value in (annotations or {}).items() if _verdict(key, value) is None)


def _verdict(name: str, value: str) -> tuple[str, ...] | None:
    """The table that the annotation belongs to, None where it is in neither; of two entries that fit the longer one counts."""
    if name in _NAMING and _NAMING[name] in value:
        return None
    fitting = [(len(entry), table) for table in (_COPIED, _LEFT) for entry in table if _fits(name, entry)]
    return max(fitting, key=lambda each: each[0])[1] if fitting else None


def _fits(name: str, entry: str) -> bool:
    return name.startswith(entry) if entry[-1] in "/.-" else name == entry
