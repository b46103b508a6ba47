"""Documentation of the options that are the plan of a rollout: for the modules, and by tests/tools/make_role_specs.py for the roles."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Fragment progressive.delivery.plan."""

    DOCUMENTATION = r"""
options:
  workload:
    description: The workload to release.
    type: dict
    suboptions:
      name: {description: Name of the workload., type: str, required: true}
      kind:
        description: Kind of the workload. The default depends on O(workload.style), V(Deployment) without one.
        type: str
        choices: [Deployment, StatefulSet, DaemonSet]
      style:
        description:
          - How the new version runs beside the stable version. The default is V(clone) for a Deployment, else V(in_place).
          - V(clone) runs the new version in a copy of the workload, and at the end rolls the workload itself to the new version.
          - V(revisions) keeps one Deployment per revision, C(<workload>-<hash>), and at the end only moves the Services. The workload
            itself ends at 0 replicas. The template of the next revision is made from its template.
          - V(pair) uses two Deployments that you manage. The second one runs the new version.
          - V(in_place) replaces the pods of a StatefulSet or DaemonSet in parts. At least one old pod stays until the end. Pods that
            receive traffic are terminated, so requests are lost unless the application shuts down gracefully.
        type: str
        choices: [clone, revisions, pair, in_place]
      canary:
        description: The Deployment that runs the new version, with O(workload.style=pair). The default is C(<workload>-canary).
        type: str
  revision:
    description:
      - The new version, in one of these forms.
      - Leave it out if the workload (with O(workload.style=pair) the second Deployment) already has the template of the new version. This
        is possible with O(workload.style=revisions), O(workload.style=pair) and O(hold).
    type: dict
    suboptions:
      images: {description: Images by container name., type: dict}
      template:
        description:
          - Changes to the pod template, with C(metadata) and C(spec) as in the template.
          - Containers, environment variables, volumes and similar lists are merged by name. A null value removes a key, and
            C($patch=delete) beside a name removes an element.
        type: dict
      definition: {description: "A whole pod template, or a whole workload, of which only the pod template is used.", type: dict}
      restart: {description: "The same version with new pods. Use a string that differs for each restart, for example a date.", type: str}
      number:
        description:
          - The number of the revision that this call continues, aborts or hands back.
          - Any other revision is an error.
        type: int
  services:
    description: The Services of the application.
    type: dict
    suboptions:
      stable:
        description:
          - Name of the Service of the stable version. Required for a canary.
          - If it does not exist, it is created at the start, with the C(matchLabels) of the workload as its selector. It is yours
            afterwards.
        type: str
      canary:
        description:
          - Name of the Service of the new version. If it does not exist, it is created at the start and deleted at the end.
          - The default is the name of the stable Service with the suffix C(-canary).
        type: str
      active:
        description:
          - With O(bluegreen), the name of the Service that users reach, which the switch moves.
          - If it does not exist, it is created as the stable Service of a canary is.
        type: str
      preview:
        description:
          - With O(bluegreen), the name of the Service of the new version. If it does not exist, it is created at the start and deleted at
            the end.
          - The default is the name of the active Service with the suffix C(-preview).
        type: str
      ports:
        description:
          - The ports of the stable or active Service, as in its C(spec.ports), if it has to be created. An existing Service keeps its
            ports.
          - The default is the ports of the containers of the workload.
        type: list
        elements: dict
  routers:
    description:
      - The routers that carry the traffic, each with C(type) and C(name). All of them are validated before anything is written.
      - C(type) has the values of O(progressive.delivery.canary_weight#module:router). Each router takes the options of that module that say
        where the split is, such as C(routes), C(kind), C(canary_ingress), C(allow_mirror_reload) or C(definition).
      - V(replicas) must be the only entry and has no name. It needs O(workload.style=clone), and splits the traffic by the number of pods
        behind the stable Service.
      - With C(spec), the spec of the router object (VirtualService, HTTPRoute, Ingress and so on), the object is created at the start if it
        does not exist. It must send its traffic to the stable Service. The C(spec) is not applied to an existing object.
      - Objects that were created from C(spec) are yours afterwards. An abort and a hand-back keep them, because they carry the traffic.
      - With O(bluegreen) routers are optional, because only Services are switched. A router can carry O(bluegreen.mirror), and determines
        the default of O(grace).
    type: list
    elements: dict
  canary:
    description: The steps of the canary, and how long versions keep running.
    type: dict
    suboptions:
      min_replicas:
        description:
          - The minimum number of pods of the canary while it receives requests. With O(workload.style=in_place) at least one old pod stays.
          - The default is V(2) if a PodDisruptionBudget or an autoscaler protects a workload of several pods and C(set_canary_scale) gives
            no number, else V(1). With router type V(replicas) it is V(1), because each pod is a share of the traffic.
        type: int
      scale_down_delay:
        description:
          - How long the old version keeps running after the promotion, with O(workload.style=revisions), in seconds or as a duration. A
            rollback during this time starts no pods.
          - The call waits for it. With O(progressive.delivery.rollout_step#module:wait=false) the next call after it scales the version
            down.
          - The default is V(30s).
        type: str
      abort_scale_down_delay:
        description: How long the new version keeps running after an abort, with O(workload.style=revisions). The default is V(30s).
        type: str
      steps:
        description:
          - A list of steps, each a mapping with one key. After the last step the new version is promoted.
          - C(set_weight) is the share of the traffic of the canary, in percent.
          - C(pause) waits for its C(duration). With an empty mapping it waits for a promotion. With C(expires) the promotion must come
            within this time; the first call after it does what C(then) says, V(abort) (default) or V(promote).
          - C(set_canary_scale) sets the number of pods of the canary, by C(replicas), or by C(percent) or C(weight) of the stable pods,
            independent of its share of the traffic. C(match_traffic_weight=true) ends this. The canary is scaled down only without traffic.
          - C(set_header_route) sends requests that match one of its C(matches) to the canary, independent of its share. See
            O(progressive.delivery.canary_weight#module:matches) and O(progressive.delivery.canary_weight#module:inherit). Without
            C(matches) the route of that C(name) is removed.
          - C(set_mirror_route) copies C(percent) of the requests to the canary and discards the answers. V(0) ends it. It has a C(name),
            too.
          - Steps that a router does not support are refused before the start.
        type: list
        elements: raw
  bluegreen:
    description:
      - Use blue-green instead of a O(canary). The new version runs behind the preview Service until the active Service is switched to it.
      - The steps follow from the options - C(preview), C(set_mirror_route) with O(bluegreen.mirror), C(pause) unless
        O(bluegreen.auto_promotion) is set, and C(switch). After O(bluegreen.scale_down_delay) the old version ends as O(workload.style)
        says. With V(clone) the workload is rolled while the clone receives the traffic.
      - With O(workload.style=in_place) the pods of the preview are taken from the active version. At the switch each version has half of
        the pods.
    type: dict
    suboptions:
      preview_replicas:
        description:
          - The number of pods of the preview until the switch.
          - The default is the number of pods of the active version, or V(1) with O(workload.style=in_place).
        type: int
      auto_promotion: {description: Switch as soon as the preview is ready., type: bool, default: false}
      auto_promotion_after:
        description: Switch when the preview has been ready for this time, in seconds or as a duration, or earlier after a promotion.
        type: str
      mirror:
        description: The percentage of the requests that are copied to the preview before the switch. Needs a router that supports it.
        type: float
      active_labels: {description: "Labels that pods have while their version is active, set without a restart.", type: dict}
      preview_labels: {description: "Labels that pods have while their version is the preview, set without a restart.", type: dict}
      scale_down_delay:
        description:
          - How long the old version keeps running after the switch, in seconds or as a duration. The default is V(30s).
          - Until then O(progressive.delivery.rollout_step#module:undo) and O(progressive.delivery.rollout_step#module:state=aborted) only
            move the Service back.
          - The call waits for it. With O(progressive.delivery.rollout_step#module:wait=false) the next call after it scales the version
            down.
        type: str
      abort_scale_down_delay:
        description: How long the new version keeps running after an abort that took traffic from it. The default is V(30s).
        type: str
  grace:
    description:
      - How long proxies have to converge after each change of traffic, in seconds or as a duration such as V(5s).
      - The default is the longest default of the routers, see O(progressive.delivery.canary_weight#module:grace).
    type: str
  drain: {description: How long pods keep running after they stop receiving traffic. The default is the value of O(grace)., type: str}
  probe:
    description:
      - Requests that are sent after each change on the routers until their answers show the requested split, instead of waiting for
        O(grace).
      - A mapping with C(url), C(expect) and more, see O(progressive.delivery.canary_weight#module:probe).
      - The rollout still waits for O(grace) with several routers, and after the selector of a Service was changed, except for the active
        Service with O(bluegreen).
      - The values of C(headers) are never stored. A later call that needs the probe must set them again.
    type: dict
  probe_hosts:
    description:
      - The hosts that a probe may ask, each as C(host) or C(host:port). C(*) stands for any text, for example V(gateway.example) or
        V(*.shop.example:8443). Without this option the O(probe) may ask every host.
      - It also applies to a probe that is read from the record of the rollout. Each call sets it again.
      - Link-local addresses and the addresses of metadata services of clouds are never asked.
    type: list
    elements: str
  progress_deadline:
    description:
      - How long each action of a release may wait for pods, endpoints or the status of the router, in seconds or as a duration. The time of
        all calls that carry out the action counts, but not the time of pauses.
      - Without it there is no deadline, and O(progressive.delivery.rollout_step#module:wait_timeout) only ends the call.
      - A pod that is stuck by O(start_tolerance) ends the wait earlier.
    type: str
  on_deadline:
    description:
      - What to do with a release that exceeds O(progress_deadline).
      - V(abort) (default) aborts it in the same call, which fails with the reason. After the promotion has removed the old version it does
        the same as V(stop).
      - V(stop) leaves it as it is, C(Degraded). The same call, run again, continues it with a new deadline.
    type: str
    choices: [abort, stop]
  start_tolerance:
    description:
      - Which problems of a starting pod are tolerated before it counts as stuck, which ends the wait at once and reports the reason.
      - The kubelet retries after failed pulls, crashes and missing ConfigMaps or Secrets. An invalid image name (C(InvalidImageName)) and
        an image that may not be pulled (C(ErrImageNeverPull)) are never tolerated.
      - It can be changed during a release.
    type: dict
    suboptions:
      time:
        description:
          - How long an image that cannot be pulled, missing configuration, or a container that cannot be created is tolerated, in seconds
            or as a duration, counted from when the pod was scheduled. The default is V(60s).
        type: str
      restarts:
        description: How many restarts of a container that crashes are tolerated. The default is V(3), which takes about 40 seconds.
        type: int
  promotion:
    description:
      - How the workload is rolled to the new version at the end, with O(workload.style=clone).
      - V(full) (default) scales the clone to the size of the workload and gives it all traffic while the workload rolls, so that no pod
        with traffic is terminated. It needs room for a second set of pods.
      - V(rolling) rolls the workload with the rolling update of the Deployment and the split of the last step. It needs no room, but
        requests to terminated pods can be lost.
    type: str
    choices: [full, rolling]
  hold:
    description:
      - Keep the Deployment paused between releases, with O(workload.style=clone). A change of its template, by GitOps or
        C(kubectl set image), then waits for the next call, which releases it and needs no O(revision).
      - The first call with it pauses the Deployment if there is nothing to release. A call without it, and a hand-back, resume it.
    type: bool
  history_limit: {description: "How many revisions the record keeps, to which a rollback is possible. The default is V(10).", type: int}
  rollback_window:
    description:
      - A version that is one of the last so many released versions, including the current one, skips the steps and their pauses.
      - Only versions in the record (O(history_limit)) count, without aborted ones. By default none is skipped.
    type: int
  track_configs:
    description:
      - Each version keeps the ConfigMaps and Secrets that it was released with. A change of their content is a new version.
      - The template of the new version names immutable copies of them, C(<name>-<hash>), in volumes, C(envFrom) and C(valueFrom). Objects
        with the annotation C(progressive.delivery/track=false) are not copied.
      - A copy is deleted when no pod and no revision in the record uses it. Copies that the workload uses stay after a hand-back.
    type: bool
"""
