"""Documentation of what a plan says besides what is released, and over which routers."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Fragment progressive.delivery.plan."""

    DOCUMENTATION = r"""
options:
  bluegreen:
    description:
      - Blue-green, in place of O(progressive.delivery.rollout_step#module:canary). The new version runs behind the preview Service, until
        the active Service is switched to it.
      - Its steps follow from the options, C(preview), C(set_mirror_route) with O(bluegreen.mirror), a C(pause) unless
        O(bluegreen.auto_promotion), and C(switch). After the switch and O(bluegreen.scale_down_delay) the old version ends as the style of
        the workload says, with V(clone) by rolling the workload while the clone has the traffic.
      - With style V(in_place) the preview's pods are taken from the active version, and at the switch each of the two has half.
    type: dict
    suboptions:
      preview_replicas:
        description: How many pods the preview has until the switch; as many as the active version by default, in place V(1).
        type: int
      auto_promotion:
        description: Switch as soon as the preview is ready.
        type: bool
        default: false
      auto_promotion_after:
        description: Switch when the preview has been ready for so long, in seconds or as a duration, or earlier if somebody promotes.
        type: str
      mirror:
        description: Percent of the requests of which the preview gets a copy before the switch, where the routers can do that.
        type: float
      active_labels:
        description: Labels that the pods of the active version get, without a restart, and lose when they are that no more.
        type: dict
      preview_labels:
        description: The same for the pods of the preview.
        type: dict
      scale_down_delay:
        description:
          - How long the old version runs on after the switch, in seconds or as a duration; V(30s) by default. Until then
            O(progressive.delivery.rollout_step#module:undo) and O(progressive.delivery.rollout_step#module:state=aborted) just move the
            Service back. The call waits for it, with O(progressive.delivery.rollout_step#module:wait=false) the next one ends it.
        type: str
      abort_scale_down_delay:
        description: How long the new version runs on where an abort took traffic from it; V(30s) by default.
        type: str
  grace:
    description:
      - How long proxies get to converge after each move of traffic, in seconds or as a duration such as V(5s).
      - Without it, the longest default of the routers, as O(progressive.delivery.canary_weight#module:grace) says.
    type: str
  drain:
    description: How long pods that had traffic live on after it has left. Without it, as O(grace).
    type: str
  probe:
    description:
      - Requests that are sent after each move on the routers until their answers show the asked split, instead of waiting the O(grace).
      - A mapping with C(url), C(expect) and more, as in O(progressive.delivery.canary_weight#module:probe).
      - The O(grace) is still waited where there are several routers, and after Services were pointed elsewhere, since no split shows that,
        but for the active Service of O(bluegreen) - there the answers show the switch.
      - The values of its C(headers) are never stored. A later call that needs the probe must be given it again.
    type: dict
  probe_hosts:
    description:
      - The hosts that a probe may ask, each as C(host) or C(host:port), in which C(*) stands for any text, for example
        V(gateway.example) or V(*.shop.example:8443). Without it, the O(probe) may ask every host.
      - It belongs to the call, and holds for a probe that the record of the rollout remembers, too.
      - Link-local addresses and those of the metadata services of clouds are never asked.
    type: list
    elements: str
  progress_deadline:
    description:
      - How long each action of a release may wait for pods, endpoints or the router's status, in seconds or as a duration, over all calls
        that carry it out; pauses do not count. Without it there is none, and
        O(progressive.delivery.rollout_step#module:wait_timeout) just ends the call.
      - A pod that counts as stuck by O(start_tolerance) does not get the whole time.
    type: str
  on_deadline:
    description:
      - What becomes of a release that is past O(progress_deadline).
      - V(abort) takes it back at once, in the same call, which fails with the reason. After the promotion has removed the old version it
        stops instead.
      - V(stop) leaves it as it is, C(Degraded); the same call goes on with it, with the time anew.
    type: str
    choices: [abort, stop]
  start_tolerance:
    description:
      - What a starting pod may go through before it counts as stuck, which ends the wait for it at once, with its reason.
      - The kubelet tries again after a failed pull and a crash, and while a ConfigMap or Secret is missing, so most of these heal. An
        image name that is invalid (C(InvalidImageName)) and an image that may not be pulled (C(ErrImageNeverPull)) never heal and are
        not tolerated.
      - A change of it in the middle of a release is no change of the plan.
    type: dict
    suboptions:
      time:
        description:
          - How long an image that cannot be pulled, missing configuration, and a container that cannot be created are tolerated, in
            seconds or as a duration. It counts from when the pod came to its node.
          - V(60s) by default.
        type: str
      restarts:
        description:
          - How many restarts of a container that crashes are tolerated; the crash after the last one ends the wait.
          - V(3) by default, which the kubelet reaches after about 40 seconds.
        type: int
  promotion:
    description:
      - How the workload gets the new version at the end, with style V(clone).
      - V(full) makes the clone as large as the workload and gives it all the traffic while the workload rolls, so that no pod with traffic
        is ended. That needs room for as many pods again.
      - V(rolling) rolls the workload by its own strategy and under the split of the last step. That needs no room, and loses what pods lose
        that end with traffic on them.
      - V(full) by default.
    type: str
    choices: [full, rolling]
  hold:
    description:
      - The Deployment stays paused between releases, with style V(clone), so that an edit of its template, by GitOps or
        C(kubectl set image), waits for the next call and is released by it; that call needs no revision.
      - The first call with it pauses the Deployment where there is nothing to release. A call without it, and a hand-back, resume it.
    type: bool
  history_limit:
    description:
      - How many revisions the record remembers; 10 by default.
      - They are those to which O(progressive.delivery.rollout_step#module:undo) can go back.
    type: int
  rollback_window:
    description:
      - A version that is one of so many that were released last, the present one included, skips the steps and their pauses.
      - Those are counted that the record remembers (O(history_limit)), without aborted ones. Without it none is skipped.
    type: int
  track_configs:
    description:
      - Each version keeps the ConfigMaps and Secrets that it was released with, and a change of what they hold is a new version.
      - The new version's template names immutable copies of them, C(<name>-<hash>), in volumes, C(envFrom) and C(valueFrom). Those with the
        annotation C(progressive.delivery/track=false) it names as they are.
      - A copy goes when no pod, and no revision to which O(progressive.delivery.rollout_step#module:undo) can go back, names it. Those that
        the workload names stay after a hand-back.
    type: bool
"""
