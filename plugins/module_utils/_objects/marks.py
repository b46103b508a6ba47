"""The labels by which objects made here are known, and the metadata that a copy of a user's object may carry."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

MANAGED_BY = "app.kubernetes.io/managed-by"
MANAGER = "progressive.delivery"
# An annotation that names the stable Ingress of a canary one.
CANARY_OF = "progressive.delivery/canary-of"
# What the names of routes begin with that are added to a VirtualService.
MADE_ROUTE = "progressive-delivery-"

# Metadata of these owners is not copied: their tools would take the copy for one of their own objects and prune it.
FOREIGN_METADATA = (
    "app.kubernetes.io/managed-by",
    "app.kubernetes.io/instance",
    "argocd.argoproj.io/",
    "helm.sh/",
    "meta.helm.sh/",
    "kustomize.toolkit.fluxcd.io/",
    "helm.toolkit.fluxcd.io/",
    "kubectl.kubernetes.io/",
    "deployment.kubernetes.io/",
    "progressive.delivery/",
)


def own_labels(labels: dict[str, str]) -> dict[str, str]:
    """The labels of a user's object that a copy of it may carry."""
    return {key: value for key, value in labels.items() if not key.startswith(FOREIGN_METADATA)}
