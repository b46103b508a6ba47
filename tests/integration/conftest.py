"""What the integration tests share: an application on the cluster in which they run (tests/cluster/exec)."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from ansible_collections.progressive.delivery.tests.harness.application import Application, application
from ansible_collections.progressive.delivery.tests.harness.two_versions import TwoVersions, two_versions


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


@pytest.fixture(scope="module")
def shop_of_file() -> Iterator[TwoVersions]:
    """Two versions behind two Services, one for all tests of a file that leave these as they are."""
    with two_versions(os.environ["KUBECONFIG"]) as made:
        yield made


@pytest.fixture
def shop(shop_of_file: TwoVersions) -> Iterator[TwoVersions]:
    """The same with a host of the test's own; what the test, or a module, makes in it goes afterwards."""
    with shop_of_file.visit() as visited:
        yield visited
