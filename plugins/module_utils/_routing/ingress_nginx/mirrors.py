"""Copies of all requests to the canary, by annotations on the stable Ingress."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

# Source: https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/annotations/#mirror: one address for all paths of the
# Ingress, to which each request goes as it came, before any rewrite.
from collections.abc import Mapping
from typing import Any

from ..._objects.edits import Edit
from ..._objects.refusal import Refused
from ..router import service_and_namespace, title
from ..target import DesiredTraffic, Target
from .canary import annotations_of
from .rules import other_services, ports_of

_COST = (
    "would get annotations for a mirror, for which ingress-nginx reloads and closes idle keep-alive connections, and a slow canary would "
    "slow users"
)
_SCHEMES = {"": "http", "HTTP": "http", "HTTPS": "https"}


def mirror_edits(stable: Mapping[str, Any], target: Target, percent: float) -> list[Edit]:
    """Returns the annotations that the stable Ingress must have for a mirror.

    Args:
        stable: The user's Ingress.
        target: The place of the split.
        percent: Percent of the requests to copy.

    Raises:
        Refused: Other requests than those of the stable Service would be copied, or users have not consented to the cost.
    """
    if not percent:
        return []
    given = annotations_of(stable, target)
    _refuse(stable, target, percent, given)
    service, _here = service_and_namespace(target.stable_service, target)
    canary, namespace = service_and_namespace(target.canary_service, target)
    scheme = _SCHEMES[given.get("backend-protocol", "").upper()]
    [port] = ports_of(stable, service)
    address = f"{scheme}://{canary}.{namespace}.svc.{target.cluster_domain}:{port['number']}$request_uri"
    wanted = {"mirror-target": address, "mirror-host": "$host"}  # without it the copies would ask for the address's host
    return [Edit(("metadata", "annotations", f"{target.annotation_prefix}/{key}"), value) for key, value in wanted.items()]


def mirror_warnings(stable: Mapping[str, Any], target: Target, desired: DesiredTraffic) -> list[str]:
    """What a mirror costs with the controller ingress-nginx."""
    if not desired.mirror:
        return []
    where = f"{title(dict(stable))} mirrors its requests to Service {service_and_namespace(target.canary_service, target)[0]}"
    cost = (
        "ingress-nginx reloads when the mirror begins and ends, which closes idle keep-alive connections, and holds a client's connection"
    )
    found = [f"{where}: {cost} until the copy is answered, so that a slow canary slows users"]
    if desired.split.canary or desired.routes:
        found.append(f"{where}, and a share of them goes there anyway: the canary gets those requests twice")
    return found


def _refuse(stable: Mapping[str, Any], target: Target, percent: float, given: Mapping[str, str]) -> None:
    service, _here = service_and_namespace(target.stable_service, target)
    ports, others = ports_of(stable, service), other_services(stable, service)
    own = [key for key in ("mirror-target", "mirror-host") if key in given]
    protocol = given.get("backend-protocol", "").upper()
    reasons = [
        (percent != 100, f"cannot mirror {percent:g} percent, only all requests or none", "set mirror to 100, or to 0"),
        (own, f"has a mirror already ({', '.join(own)}), and can have only one", "remove it first"),
        (
            others,
            f"also leads to {', '.join(others)}, whose requests would be copied too",
            f"give {service} an Ingress of its own",
        ),
        (len(ports) > 1, f"leads to several ports of {service}, and a mirror has one", "give each port an Ingress of its own"),
        (
            any("number" not in port for port in ports),
            f"leads to a port of {service} by name, and a mirror needs the number",
            "name the number instead",
        ),
        (protocol not in _SCHEMES, f"speaks {protocol} with its Service, and a mirror only HTTP and HTTPS", "leave mirror out"),
        ("rewrite-target" in given, "rewrites paths (rewrite-target), and copies would come with the old ones", "leave mirror out"),
        (not target.allow_mirror_reload, _COST, "set allow_mirror_reload to true to accept that, or leave mirror out"),
    ]
    for refused, what, remedy in reasons:
        if refused:
            raise Refused(title(dict(stable)), what, remedy)
