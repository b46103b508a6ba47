"""Which addresses a cluster uses: all of them follow from its index, so that clusters in one network namespace do not meet."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv4Network

# Set aside for benchmarks of network devices (RFC 2544): not routed anywhere, and not loopback, which EndpointSlices refuse.
EVERYTHING = IPv4Network("198.18.0.0/15")
HOSTS, SERVICES = EVERYTHING.subnets(new_prefix=16)
PREFIX = 19
CLUSTERS = 2 ** (PREFIX - 16)


@dataclass(frozen=True)
class Addresses:
    """Each program has an address of its own, and so the ports that it has everywhere."""

    index: int
    hosts: IPv4Network = field(init=False)
    services: IPv4Network = field(init=False)

    def __post_init__(self) -> None:
        if not 0 <= self.index < CLUSTERS:
            raise ValueError(f"no addresses for a cluster with index {self.index}: there is room for {CLUSTERS}, 0 to {CLUSTERS - 1}")
        object.__setattr__(self, "hosts", list(HOSTS.subnets(new_prefix=PREFIX))[self.index])
        object.__setattr__(self, "services", list(SERVICES.subnets(new_prefix=PREFIX))[self.index])

    def _host(self, number: int) -> str:
        return str(self.hosts.network_address + number)

    @property
    def api(self) -> str:
        return self._host(1)

    @property
    def etcd(self) -> str:
        return self._host(2)

    @property
    def istiod(self) -> str:
        return self._host(3)

    @property
    def istio_gateway(self) -> str:
        return self._host(4)

    @property
    def traefik(self) -> str:
        return self._host(5)

    @property
    def nodes(self) -> list[str]:
        return [self._host(11), self._host(12)]

    @property
    def pods(self) -> str:
        """kwok counts up from here, and as no pod's address lies within a /32 it never hands one out twice.

        A router that has not heard of a pod's end must meet a closed port, not another pod.
        """
        return f"{self._host(256)}/32"

    @property
    def kubernetes_service(self) -> str:
        return str(self.services.network_address + 1)


def free_index(taken: set[int]) -> int | None:
    """The lowest index that no running cluster has."""
    return next((index for index in range(CLUSTERS) if index not in taken), None)
