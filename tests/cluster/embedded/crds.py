"""Custom resource definitions, read out of a module's YAML and made small."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from .parts import Part


def without_descriptions(value: Any) -> Any:
    """The API server publishes every schema anew with each definition; without the prose that takes a third of the time."""
    if isinstance(value, list):
        return [without_descriptions(item) for item in value]
    if isinstance(value, dict):
        # A property may itself be called description; that one is a schema and no text.
        return {key: without_descriptions(item) for key, item in value.items() if not (key == "description" and isinstance(item, str))}
    return value


def read(place: Path) -> list[dict[str, Any]]:
    """Of a file, or of all files of a folder."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    files = sorted(place.glob("*.yaml")) if place.is_dir() else [place]
    documents = [document for path in files for document in yaml.load_all(path.read_text(), Loader=loader)]
    return [document for document in documents if document and document["kind"] == "CustomResourceDefinition"]


def definitions(place: Path, part: Part) -> list[dict[str, Any]]:
    """All of a place, with what the part adds and leaves out."""
    found = without_descriptions(read(place))
    by_plural = {definition["spec"]["names"]["plural"]: definition["spec"]["versions"] for definition in found}
    for plural, version in part.also_served:
        serve(by_plural[plural], version)
    for plural, version, path in part.without:
        leave_out(by_plural[plural], version, path)
    return found


def serve(versions: list[dict[str, Any]], version: str) -> None:
    """This one, too: one that is not served any more, or else a copy of the first under another name."""
    for known in versions:
        if known["name"] == version:
            known["served"] = True
            return
    versions.append({**versions[0], "name": version, "served": True, "storage": False})


def leave_out(versions: list[dict[str, Any]], version: str, path: str) -> None:
    """The API server prunes the field whenever it answers in this version."""
    [schema] = [known["schema"]["openAPIV3Schema"] for known in versions if known["name"] == version]
    *parents, field = path.split(".")
    for parent in parents:
        schema = schema["properties"][parent]
    del schema["properties"][field]
