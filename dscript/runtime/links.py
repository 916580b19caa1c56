"""Putting the programs of a compiled program where they belong: one function a mechanism.

A link is nothing but file descriptors: closing them detaches, and so does the end of the
process however it comes.  Nothing is pinned.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from dscript import progress
from dscript.errors import TracingError
from dscript.kernel import topology
from dscript.program import Attachment
from dscript.runtime import bpf
from dscript.runtime.bpf import KernelError

_TRACEFS: Final = ("/sys/kernel/tracing", "/sys/kernel/debug/tracing")
_KPROBE_PMU: Final = "/sys/bus/event_source/devices/kprobe"
# Errnos with which the kernel answers when a function is at fault.
_FUNCTION_AT_FAULT: Final = frozenset({bpf.ENOENT, bpf.ESRCH, bpf.EINVAL, 99})


class Links:
    """The attached programs of a run.

    `attach` puts a program in place; clocks (profile, tick) start ticking with `enable`.
    Those of tick probes tick on `cpu`.
    `refused` names the functions of multi-links that the kernel would not take.
    """

    def __init__(self, cpu: int | None = None) -> None:
        self._cpu = cpu
        self._links: list[int] = []
        self._events: list[int] = []
        self._disabled: list[int] = []
        self.refused: list[str] = []

    def attach(self, attachment: Attachment, program: int) -> None:
        """Attach a loaded program (its descriptor); TracingError says what was refused."""
        _ATTACHERS[attachment.kind](self, attachment, program)

    def enable(self) -> None:
        """Start the clocks; their first period begins now."""
        for event in self._disabled:
            bpf.perf_event_ioctl(event, bpf.PERF_IOC_ENABLE, 0)
        self._disabled.clear()

    def close(self) -> None:
        """Detach everything.  The kernel takes 50 to 130 ms for each perf event."""
        descriptors = self._links + self._events
        for done, fd in enumerate(descriptors):
            progress.report("detaching probes", done, len(descriptors))
            os.close(fd)
        progress.finish()
        self._links.clear()
        self._events.clear()
        self._disabled.clear()

    def __len__(self) -> int:
        return len(self._links) + len(self._events)

    def _add_event(self, event: int, program: int, cookie: int) -> None:
        """Tie a program to an open perf event; the event is closed if that fails.

        Without a cookie the older SET_BPF ioctl serves where LINK_CREATE is refused.
        """
        try:
            self._links.append(bpf.link_perf_event(program, event, cookie))
        except KernelError as error:
            try:
                if error.errno != bpf.EINVAL or cookie:
                    raise
                bpf.perf_event_ioctl(event, bpf.PERF_IOC_SET_BPF, program)
            except KernelError:
                os.close(event)
                raise
        self._events.append(event)

    # -- tracepoints

    def _raw_tp(self, attachment: Attachment, program: int) -> None:
        for name, cookie in _targets(attachment):
            try:
                self._links.append(bpf.raw_tracepoint_open(name, program, cookie))
            except KernelError as error:
                raise _refusal("raw tracepoint", name, error) from None

    def _tracing(self, attach_type: int, what: str, attachment: Attachment, program: int) -> None:
        for name, cookie in _targets(attachment):
            try:
                self._links.append(bpf.link_tracing(program, attach_type, cookie))
            except KernelError as error:
                raise _refusal(what, name, error) from None

    def _perf_tp(self, attachment: Attachment, program: int) -> None:
        for name, cookie in _targets(attachment):
            try:
                event = bpf.perf_event_open(
                    bpf.PERF_TYPE_TRACEPOINT, tracepoint_id(name), cpu=_first_cpu(), period=1
                )
                self._add_event(event, program, cookie)
            except KernelError as error:
                raise _refusal("tracepoint", name, error) from None

    # -- clocks

    def _clock(self, cpus: Iterable[int], attachment: Attachment, program: int) -> None:
        """A fixed period: frequency mode ramps up and loses a fifth of the first second."""
        cookie = attachment.cookies[0] if attachment.cookies else 0
        try:
            for cpu in cpus:
                event = bpf.perf_event_open(
                    bpf.PERF_TYPE_SOFTWARE,
                    bpf.PERF_COUNT_SW_CPU_CLOCK,
                    cpu=cpu,
                    period=attachment.period_ns,
                    flags=bpf.PERF_ATTR_DISABLED,
                )
                self._add_event(event, program, cookie)
                self._disabled.append(event)
        except KernelError as error:
            name = f"{attachment.kind} with a period of {attachment.period_ns} ns"
            raise _refusal("clock", name, error) from None

    def _profile(self, attachment: Attachment, program: int) -> None:
        self._clock(topology.cpu_list("online"), attachment, program)

    def _tick(self, attachment: Attachment, program: int) -> None:
        cpu = _first_cpu() if self._cpu is None else self._cpu
        self._clock((cpu,), attachment, program)

    def _counter(self, attachment: Attachment, program: int) -> None:
        """Every so manieth event on each CPU; the target is "type:config:flags"."""
        kind, config, flags = (int(word, 0) for word in attachment.targets[0].split(":"))
        cookie = attachment.cookies[0] if attachment.cookies else 0
        try:
            for cpu in topology.cpu_list("online"):
                event = bpf.perf_event_open(
                    kind,
                    config,
                    cpu=cpu,
                    period=attachment.period_ns,
                    flags=bpf.PERF_ATTR_DISABLED | flags,
                )
                self._add_event(event, program, cookie)
                self._disabled.append(event)
        except KernelError as error:
            raise _refusal("perf event", attachment.targets[0], error) from None

    # -- kernel functions

    def _kprobe_multi(self, returns: bool, attachment: Attachment, program: int) -> None:
        names, cookies = _parallel(attachment)
        if not names:
            return
        before = len(self.refused)
        self._kprobe_part(program, names, cookies, returns)
        if len(self.refused) - before == len(names):
            raise TracingError(
                f"cannot probe kernel function {names[0]}: the kernel cannot find or trace it"
            )

    def _kprobe_part(
        self, program: int, names: tuple[str, ...], cookies: tuple[int, ...], returns: bool
    ) -> None:
        """One multi-link, or, where a function is at fault, one for each half of them.

        The kernel takes all functions of a link or none, and does not say which one it
        dislikes; halving finds it in log2 steps.
        """
        try:
            self._links.append(bpf.link_kprobe_multi(program, names, cookies, returns=returns))
        except KernelError as error:
            if error.errno == bpf.ENOTSUPP or error.errno not in _FUNCTION_AT_FAULT:
                raise _refusal("kprobe multi-link of", names[0], error) from None
            if len(names) == 1:
                self.refused.append(names[0])
                return
            middle = len(names) // 2
            self._kprobe_part(program, names[:middle], cookies[:middle], returns)
            self._kprobe_part(program, names[middle:], cookies[middle:], returns)

    def _kprobe(self, returns: bool, attachment: Attachment, program: int) -> None:
        """A perf event each; of many, those that the kernel will not take are left out."""
        kind, config = _kprobe_pmu(returns)
        many = len(attachment.targets)
        for name, cookie in _targets(attachment):
            symbol = bpf.attr_buffer(name.encode() + b"\0")
            try:
                event = bpf.perf_event_open(
                    kind, config, cpu=_first_cpu(), period=1, config1=bpf.address(symbol)
                )
                self._add_event(event, program, cookie)
            except KernelError as error:
                many -= 1
                if many < 1 or error.errno not in _FUNCTION_AT_FAULT:
                    raise _refusal("kernel function", name, error) from None
                self.refused.append(name)

    # -- user functions

    def _uprobe_multi(self, returns: bool, attachment: Attachment, program: int) -> None:
        from dscript.runtime.user_links import multi_links

        for link in multi_links(attachment, program, returns=returns):
            self._links.append(link)

    def _uprobe(self, returns: bool, attachment: Attachment, program: int) -> None:
        from dscript.runtime.user_links import events

        for event, cookie in events(attachment, returns=returns):
            try:
                self._add_event(event, program, cookie)
            except KernelError as error:
                raise _refusal("user function", attachment.targets[0], error) from None


_Attacher = Callable[[Links, Attachment, int], None]


def _nothing(links: Links, attachment: Attachment, program: int) -> None:
    """BEGIN and END are run by the session, not attached."""


_ATTACHERS: Final[Mapping[str, _Attacher]] = {
    "begin": _nothing,
    "end": _nothing,
    "raw_tp": Links._raw_tp,
    "tp_btf": lambda s, a, p: s._tracing(bpf.TRACE_RAW_TP, "tracepoint", a, p),
    "fentry": lambda s, a, p: s._tracing(bpf.TRACE_FENTRY, "entry of kernel function", a, p),
    "fexit": lambda s, a, p: s._tracing(bpf.TRACE_FEXIT, "return of kernel function", a, p),
    "perf_tp": Links._perf_tp,
    "profile": Links._profile,
    "tick": Links._tick,
    "counter": Links._counter,
    "kprobe_multi": lambda s, a, p: s._kprobe_multi(False, a, p),
    "kretprobe_multi": lambda s, a, p: s._kprobe_multi(True, a, p),
    "kprobe": lambda s, a, p: s._kprobe(False, a, p),
    "kretprobe": lambda s, a, p: s._kprobe(True, a, p),
    "uprobe_multi": lambda s, a, p: s._uprobe_multi(False, a, p),
    "uretprobe_multi": lambda s, a, p: s._uprobe_multi(True, a, p),
    "uprobe": lambda s, a, p: s._uprobe(False, a, p),
    "uretprobe": lambda s, a, p: s._uprobe(True, a, p),
}


def _parallel(attachment: Attachment) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Targets with their cookies; an empty cookie list stands for zeros."""
    cookies = attachment.cookies or (0,) * len(attachment.targets)
    return attachment.targets, cookies


def _targets(attachment: Attachment) -> Iterable[tuple[str, int]]:
    """What is attached one by one, which takes a while for thousands."""
    pairs = zip(*_parallel(attachment), strict=True)
    for done, pair in enumerate(pairs):
        progress.report("attaching probes", done, len(attachment.targets))
        yield pair


def _refusal(what: str, name: str, error: KernelError) -> TracingError:
    return TracingError(f"cannot probe {what} {name}: {bpf.explain(error.errno or 0)}")


def _first_cpu() -> int:
    return topology.cpu_list("online")[0]


def tracepoint_id(name: str) -> int:
    """Event number of "category/name"; TracingError when tracefs does not have it."""
    for root in _TRACEFS:
        try:
            with open(f"{root}/events/{name}/id", encoding="ascii") as file:
                return int(file.read())
        except FileNotFoundError:
            continue
        except PermissionError:
            raise TracingError(f"cannot read {root}: permission denied") from None
    if not any(os.path.isdir(f"{root}/events") for root in _TRACEFS):
        raise TracingError(
            f"cannot look up tracepoint {name}: tracefs is not mounted",
            f"mount -t tracefs tracefs {_TRACEFS[0]}",
        )
    raise TracingError(f"tracepoint {name} does not exist on this kernel")


def _kprobe_pmu(returns: bool) -> tuple[int, int]:
    """perf type of kprobes and the config that asks for return probes."""
    try:
        with open(f"{_KPROBE_PMU}/type", encoding="ascii") as file:
            kind = int(file.read())
        with open(f"{_KPROBE_PMU}/format/retprobe", encoding="ascii") as file:
            bit = int(file.read().partition(":")[2])
    except OSError:
        raise TracingError(
            "this kernel has no kprobes (it was built without CONFIG_KPROBES)",
            "tracepoints (sdt:::, tracepoint:::) and syscall::: probes need none",
        ) from None
    return kind, 1 << bit if returns else 0
