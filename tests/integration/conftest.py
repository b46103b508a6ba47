"""What the integration tests share: an application on the cluster in which they run (tests/cluster/exec)."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from ansible_collections.progressive.delivery.tests.harness.application import Application, application


@pytest.fixture
def app() -> Iterator[Application]:
    """The seed argo-istio-canary, answering blue."""
    with application(os.environ["KUBECONFIG"]) as made:
        yield made


@pytest.fixture(scope="module")
def still_app() -> Iterator[Application]:
    """The same for tests of one file that change nothing."""
    with application(os.environ["KUBECONFIG"]) as made:
        yield made
