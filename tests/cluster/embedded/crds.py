"""Custom resource definitions, read out of a module's YAML and made small."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml


def without_descriptions(value: Any) -> Any:
    """The API server publishes every schema anew with each definition; without the prose that takes a third of the time."""
    if isinstance(value, list):
        return [without_descriptions(item) for item in value]
    if isinstance(value, dict):
        # A property may itself be called description; that one is a schema and no text.
        return {key: without_descriptions(item) for key, item in value.items() if not (key == "description" and isinstance(item, str))}
    return value


def read(folder: Path) -> list[dict[str, Any]]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    documents = [document for path in sorted(folder.glob("*.yaml")) for document in yaml.load_all(path.read_text(), Loader=loader)]
    return [document for document in documents if document and document["kind"] == "CustomResourceDefinition"]


def write_json(folder: Path, to: Path) -> int:
    """All definitions of a folder as one list in JSON, which is quick to read; how many there are."""
    definitions = without_descriptions(read(folder))
    to.write_text(json.dumps(definitions, separators=(",", ":")))
    return len(definitions)
