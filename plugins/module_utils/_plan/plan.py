"""The plan of a rollout: what the options of rollout_step say, typed and validated before anything is touched."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .._objects.durations import seconds
from .._objects.reading import MAX_OBJECT, MAX_SERVICE, choice, keys, members, named, truth, whole
from .._objects.refusal import Refused
from .._objects.shown import echo
from .._routing.target import Target, given_of
from .._steps.reading import read_steps
from .._steps.step import Step
from .._strategies.registry import default_style, is_default, strategy_named, styles, styles_accepting
from .._workloads.starting import StartTolerance
from .bluegreen import BlueGreen, read_bluegreen
from .declared import read_ports, read_spec
from .probes import Probe, read_probe
from .revision import Revision, read_revision
from .routers import ALL_OPTIONS, REPLICAS, Between, read_router, refuse_twice
from .starts import read_start_tolerance

# The rollout's name stands in labels, which hold 63 characters, and has room for what is derived from it (<name>-canary, <name>.rollout).
_MAX_NAME = 63 - len("-canary")

# The strategies, by the part of the plan that each has, and what each calls the Services of the two versions.
STRATEGIES = {"canary": ("stable", "canary"), "bluegreen": ("active", "preview")}
_CANARY = ("steps", "min_replicas", "scale_down_delay", "abort_scale_down_delay")
_SCALE_DOWN_DELAY = 30.0
_HISTORY_LIMIT = 10
_ROUTER = (("type", "name"), (*ALL_OPTIONS, "spec"))


@dataclass(frozen=True)
class Plan:
    """Durations in seconds; grace and drain None: the routers' defaults.

    bluegreen: None for a canary. Its active version is the stable one here, and its preview the canary.
    routers: none where numbers of pods behind the stable Service share the traffic, and there is no canary Service; or of blue-green.
    workload: of that kind, released in that style. canary_workload: the other one of a pair.
    min_replicas: pods that a canary with traffic has at least; None: decided at the start of the release.
    progress_deadline: for each action of the release; None: none. on_deadline: abort or stop.
    start_tolerance: what a starting pod may go through before it counts as stuck.
    rollback_window: a version that is one of so many that were released last skips the steps; 0: none does.
    scale_down_delay, abort_scale_down_delay: how long a version without traffic runs on; 0 where none does.
    promotion: style clone, full (the workload rolls while the clone has all the traffic) or rolling (under the last split).
    hold: style clone, the workload stays paused between releases.
    track_configs: the new version names copies of its ConfigMaps and Secrets.
    ports: of the stable Service, specs: of the routers' objects, where these have to be made; a router without one is there.
    """

    name: str
    namespace: str
    workload: str
    kind: str
    style: str
    canary_workload: str
    stable_service: str
    canary_service: str
    revision: Revision
    routers: tuple[Target, ...]
    bluegreen: BlueGreen | None
    steps: tuple[Step, ...]
    min_replicas: int | None
    grace: float | None
    drain: float | None
    probe: Probe | None
    progress_deadline: float | None
    on_deadline: str
    start_tolerance: StartTolerance
    scale_down_delay: float
    abort_scale_down_delay: float
    promotion: str
    hold: bool
    history_limit: int
    rollback_window: int
    track_configs: bool
    ports: tuple[dict[str, Any], ...]
    specs: dict[Target, dict[str, Any]]
    raw: dict[str, Any]

    @property
    def strategy(self) -> str:
        """One of STRATEGIES."""
        return "canary" if self.bluegreen is None else "bluegreen"

    @property
    def by_pods(self) -> bool:
        """Whether just numbers of pods share the traffic."""
        return not self.routers and self.bluegreen is None

    @property
    def order(self) -> str:
        """What decides its order of actions: the style, or that pods alone share the traffic."""
        return REPLICAS if self.by_pods else self.style

    @property
    def words(self) -> tuple[str, str]:
        """What users call the version that runs, and the new one."""
        return STRATEGIES[self.strategy]

    @property
    def title(self) -> str:
        """The workload, as messages name it."""
        return f"{self.kind} {self.namespace}/{self.workload}"

    @property
    def hash(self) -> str:
        """Differs when what is done differs; a new revision under the same plan keeps it."""
        routers = [given_of(each) for each in self.routers]
        where = [self.workload, *([] if is_default(self.style) else [self.style, self.kind, self.canary_workload])]
        order = [
            *([self.promotion] if self.promotion != PROMOTION[0] else []),
            *(["hold"] if self.hold else []),
            *(["track_configs"] if self.track_configs else []),
            *([f"min_replicas {self.min_replicas}"] if self.min_replicas is not None else []),
        ]
        made = [self.ports, list(self.specs.values())] if self.ports or self.specs else []
        if self.bluegreen is not None:
            order += [self.strategy, str(self.bluegreen.active), str(self.bluegreen.preview)]
        lasting = [*where, *order, self.stable_service, self.canary_service, routers, [str(step) for step in self.steps], *made]
        return hashlib.sha256(json.dumps(lasting, default=str).encode()).hexdigest()[:10]


_TIMES = ("grace", "drain", "probe", "progress_deadline", "on_deadline", "start_tolerance")
_LASTING = ("promotion", "hold", "history_limit", "rollback_window", "track_configs")
PLAN_KEYS = ("workload", "revision", "services", "routers", *STRATEGIES, *_TIMES, *_LASTING)
ON_DEADLINE = ("abort", "stop")
PROMOTION = ("full", "rolling")


def read_plan(name: str, namespace: str, options: Mapping[str, Any]) -> Plan:
    """Reads and validates a plan. options: the keys of PLAN_KEYS, None where not given. Raises Refused naming the part."""
    named("name", name, _MAX_NAME)
    raw = {key: _given(options[key]) for key in PLAN_KEYS if options.get(key) is not None}
    strategy = _strategy(raw)
    workload = _part(raw, "workload", ("name",), ("kind", "style", "canary"))
    services = _services(raw, *STRATEGIES[strategy])
    canary_part = _part(raw, "canary", (), _CANARY)
    style, kind = _style(workload)
    preview = strategy_named(style).preview_replicas
    bluegreen = read_bluegreen(raw["bluegreen"], bool(raw.get("routers")), preview) if strategy == "bluegreen" else None
    _refuse_foreign_options(style, strategy, workload, raw)
    stable = services["stable"]
    by_pods = _by_pods(raw.get("routers"), stable)
    if by_pods and bluegreen:
        raise Refused("routers", f"cannot be of type {REPLICAS} with blue-green, which does not split traffic", "remove routers")
    canary = "" if by_pods else services["canary"]
    choice("on_deadline", raw.get("on_deadline", ON_DEADLINE[0]), ON_DEADLINE)
    choice("promotion", raw.get("promotion", PROMOTION[0]), PROMOTION)
    between = Between(namespace, stable, canary)
    specs = {} if by_pods or (bluegreen and not raw.get("routers")) else _routers(raw.get("routers"), between)
    steps = bluegreen.steps if bluegreen else read_steps(canary_part.get("steps"))
    if by_pods:
        _refuse_beside_pods(style, services, raw, steps)
    revision = read_revision(raw.get("revision"))
    return Plan(
        name=name,
        namespace=namespace,
        workload=named("workload.name", workload["name"], MAX_OBJECT),
        kind=kind,
        style=style,
        canary_workload=named("workload.canary", workload.get("canary") or f"{workload['name']}-canary", MAX_OBJECT),
        stable_service=stable,
        canary_service=canary,
        revision=revision,
        routers=tuple(specs),
        bluegreen=bluegreen,
        steps=steps,
        min_replicas=whole("canary.min_replicas", canary_part["min_replicas"], 1, 1000) if "min_replicas" in canary_part else None,
        grace=_seconds(raw, "grace"),
        drain=_seconds(raw, "drain"),
        probe=read_probe(raw.get("probe")),
        progress_deadline=_seconds(raw, "progress_deadline"),
        on_deadline=str(raw.get("on_deadline", ON_DEADLINE[0])),
        start_tolerance=read_start_tolerance(raw.get("start_tolerance")),
        scale_down_delay=_delay(raw, strategy, style, "scale_down_delay"),
        abort_scale_down_delay=_delay(raw, strategy, style, "abort_scale_down_delay"),
        promotion=str(raw.get("promotion", PROMOTION[0])),
        hold=truth("hold", raw.get("hold", False)),
        history_limit=whole("history_limit", raw.get("history_limit", _HISTORY_LIMIT), 1, 100),
        rollback_window=whole("rollback_window", raw.get("rollback_window", 0), 0, 100),
        track_configs=_track_configs(raw, style, revision),
        ports=read_ports(services.get("ports")),
        specs={target: spec for target, spec in specs.items() if spec is not None},
        raw=raw,
    )


def _given(value: Any) -> Any:
    """The value without the options that Ansible fills in with None."""
    if isinstance(value, Mapping):
        # These are as the user wrote them: a step may be a bare `pause:`, and null in a template takes a key away.
        return {str(key): each if key in ("steps", "template") else _given(each) for key, each in value.items() if each is not None}
    return [_given(each) for each in value] if isinstance(value, (list, tuple)) else value


def _part(raw: Mapping[str, Any], key: str, required: tuple[str, ...], optional: tuple[str, ...]) -> dict[str, Any]:
    value = raw.get(key)
    if value is None and required:
        raise Refused(key, "is missing", f"set {', '.join(f'{key}.{each}' for each in required)}")
    return keys(key, {} if value is None else value, required, optional)


def _strategy(raw: Mapping[str, Any]) -> str:
    found = [each for each in STRATEGIES if each in raw]
    if len(found) > 1:
        raise Refused("bluegreen", "cannot be used together with canary", "remove one of the two")
    return found[0] if found else "canary"


def _services(raw: Mapping[str, Any], stable: str, canary: str) -> dict[str, Any]:
    """The names of both, whatever the strategy calls them, and the ports."""
    found = _part(raw, "services", (stable,), (canary, "ports"))
    names = {
        "stable": named(f"services.{stable}", found[stable], MAX_SERVICE, dots=""),
        "canary": named(f"services.{canary}", found.get(canary) or f"{found[stable]}-{canary}", MAX_SERVICE, dots=""),
    }
    if names["stable"] == names["canary"]:
        problem = f"is {echo(names['stable'])}, the same Service as services.{stable}"
        raise Refused(f"services.{canary}", problem, f"name a Service of its own for the {canary} version")
    return {**names, "ports": found.get("ports"), "given": set(found)}


def _routers(raw: Any, between: Between) -> dict[Target, dict[str, Any] | None]:
    """The routers in their order, each with the spec that it declares."""
    if not isinstance(raw, list) or not raw:
        raise Refused("routers", "must be a list with at least one router", "write for example [{type: istio, name: shop}]")
    routers = [_router(each, where, between) for where, each in members("routers", raw)]
    refuse_twice([target for target, _spec in routers])
    return dict(routers)


def _by_pods(raw: Any, stable: str) -> bool:
    """Whether the routers say that there is none: the only entry is of type replicas."""
    entries = raw if isinstance(raw, list) else []
    if not any(isinstance(each, Mapping) and each.get("type") == REPLICAS for each in entries):
        return False
    if len(entries) > 1:
        raise Refused("routers", f"cannot combine type {REPLICAS} with another router", f"remove the entry of type {REPLICAS}")
    value = keys("routers[0]", entries[0], ("type",), ("name",))
    if value.get("name", stable) != stable:
        raise Refused("routers[0].name", f"must be the stable Service ({stable}) with type {REPLICAS}", "remove name")
    return True


def _refuse_beside_pods(style: str, services: Mapping[str, Any], raw: Mapping[str, Any], steps: Sequence[Step]) -> None:
    """Raises Refused for options that need a router."""
    if not strategy_named(style).can_share_pods:
        raise Refused("workload.style", f"cannot be {style} with router type {REPLICAS}", "use style clone, or another router")
    if "canary" in services["given"]:
        raise Refused("services.canary", f"cannot be used with router type {REPLICAS}, which needs only the stable Service", "remove it")
    for key in ("probe", "promotion", "hold"):
        if _wants(raw, key):
            raise Refused(key, f"cannot be used with router type {REPLICAS}", "remove it, or use another router")
    for where, step in members("canary.steps", steps):
        if not step.by_pods:
            problem = f"({step}) cannot be used with router type {REPLICAS}"
            raise Refused(where, problem, "use only set_weight and pause, or another router")


def _router(raw: Any, where: str, between: Between) -> tuple[Target, dict[str, Any] | None]:
    value = keys(where, raw, *_ROUTER)
    options = {key: value[key] for key in ALL_OPTIONS if key in value}
    target = read_router(str(value["type"]), value["name"], options, where, between)
    if target.stable_subset or target.canary_subset:
        problem = "cannot split between subsets, because a rollout splits between two Services"
        raise Refused(where, problem, "remove the subsets, or use module canary_weight")
    return target, read_spec(f"{where}.spec", value["spec"]) if "spec" in value else None


def _style(workload: Mapping[str, Any]) -> tuple[str, str]:
    """The style and the kind; each is the other's default."""
    kind = workload.get("kind")
    kinds = styles()
    style = workload.get("style") or next((each for each in kinds if kind in kinds[each]), default_style())
    choice("workload.style", style, tuple(kinds))
    kind = kind or kinds[style][0]
    choice("workload.kind", kind, tuple(dict.fromkeys(kind for each in kinds.values() for kind in each)))
    if kind not in kinds[style]:
        use = " or ".join(each for each in kinds if kind in kinds[each])
        raise Refused("workload.kind", f"cannot be {kind} with style {style}, only {' or '.join(kinds[style])}", f"use style {use}")
    return style, kind


def _refuse_foreign_options(style: str, strategy: str, workload: Mapping[str, Any], raw: Mapping[str, Any]) -> None:
    """Raises Refused for options that only another style or strategy takes."""
    accepted = strategy_named(style).options
    given = (("workload.canary", "canary" in workload), *((key, _wants(raw, key)) for key in ("promotion", "hold")))
    for key, is_given in given:
        if is_given and key not in accepted:
            raise Refused(key, f"cannot be used with style {style}", f"remove it, or use style {styles_accepting(key)}")
    for key in ("scale_down_delay", "abort_scale_down_delay"):
        if key in (raw.get("canary") or {}) and f"canary.{key}" not in accepted:
            raise Refused(f"canary.{key}", f"cannot be used with style {style}", "remove it, or set drain for requests that are under way")
    if strategy == "bluegreen" and _wants(raw, "promotion"):
        raise Refused("promotion", "cannot be used with blue-green", "remove it")


def _wants(raw: Mapping[str, Any], key: str) -> bool:
    """Whether an option is given that is not as it is without it."""
    return raw.get(key) not in (None, False, PROMOTION[0])


def _track_configs(raw: Mapping[str, Any], style: str, revision: Revision) -> bool:
    tracks = truth("track_configs", raw.get("track_configs", False))
    if tracks and strategy_named(style).keeps_second_workload and revision.carried:
        problem = f"cannot be used with style {style} if the second Deployment already has the template of the new version"
        raise Refused("track_configs", problem, "name the new version in revision, or remove track_configs")
    return tracks


def _delay(raw: Mapping[str, Any], strategy: str, style: str, key: str) -> float:
    part = raw.get(strategy) or {}
    if part.get(key) is not None:
        return seconds(part[key], f"{strategy}.{key}")
    return _SCALE_DOWN_DELAY if strategy == "bluegreen" or f"{strategy}.{key}" in strategy_named(style).options else 0.0


def _seconds(raw: Mapping[str, Any], key: str) -> float | None:
    return seconds(raw[key], key) if key in raw else None
