"""A mutating admission webhook beside the API server, in whose network the tests run: its images of one registry come from another."""

from __future__ import annotations

import base64
import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from ansible_collections.progressive.delivery.tests.cluster.embedded import certificates
from ansible_collections.progressive.delivery.tests.harness.application import until
from ansible_collections.progressive.delivery.tests.harness.namespace import Namespace

Object = dict[str, Any]

HOST = "127.0.0.1"
CONFIGURATIONS = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations"


def rewritten(image: str, source: str, target: str) -> str:
    return target + image.removeprefix(source) if image.startswith(source) else image


def _patch(obj: Object, source: str, target: str) -> list[Object]:
    """The JSON patch for the containers of the object's pod template."""
    found: list[Object] = []
    for kind in ("containers", "initContainers"):
        for index, container in enumerate(obj["spec"]["template"]["spec"].get(kind) or []):
            image = rewritten(container["image"], source, target)
            if image != container["image"]:
                found.append({"op": "replace", "path": f"/spec/template/spec/{kind}/{index}/image", "value": image})
    return found


def _handler(source: str, target: str) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:  # pylint: disable=invalid-name
            review = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            request = review["request"]
            patch = json.dumps(_patch(request["object"], source, target)).encode()
            response = {"uid": request["uid"], "allowed": True, "patchType": "JSONPatch", "patch": base64.b64encode(patch).decode()}
            body = json.dumps({"apiVersion": review["apiVersion"], "kind": review["kind"], "response": response}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_args: Any) -> None:  # pylint: disable=arguments-differ
            """Tests have an output of their own."""

    return Handler


@contextmanager
def _served(folder: Path, source: str, target: str) -> Iterator[str]:
    """The webhook's address; the authority that signed its certificate is in the folder."""
    certificates.make_authority(folder)
    certificates.issue(folder, "webhook", "webhook", [], [HOST])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "webhook.crt", folder / "webhook.key")
    with ThreadingHTTPServer((HOST, 0), _handler(source, target)) as server:
        server.daemon_threads = True
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"https://{HOST}:{server.server_port}/mutate"
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def mirroring(app: Namespace, folder: Path, source: str, target: str) -> Iterator[None]:
    """Images that begin with `source` begin with `target` instead, in all pod templates that are written in the namespace within."""
    name = f"mirror-{app.namespace}"
    with _served(folder, source, target) as address:
        rule = {"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "scope": "Namespaced"}
        webhook = {
            "name": "mirror.example.org",
            "clientConfig": {"url": address, "caBundle": base64.b64encode((folder / "ca.crt").read_bytes()).decode()},
            "rules": [{**rule, "resources": ["deployments", "statefulsets", "daemonsets", "replicasets"]}],
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": app.namespace}},
            "sideEffects": "None",
            "admissionReviewVersions": ["v1"],
            "failurePolicy": "Fail",
        }
        body = {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "MutatingWebhookConfiguration",
            "metadata": {"name": name},
            "webhooks": [webhook],
        }
        answer = app.transport.request("POST", CONFIGURATIONS, None, body)
        assert answer.status == 201, answer.body
        try:
            until("the webhook is called", lambda: _tried(app, source).startswith(target))
            yield
        finally:
            app.transport.request("DELETE", f"{CONFIGURATIONS}/{name}")


def _tried(app: Namespace, source: str) -> str:
    """The image of a Deployment that is made in a dry run."""
    labels = {"app": "tried"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "tried", "image": f"{source}tried:1"}]}}
    spec = {"selector": {"matchLabels": labels}, "template": template}
    manifest = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "tried"}, "spec": spec}
    path = app.path("Deployment", "tried").removesuffix("/tried")
    answer = app.transport.request("POST", path, {"dryRun": "All"}, manifest)
    return str(answer.body["spec"]["template"]["spec"]["containers"][0]["image"]) if answer.status == 201 else ""
