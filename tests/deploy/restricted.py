"""The Pod Security Standard `restricted`, as a table: what an admission of a namespace so labelled would refuse.

Source: https://kubernetes.io/docs/concepts/security/pod-security-standards/ (baseline and restricted). Each row is a
control and a function that says what is wrong; a pod is admitted where none says anything. Kubernetes' own admission
(k8s.io/pod-security-admission 0.35) was asked once about the same pods, good and broken, and decides alike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

Pod = dict[str, Any]

VOLUMES = frozenset(
    {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}
)
PROFILES = frozenset({"RuntimeDefault", "Localhost"})
SELINUX = frozenset({"container_t", "container_init_t", "container_kvm_t", "container_engine_t"})
SAFE_SYSCTLS = frozenset(
    {
        "kernel.shm_rmid_forced",
        "net.ipv4.ip_local_port_range",
        "net.ipv4.ip_unprivileged_port_start",
        "net.ipv4.tcp_syncookies",
        "net.ipv4.ping_group_range",
    }
)


def violations(spec: Pod) -> list[str]:
    """Every control that this pod breaks, each with its place; empty for a pod that is admitted."""
    return [f"{name}: {problem}" for name, control in CONTROLS.items() for problem in control(spec)]


def _containers(spec: Pod) -> Iterator[tuple[str, Pod]]:
    for kind in ("initContainers", "containers", "ephemeralContainers"):
        for container in spec.get(kind, ()):
            yield f"{kind}.{container['name']}", container


def _contexts(spec: Pod) -> Iterator[tuple[str, Pod]]:
    for place, container in _containers(spec):
        yield place, container.get("securityContext", {})


def _effective(spec: Pod, name: str) -> Iterator[tuple[str, Any]]:
    """What holds for each container: its own, else the pod's."""
    of_pod = spec.get("securityContext", {}).get(name)
    for place, context in _contexts(spec):
        yield place, context.get(name, of_pod)


def _host_namespaces(spec: Pod) -> Iterator[str]:
    yield from (name for name in ("hostNetwork", "hostPID", "hostIPC") if spec.get(name))


def _privileged(spec: Pod) -> Iterator[str]:
    yield from (place for place, context in _contexts(spec) if context.get("privileged"))


def _added(spec: Pod) -> Iterator[str]:
    for place, context in _contexts(spec):
        if set(context.get("capabilities", {}).get("add", ())) - {"NET_BIND_SERVICE"}:
            yield place


def _not_dropped(spec: Pod) -> Iterator[str]:
    yield from (
        place for place, context in _contexts(spec) if "ALL" not in context.get("capabilities", {}).get("drop", ())
    )


def _volumes(spec: Pod) -> Iterator[str]:
    yield from (volume["name"] for volume in spec.get("volumes", ()) if not VOLUMES & volume.keys())


def _host_ports(spec: Pod) -> Iterator[str]:
    for place, container in _containers(spec):
        if any(port.get("hostPort") for port in container.get("ports", ())):
            yield place


def _escalation(spec: Pod) -> Iterator[str]:
    yield from (place for place, context in _contexts(spec) if context.get("allowPrivilegeEscalation") is not False)


def _root(spec: Pod) -> Iterator[str]:
    yield from (place for place, value in _effective(spec, "runAsNonRoot") if value is not True)


def _root_user(spec: Pod) -> Iterator[str]:
    yield from (place for place, value in _effective(spec, "runAsUser") if value == 0)


def _seccomp(spec: Pod) -> Iterator[str]:
    for place, value in _effective(spec, "seccompProfile"):
        if (value or {}).get("type") not in PROFILES:
            yield place


def _proc_mount(spec: Pod) -> Iterator[str]:
    yield from (place for place, context in _contexts(spec) if context.get("procMount", "Default") != "Default")


def _sysctls(spec: Pod) -> Iterator[str]:
    names = (each["name"] for each in spec.get("securityContext", {}).get("sysctls", ()))
    yield from (name for name in names if name not in SAFE_SYSCTLS)


def _app_armor(spec: Pod) -> Iterator[str]:
    for place, value in _effective(spec, "appArmorProfile"):
        if value is not None and value.get("type") not in PROFILES:
            yield place


def _selinux(spec: Pod) -> Iterator[str]:
    for place, value in _effective(spec, "seLinuxOptions"):
        options = value or {}
        if options.get("user") or options.get("role") or options.get("type") not in {None, "", *SELINUX}:
            yield place


def _host_process(spec: Pod) -> Iterator[str]:
    for place, value in _effective(spec, "windowsOptions"):
        if (value or {}).get("hostProcess"):
            yield place


def _handler_hosts(spec: Pod) -> Iterator[str]:
    for place, container in _containers(spec):
        probes = (container.get(f"{kind}Probe", {}) for kind in ("startup", "liveness", "readiness"))
        if any(probe.get(way, {}).get("host") for probe in probes for way in ("httpGet", "tcpSocket")):
            yield place


CONTROLS: Mapping[str, Callable[[Pod], Iterator[str]]] = {
    "host namespaces": _host_namespaces,
    "privileged containers": _privileged,
    "capabilities added": _added,
    "capabilities not dropped": _not_dropped,
    "volume types": _volumes,
    "host ports": _host_ports,
    "privilege escalation": _escalation,
    "running as non-root": _root,
    "running as user 0": _root_user,
    "seccomp": _seccomp,
    "/proc mount type": _proc_mount,
    "sysctls": _sysctls,
    "AppArmor": _app_armor,
    "SELinux": _selinux,
    "host processes of Windows": _host_process,
    "hosts of probes": _handler_hosts,
}
