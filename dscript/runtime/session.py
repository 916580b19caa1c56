"""One run of a compiled program, from loading to the last line.

The order: load; attach everything; run BEGIN while the probes are still inactive; start
them and release the -c commands; consume records until exit(), a signal or the end of the
targets; stop the probes and wait for the last of them; consume the rest; run END; consume
its records; drain the aggregations; let the sink finish; detach.  Detaching comes last
because the kernel is slow at it and stopped probes cost next to nothing.
"""

from __future__ import annotations

import select
import time
from collections.abc import Sequence
from typing import Final, NamedTuple

from dscript.errors import TracingError
from dscript.program import Activity, CompiledProgram, DropKind
from dscript.runtime.bpf import KernelError
from dscript.runtime.kernel_side import KernelSide
from dscript.runtime.residence import bring_in
from dscript.runtime.retention import Buffering, LastRecords
from dscript.runtime.signals import EndingSignals
from dscript.runtime.sink import Sink, View
from dscript.runtime.target import Target

# How long the loop sleeps at most, in seconds, while keyed aggregations may fill up.
_PRESSURE_CHECK: Final = 0.05
# How often exit() is looked for while records wait for their time (switchrate), and the end
# of followed processes, in seconds.
_EXIT_CHECK: Final = 0.05
# How often the policy `fill` looks whether the buffer is full, in seconds.
_FULL_CHECK: Final = 0.02
# How soon a view is looked after again that came between the records of a firing.
_UNSETTLED: Final = 0.005
# How long the end of a record that is being written is waited for once programs stopped.
_STUCK_RECORD: Final = 1.0


class Rates(NamedTuple):
    """Intervals in seconds: options statusrate, aggrate, cleanrate and switchrate.

    Without `switch` records are consumed as soon as they are there.  DTrace's cleanrate (101 Hz)
    suits its dirty lists; a sweep here walks whole maps and /proc, so that it is seldom
    unless somebody asks for more.
    """

    status: float = 1.0
    aggregate: float = 1.0
    clean: float = 0.5
    switch: float | None = None


class _Timer:
    """Due every `interval` seconds."""

    __slots__ = ("interval", "next")

    def __init__(self, interval: float, now: float) -> None:
        self.interval = interval
        self.next = now + interval

    def due(self, now: float) -> bool:
        if now < self.next:
            return False
        self.next = now + self.interval
        return True


class _Snapshots:
    """Decides when a record needs a fresh drain of the aggregations.

    A snapshot serves every record that was in the ring before it was taken, for it holds
    all events before them.  It also serves the later records of a firing that has used it:
    a printa and the clear in the clause after it see the same totals, so that no event
    falls between them.  All records of such a firing are in the ring when the snapshot is
    complete, for a drain waits for the programs that run; and within a firing the clause
    numbers rise.
    """

    def __init__(self, kernel: KernelSide) -> None:
        self._kernel = kernel
        self._covered = 0  # records before this ring position are served
        self._until = 0  # no firing that used the snapshot has records after this one
        self._users: dict[tuple[int, int], int] = {}
        # No program can run: nothing to swap or to wait for.
        self.quiescent = True

    def take(self) -> None:
        """`sink.Snapshot`: bring the totals up to the record being consumed."""
        if self.quiescent:
            self._kernel.drain.collect_all()
            return
        ring = self._kernel.ring
        clause, probe, cpu = ring.header()[:3]
        firing = (probe, cpu)
        before = self._users.get(firing)
        shared = before is not None and before < clause and ring.position < self._until
        if not shared and ring.position >= self._covered:
            ring.publish()
            self._users.clear()
            covered = ring.produced
            self._kernel.drain.swap()
            self._covered = covered
            self._until = ring.produced
        self._users[firing] = clause

    @property
    def settled(self) -> bool:
        """Whether a drain of our own accord comes between no two records of a firing."""
        return self._kernel.ring.position >= self._until


class Session:
    """A run; `run` may be called once.

    `targets` are held commands and grabbed processes; $target is the first one's.
    `views` look at the aggregations while tracing and at its end.
    """

    def __init__(
        self,
        program: CompiledProgram,
        sink: Sink,
        targets: Sequence[Target] = (),
        rates: Rates | None = None,
        buffering: Buffering | None = None,
        views: Sequence[View] = (),
    ) -> None:
        self._program = program
        self._sink = sink
        self._views = views
        self._targets = list(targets)
        self._rates = rates or Rates()
        self._buffering = buffering = buffering or Buffering()
        self._filling = buffering.policy == "fill"
        self._kept = (
            LastRecords(program.clauses, buffering.room) if buffering.policy == "ring" else None
        )
        self._record = sink.record if self._kept is None else self._kept.record
        self._full = False
        self._intervals = self._timers()
        self._switching = _Timer(self._rates.switch or 0.0, time.monotonic())
        self._looks: list[tuple[View, _Timer]] = []
        self._status: int | None = None

    def run(self) -> int:
        """Trace; the exit status of the program (0 unless exit() gave another).

        Raises TracingError when the kernel refuses something.  A closed standard output
        ends the run quietly.
        """
        with EndingSignals() as signals:
            try:
                return self._run(signals)
            except KernelError as error:
                raise TracingError(f"the kernel failed while tracing: {error}") from error
            except BrokenPipeError:
                return self._status or 0
            except OSError as error:
                raise TracingError(f"failed to write output: {error.strerror}") from error
            finally:
                for target in self._targets:
                    target.close()

    def _run(self, signals: EndingSignals) -> int:
        targets = [target.pid for target in self._targets]
        totals = self._sink.aggregations
        self._kernel = KernelSide(self._program, totals, targets, self._buffering.cpu)
        try:
            self._snapshots = _Snapshots(self._kernel)
            self._sink.attach(self._snapshots.take)
            if self._kernel.unwinder is not None:
                self._kernel.unwinder.start(targets, self._sink.code_files)
                self._kernel.unwinder.start_ahead(alone=not targets)
            self._kernel.attach()
            self._note_refused()
            self._begin(signals)
            self._end()
        finally:
            self._kernel.close()
        return self._status or 0

    def _note_refused(self) -> None:
        refused = self._kernel.refused
        if refused:
            shown = ", ".join(refused[:8]) + (", …" if len(refused) > 8 else "")
            many = "" if len(refused) == 1 else "s"
            self._sink.notice(f"{len(refused)} kernel function{many} cannot be probed: {shown}")

    # -- the stages

    def _begin(self, signals: EndingSignals) -> None:
        kernel = self._kernel
        kernel.run_programs("begin")
        self._consume_all()
        self._sink.idle()
        if not signals.received and kernel.start():
            self._snapshots.quiescent = False
            now = time.monotonic()
            self._looks = [(v, _Timer(v.interval, now)) for v in self._views if v.interval]
            for view in self._views:
                view.start()
            for target in self._targets:
                if self._program.copies:
                    bring_in(target.pid)
                target.release()
            self._consume_until_end(signals)
        if signals.received:
            self._sink.interrupted()

    def _end(self) -> None:
        kernel = self._kernel
        exited = kernel.activity == Activity.DRAINING
        kernel.stop()
        self._snapshots.quiescent = True
        self._consume_all()
        kernel.run_programs("end")
        self._consume_all()
        if self._kept is not None:
            self._kept.replay(self._sink.record)
        if self._sink.exit_status is not None:
            self._status = self._sink.exit_status
        elif exited:
            self._status = kernel.exit_status
        kernel.drain.collect_all()
        self._report_losses()
        self._report_cut_stacks()
        self._sink.finish()
        for view in self._views:
            view.finish()

    def _consume(self) -> int:
        return self._kernel.ring.consume(self._record, self._sink.error)

    def _consume_all(self) -> None:
        """Consume everything; only while no probe can fire."""
        ring = self._kernel.ring
        deadline = time.monotonic() + _STUCK_RECORD
        while ring.pending:
            before = ring.position
            self._consume()
            if ring.position != before:
                deadline = time.monotonic() + _STUCK_RECORD
            elif time.monotonic() > deadline:
                return

    def _report_losses(self) -> None:
        for kind, count, cpu in self._kernel.drops.poll():
            if kind is DropKind.RECORD and self._filling:
                self._full = True  # what the policy waits for, no loss to speak of
            else:
                self._sink.drop(kind, count, cpu)
        for name, count in self._kernel.missed.poll():
            self._sink.missed(name, count)

    def _report_cut_stacks(self) -> None:
        unwinder = self._kernel.unwinder
        if unwinder is None:
            return
        for cut in unwinder.cut_stacks():
            self._sink.cut_stacks(*cut)
        if unwinder.full:
            self._sink.notice("some user stacks were followed by frame pointers alone: there was "
                              "no room for more unwind tables")  # fmt: skip

    # -- the loop

    def _consume_until_end(self, signals: EndingSignals) -> None:
        kernel, ring, sink = self._kernel, self._kernel.ring, self._sink
        # poll(2) asks the ring itself every time, so no wake-up can be lost.
        poller = select.poll()
        poller.register(ring, select.POLLIN)
        poller.register(signals, select.POLLIN)
        if kernel.unwinder is not None:
            poller.register(kernel.unwinder, select.POLLIN)
        running = {target.fileno(): target for target in self._targets}
        for fd in running:
            poller.register(fd, select.POLLIN)
        timers = self._intervals
        watching = True  # the ring itself wakes us up
        while not (signals.received or self._full or kernel.activity == Activity.DRAINING):
            before = ring.position
            at_once = not self._filling and self._rates.switch is None
            if at_once != watching:
                watching = at_once
                if watching:
                    poller.register(ring, select.POLLIN)
                else:
                    poller.unregister(ring)
            if watching:
                self._consume()
            if sink.exit_status is not None:
                return
            wait = self._service(timers)
            if self._filling:
                self._report_losses()
                wait = 0.0 if self._full else min(wait, _FULL_CHECK)
            elif not watching:
                wait = min(wait, self._switch(), _EXIT_CHECK)
            elif ring.pending:
                if ring.position == before:  # its first record is still being written
                    time.sleep(0.0002)
                wait = 0.0
            else:
                sink.idle()
            if self._targets and not running:
                if not kernel.awaits_followed:
                    return
                wait = min(wait, _EXIT_CHECK)
            for fd, _ in poller.poll(wait * 1000):
                if fd == signals.fileno():
                    signals.read()
                target = running.pop(fd, None)
                if target is not None:
                    poller.unregister(fd)
                    sink.notice(target.exit_message())

    def _switch(self) -> float:
        """Consume what has gathered when it is time (switchrate); seconds until the next."""
        now = time.monotonic()
        if self._switching.due(now):
            self._consume()
            self._sink.idle()
        return max(self._switching.next - now, 0.0)

    def change_rates(self, rates: Rates) -> None:
        """New intervals from now on (setopt)."""
        self._rates = rates
        status, aggregate, clean = self._intervals
        status.interval, aggregate.interval = rates.status, rates.aggregate
        clean.interval = rates.clean
        self._switching.interval = rates.switch or 0.0
        for timer in (*self._intervals, self._switching):
            timer.next = min(timer.next, time.monotonic() + timer.interval)

    def _timers(self) -> tuple[_Timer, _Timer, _Timer]:
        now = time.monotonic()
        rates = self._rates
        return (
            _Timer(rates.status, now),
            _Timer(rates.aggregate, now),
            _Timer(rates.clean, now),
        )

    def _service(self, timers: tuple[_Timer, _Timer, _Timer]) -> float:
        """Do what is due; seconds until something will be."""
        status, aggregate, clean = timers
        kernel = self._kernel
        more = kernel.unwinder is not None and kernel.unwinder.serve()
        now = time.monotonic()
        wait = status.next - now
        if status.due(now):
            self._report_losses()
            kernel.refresh()
            wait = status.interval
        if kernel.drain.pressure_limit is not None:
            wait = min(wait, _PRESSURE_CHECK, aggregate.next - now)
            if self._snapshots.settled and (kernel.drain.pressed or aggregate.due(now)):
                kernel.drain.swap()
        if kernel.cleaner:
            wait = min(wait, clean.next - now)
            if clean.due(now):
                kernel.cleaner.sweep()
        for view, timer in self._looks:
            wait = min(wait, self._look(view, timer, now))
        return 0.0 if more else max(wait, 0.0)

    def _look(self, view: View, timer: _Timer, now: float) -> float:
        """Show a view the present totals when it is time; seconds until then."""
        if now < timer.next:
            return timer.next - now
        if not self._snapshots.settled:  # the records of a firing are being read
            return _UNSETTLED
        # Late ones shift no others.
        timer.next = max(timer.next + view.interval, now)
        self._kernel.drain.swap()
        view.refresh()
        return 0.0
