"""What a provider of clusters does; embedded, kind and existing are three of them."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

ROUTERS = ("istio", "traefik")


class ClusterError(Exception):
    """Something that the caller can mend; the message says what is wrong and what to do."""


@dataclass(frozen=True)
class Options:
    """What `up` was asked for. `beside` is the name of a cluster whose network namespace this one shares."""

    name: str
    routers: tuple[str, ...] = ROUTERS
    hostile: bool = False
    beside: str | None = None


class Provider(Protocol):
    def up(self, options: Options, /) -> None:
        """Start it and return when API and routers answer; when it runs already with these options, say so."""

    def down(self, name: str, /) -> None:
        """End it, leave nothing behind; no error when there is none."""

    def status(self, name: str, /) -> dict[str, Any]:
        """At least `name` and `state` (running, starting, failed or absent; existing for one that is the user's own)."""

    def names(self) -> list[str]:
        """The clusters that there are, running or not."""

    def environment(self, name: str, /) -> dict[str, str]:
        """The variables that `exec` sets, PATH and Ansible's aside."""

    def add_user(self, name: str, user: str, groups: list[str], /) -> Path:
        """Where the kubeconfig is of one more user of the cluster, who may do nothing yet."""

    def command(self, name: str, command: list[str], /) -> list[str]:
        """What to run so that `command` runs where these variables hold."""


def chosen() -> Provider:
    """By $CLUSTER; without it, what this operating system can do."""
    name = os.environ.get("CLUSTER") or ("embedded" if sys.platform == "linux" else "kind")
    if name == "embedded":
        from .embedded import provider as embedded

        return embedded
    if name == "kind":
        from . import kind

        return kind
    if name == "existing":
        from . import existing

        return existing
    raise ClusterError(f"CLUSTER={name}: there are embedded, kind and existing.")
