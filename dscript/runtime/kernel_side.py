"""The kernel's part of a run: the loaded object, its state words, its links."""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from dscript import progress
from dscript.errors import TracingError
from dscript.program import (
    CGROUP_MAP,
    FOLLOW_PROGRAM,
    FOLLOWED_MAP,
    Activity,
    Attachment,
    CompiledProgram,
    StateLayout,
)
from dscript.runtime import bpf, cgroups
from dscript.runtime.aggregation import AggregationDrain, Gate
from dscript.runtime.cleaning import ThreadCleaner
from dscript.runtime.counters import DropCounters, MissedRuns
from dscript.runtime.libbpf import BpfObject
from dscript.runtime.links import Links
from dscript.runtime.loadwords import load_words, require_host_numbers
from dscript.runtime.ring import Ring
from dscript.runtime.sink import AggregationTotals

if TYPE_CHECKING:
    from dscript.runtime.following import Followed
    from dscript.runtime.unwinding import Unwinder

# Open files a run gets by with under the usual limit of 1024.
_FEW_DESCRIPTORS: Final = 512


def _allow_descriptors(count: int) -> None:
    """Raise the limit of open files as far as it takes and the hard limit permits."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < count:
        wanted = count if hard == resource.RLIM_INFINITY else min(count, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


@contextmanager
def _on_cpu(cpu: int | None) -> Iterator[None]:
    """Run on one CPU for a while; TracingError when it cannot be had."""
    if cpu is None:
        yield
        return
    allowed = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {cpu})
    except (OSError, OverflowError):
        raise TracingError(f"cannot trace CPU {cpu}: it does not exist or is offline") from None
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


class KernelSide:
    """A compiled program in the kernel.  Loaded when constructed; nothing attached yet.

    `$target` is the first of `targets`; `cpu` is where BEGIN, END and the ticks run, None for
    anywhere.
    Raises TracingError when the kernel refuses the program.
    """

    def __init__(
        self,
        program: CompiledProgram,
        totals: Sequence[AggregationTotals],
        targets: Sequence[int] = (),
        cpu: int | None = None,
    ) -> None:
        self._program = program
        self._cpu = cpu
        self._object = BpfObject(program.object)
        self._links = Links(cpu)
        self._gate: Gate | None = None
        self.followed: Followed | None = None
        needed = sum(1 + 2 * max(1, len(a.targets)) for a in program.attachments)
        if needed > _FEW_DESCRIPTORS:
            _allow_descriptors(needed + _FEW_DESCRIPTORS)
        try:
            self._object.prepare(program.attachments)
            if program.options.get("pidns") == "init":
                require_host_numbers(program.load_words)
            self._object.set_load_words(
                load_words(program.load_words, targets[0] if targets else 0)
            )
            self._load()
            self._limit()
            self._open(totals)
            self._follow(targets)
        except BaseException:
            self._object.close()
            raise

    def _load(self) -> None:
        progress.report("loading the programs")
        unwinds = self._program.unwinds
        try:
            if not unwinds:
                self._object.load()
                return
            from dscript.runtime.unwind_maps import prepared

            with prepared(self._object):
                self._object.load()
        except TracingError as error:
            if "combined stack size" not in str(error):
                raise
            less = "fewer this-> variables and keys in a clause"
            raise TracingError(
                "the program takes more than the 512 bytes of stack that this kernel gives",
                f"-x unwind=fp takes less, as do {less}" if unwinds else f"take {less}",
            ) from None

    def _limit(self) -> None:
        """Tell the programs which control group tracing is limited to, if it is."""
        options = self._program.options
        if "cgroup" in options:
            cgroups.limit(self._object.map(CGROUP_MAP).fd, options["cgroup"])

    def _follow(self, targets: Sequence[int]) -> None:
        """Start the account of descendants where the program keeps one."""
        attachments = self._program.attachments
        if attachments and attachments[0].program == FOLLOW_PROGRAM:
            from dscript.runtime.following import Followed

            fd = self._object.map(FOLLOWED_MAP).fd
            self.followed = Followed(self._program, fd, targets)

    def _open(self, totals: Sequence[AggregationTotals]) -> None:
        program, find_map = self._program, self._object.map
        cpus = bpf.possible_cpus()
        records = find_map("records")
        self.ring = Ring(records.fd, records.max_entries)
        self._bss: mmap.mmap = self._object.bss()
        self._state = memoryview(self._bss).cast("Q")
        self.refresh()
        self.drain = AggregationDrain(
            program.aggregations, find_map, self._state, totals, self.wait_for_programs, cpus
        )
        self.drops = DropCounters(find_map("drops"), cpus)
        self.missed = MissedRuns(
            {a.program: self._object.program_fd(a.program) for a in self._attached()}
        )
        self.unwinder = self._open_unwinder()
        self.cleaner = ThreadCleaner(
            [find_map(v.map) for v in program.dynamic_variables if v.thread_key]
        )

    def refresh(self) -> None:
        """Bring the figures of the system that the program reads up to date."""
        if self._program.system_words:
            from dscript.runtime.systemwords import values

            first = self._program.system_words // 8
            for at, value in enumerate(values(), first):
                self._state[at] = value

    def _open_unwinder(self) -> Unwinder | None:
        if not self._program.unwinds:
            return None
        from dscript.runtime.unwinding import Unwinder

        return Unwinder(self._object.map)

    def _attached(self) -> list[Attachment]:
        """What is attached, in order: programs that share a place are to run in the program's.

        The kernel runs those of an instruction of user code last attached first (consumer_add
        in kernel/events/uprobes.c), those of other places in order.
        """
        attached = [a for a in self._program.attachments if a.kind not in ("begin", "end")]
        ordinary = [a for a in attached if not a.in_user_code]
        return ordinary + [a for a in reversed(attached) if a.in_user_code]

    def attach(self) -> None:
        """Attach everything but BEGIN and END; the clocks stand still until `start`."""
        with _on_cpu(self._cpu):
            pass  # where BEGIN will run: find out before anything is attached
        attached = self._attached()
        for done, attachment in enumerate(attached):
            progress.report("attaching programs", done, len(attached))
            self._links.attach(attachment, self._object.program_fd(attachment.program))
        progress.finish()
        if self.followed is not None:
            self.followed.take_in_children()

    @property
    def refused(self) -> Sequence[str]:
        """Kernel functions that could not be probed though others of their list could."""
        return self._links.refused

    @property
    def warnings(self) -> Sequence[str]:
        """libbpf's messages."""
        return self._object.warnings

    def run_programs(self, kind: str) -> None:
        """Run the `begin` or `end` programs, in order, in the tracer's own context."""
        with _on_cpu(self._cpu):
            for attachment in self._program.attachments:
                if attachment.kind == kind:
                    bpf.test_run(self._object.program_fd(attachment.program))

    @property
    def activity(self) -> int:
        """The activity word; a program sets DRAINING when exit() ran."""
        word: int = self._state[StateLayout.ACTIVITY >> 3]
        return word

    @property
    def awaits_followed(self) -> bool:
        """Whether processes that the option follow is about still run."""
        return self.followed is not None and self.followed.awaited

    @property
    def exit_status(self) -> int:
        """What exit() left behind, as a signed int."""
        word: int = self._state[StateLayout.EXIT_STATUS >> 3]
        return (word & 0xFFFFFFFF ^ 0x80000000) - 0x80000000

    def start(self) -> bool:
        """Let the probes fire, unless BEGIN called exit(); whether they do now."""
        if self.activity != Activity.INACTIVE:
            return False
        self._state[StateLayout.ACTIVITY >> 3] = Activity.ACTIVE
        self._links.enable()
        return True

    def stop(self) -> None:
        """Probes do nothing from now on; returns when those that were running are done."""
        self._state[StateLayout.ACTIVITY >> 3] = Activity.DRAINING
        if len(self._links):
            self.wait_for_programs()

    def wait_for_programs(self) -> None:
        """Wait until every BPF program that is running now has ended."""
        if self._gate is None:
            self._gate = Gate()
        self._gate.wait()

    def close(self) -> None:
        """Detach (slow for perf events) and unload."""
        self._links.close()
        if self._gate is not None:
            self._gate.close()
        if self.unwinder is not None:
            self.unwinder.close()
        self.ring.close()
        self._state.release()
        self._bss.close()
        self._object.close()
