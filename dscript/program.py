"""The compiled program: the one value that passes from the compiler to the runtime.

Plain data, serialisable, no code.  The compiler writes it, the runtime and the output
read it, and neither knows more of the other.  Sizes and offsets are bytes, times are
nanoseconds, unless a name says otherwise.

The object file holds, beside the programs named in `attachments`, these fixed parts:

* map `records`: the ring buffer of firings (see `RecordHeader`).
* map `drops`: per-CPU array of u64 counters indexed by `DropKind`.
* `.bss`, one blob laid out by `StateLayout` plus the D globals; mmapable.
* `.rodata`, with a blob at offset 0 of load-time words that the runtime fills in before
  loading (`load_words`), in the order of that tuple, 8 bytes each.
* for every aggregation two maps (`Aggregation.maps`), one for each generation.
* with the option cgroup, map `CGROUP_MAP`: the runtime puts that control group at index 0.
* where the first attachment is `FOLLOW_PROGRAM`, map `FOLLOWED_MAP`: u32 process → u32 target
  that it descends from, numbers of the tracer's PID namespace.  The runtime puts in the
  targets and those of `Attachment.targets` in user code, and the children they have.
"""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from enum import IntEnum
from typing import Literal, NamedTuple

FORMAT_VERSION = 2
CGROUP_MAP = "cgroup"
FOLLOWED_MAP = "followed"
FOLLOW_PROGRAM = "follow_fork"


class DropKind(IntEnum):
    """Index into the `drops` map."""

    RECORD = 0  # the ring buffer was full
    AGGREGATION = 1
    DYNAMIC = 2  # no room for an associative array element or self-> variable
    SCRATCH = 3  # no free scratch slot on this CPU
    SPECULATION = 4
    SPECULATION_BUSY = 5
    SPECULATION_UNAVAILABLE = 6


class Activity(IntEnum):
    """The word at `StateLayout.ACTIVITY`: what probes may do."""

    INACTIVE = 0  # before BEGIN is done: only BEGIN's own program runs
    ACTIVE = 1
    DRAINING = 2  # exit() was called or tracing is ending: only END runs


class StateLayout:
    """Byte offsets of the control words at the start of `.bss` (each a u64)."""

    ACTIVITY = 0
    GENERATION = 8  # 0 or 1: the aggregation maps that programs write to
    EXIT_STATUS = 16
    AGGREGATION_PRESSURE = 24  # programs count new keys here; the runtime resets it on drain
    SPECULATION_NEXT = 32
    END = 64


# Figures of the system that the runtime keeps in `.bss`, a u64 each in this order, from the
# offset `CompiledProgram.system_words`: load averages (16 bits of fraction), memory and swap in
# pages, and numbers.
SYSTEM_WORDS = (
    "load_1",
    "load_5",
    "load_15",
    "free",
    "available",
    "physical",
    "swap",
    "swap_free",
    "processes",
    "cpus_online",
    "page_size",
    "cpus",
)

# Words of `.rodata` that only the run knows; see `CompiledProgram.load_words`.
LoadWord = Literal[
    "target",  # $target: process ID of the first -c/-p target, 0 without one
    "pid",  # $pid and friends: of the tracer itself
    "ppid",
    "pgid",
    "sid",
    "uid",
    "euid",
    "gid",
    "egid",
    "pidns_dev",  # of the tracer's PID namespace, 0 when it is the initial one
    "pidns_ino",
    "tai_offset_ns",  # CLOCK_TAI - CLOCK_REALTIME
    "cpu_count",  # possible CPUs
]


class RecordHeader:
    """Head of every ring-buffer record: six u32, then the clause's fields.

    clause  index into `CompiledProgram.clauses`, or ERROR_CLAUSE
    probe   key into `CompiledProgram.probes`
    cpu     CPU it fired on
    tid     thread, 0 unless the program was compiled with flowindent
    spec    speculation ID, 0 for none
    flags   bit 0: COMMIT of `spec`, bit 1: DISCARD of `spec`
    """

    FORMAT = "<IIIIII"
    SIZE = 24
    ERROR_CLAUSE = 0xFFFFFFFF
    COMMIT = 1
    DISCARD = 2


class ErrorRecord:
    """Body of a record whose clause is ERROR_CLAUSE, after the header.

    u32 clause that failed, u32 action (from 1), u32 fault (`Fault`), u32 DIF offset
    (instruction number in the clause, 0xFFFFFFFF where unknown), u64 address.
    """

    FORMAT = "<IIIIQ"
    SIZE = 24


class Fault(IntEnum):
    """Fault kinds, numbered as the manual's DTRACEFLT_* (chapter "dtrace Provider")."""

    UNKNOWN = 0
    BADADDR = 1
    BADALIGN = 2
    ILLOP = 3
    DIVZERO = 4
    NOSCRATCH = 5
    KPRIV = 6
    UPRIV = 7
    TUPOFLOW = 8
    BADSTACK = 9


class Probe(NamedTuple):
    """A probe as DTrace lists it; `id` is the number in the ID column."""

    id: int
    provider: str
    module: str
    function: str
    name: str

    def __str__(self) -> str:
        return f"{self.provider}:{self.module}:{self.function}:{self.name}"


FieldKind = Literal[
    "int",  # size 1, 2, 4 or 8
    "float",  # size 4 or 8
    "string",  # NUL-terminated within size
    # A string of the process, copied with copyinstr(): u64 address, u32 pid (tracer's), u32
    # action, then the string.  An address other than 0 says that its page was not in memory
    # when the probe fired: the text is still to be read from the process.
    "userstring",
    "bytes",  # size raw bytes (struct, array, tracemem)
    "stack",  # size/8 kernel addresses, 0-padded
    "ustack",  # u32 tgid (initial namespace), u32 pid (tracer's), then (size-8)/8 user addresses
    "sym",  # kernel address printed as module`symbol
    "mod",  # kernel address printed as module
    "func",  # kernel address printed as module`symbol (DTrace's func())
    "usym",  # u32 tgid, u32 pid, u64 address
    "umod",
    "ufunc",
    "uaddr",
    "probe",  # u32 probe key printed as one of its names, see `part`
]

# Those of addresses that are shown by name.
SymbolKind = Literal["sym", "mod", "func", "usym", "umod", "ufunc", "uaddr"]


class Field(NamedTuple):
    """One value in a record or an aggregation key.

    `offset` counts from the end of the record's header, or from the start of the key.
    `type_name` is the D type for `print` and for JSON; `part` says which name a `probe`
    field shows; `layout` describes a struct's members for `print` (None otherwise).
    """

    kind: FieldKind
    offset: int
    size: int
    signed: bool = False
    type_name: str = ""
    part: Literal["", "provider", "module", "function", "name"] = ""
    layout: TypeLayout | None = None
    strsize: int = 0  # second argument of ustack()/jstack(): bytes of symbol text


class TypeLayout(NamedTuple):
    """Shape of a value for `print`: a scalar, an array, or a struct of members.

    kind `int|float|pointer|enum|bool|char|string|struct|union|array`.  Members are
    (name, bit offset, bit size, layout); arrays have `element` and `length`; enums map
    values to names.  A pointer to a function has an `element` of kind `function`.
    """

    kind: str
    type_name: str
    size: int
    signed: bool = False
    members: tuple[tuple[str, int, int, TypeLayout], ...] = ()
    element: TypeLayout | None = None
    length: int = 0
    enumerators: tuple[tuple[int, str], ...] = ()


class Conversion(NamedTuple):
    """One `%` conversion of a format, parsed and checked by the compiler.

    `prefix` is the literal text before it.  `flags` holds those of `-+ #0'` that were
    written.  `width`/`precision` are None when absent, -1 for `*` (then the value comes
    from the argument before).  `letter` is the conversion without size (`d`, `s`, `Y`,
    `wc`, …); "" ends the format (only `prefix` counts); `%%` is already literal text.
    `size` is the size modifier as written (`l`, `ll`, `h`, …).  `aggregation` is set for
    `%@…`.
    """

    prefix: str
    letter: str
    flags: str = ""
    width: int | None = None
    precision: int | None = None
    size: str = ""
    aggregation: bool = False


ActionKind = Literal[
    "trace",  # args[0]
    "print",  # args[0] with layout; `text` is the expression's type
    "tracemem",  # args[0] bytes; args[1], where present, is the int of bytes to show
    # args: the packet's bytes, how many there are, its whole length, nanoseconds since the
    # Epoch, LINKTYPE_* of what it begins with
    "pcap",
    "printf",  # format, args (a * width is an arg of its own)
    "printa",  # format or None, aggregations (one or more)
    "stack",  # args[0]
    "ustack",  # args[0]
    "jstack",  # args[0]
    "symbol",  # args[0]: sym/mod/func/usym/umod/ufunc/uaddr as an action
    "exit",  # args[0]: int
    "clear",  # aggregations[0]
    "trunc",  # aggregations[0], args[0] when a count was given
    "normalize",  # aggregations[0], args[0]
    "denormalize",  # aggregations[0]
    "setopt",  # args: string, optional string
    "system",  # format, args
    "freopen",  # format, args
    "ftruncate",
    "breakpoint",
    "panic",
    "commit",
    "discard",
]


class Action(NamedTuple):
    """One data-recording action of a clause, in program order.

    `presence` is the offset of a byte that is 1 when the action took place (actions under
    `if` or `?:`), None for one that always does.
    """

    kind: ActionKind
    args: tuple[Field, ...] = ()
    format: tuple[Conversion, ...] | None = None
    aggregations: tuple[int, ...] = ()
    presence: int | None = None
    text: str = ""


class ClauseRecord(NamedTuple):
    """What one clause writes: `size` 0 when it never submits a record.

    `prints` says that a firing makes a line of the default table (DTrace prints one for
    every ECB that stores data, and for an empty clause).  `epid` is the enabled probe ID
    of this clause for its first probe, as ERROR and the `epid` variable show it; the others
    of `probes`, the keys of a clause with several, follow in order.
    """

    size: int
    actions: tuple[Action, ...]
    prints: bool
    epid: int
    probes: tuple[int, ...] = ()

    def enabled_id(self, probe: int) -> int:
        """The enabled probe ID of this clause at a probe, given by its key."""
        return self.epid + (self.probes.index(probe) if probe in self.probes else 0)


AggregationFunction = Literal[
    "count", "sum", "avg", "min", "max", "stddev", "quantize", "lquantize", "llquantize"
]


class Aggregation(NamedTuple):
    """An aggregation and how its values lie in the maps.

    Value words (i64/u64, per CPU): count [n]; sum [total], without keys [total, n], so that
    a sum of zero can be told from none; avg [n, total];
    min/max [n, value] (n = 0: nothing seen on this CPU); stddev [n, total, low, high of the
    unsigned 128-bit sum of squares]; quantize 127 buckets: index 63 holds 0, 63+k (k ≥ 1)
    holds 2**(k-1) ≤ x < 2**k, 63-k the negatives; lquantize [below, levels…, above];
    llquantize [below, buckets…, above] with steps spread as the manual says, positive
    only unless low < 0.  A weighted `quantize(x, n)` adds n.

    `params`: lquantize (base, limit, step); llquantize (factor, low, high, steps).
    `maps` are BPF map names of generation 0 and 1: per-CPU hashes keyed by `key_size` bytes,
    or per-CPU arrays when that is 0, with this aggregation's words at index `slot`.
    With `shared` several aggregations live in the same two maps (a program may use 64
    maps at most): the first 8 bytes of a key are then the aggregation's `id`.
    `id` is the order of first use in the program, from 0; the anonymous `@` is named "".
    """

    id: int
    name: str
    function: AggregationFunction
    keys: tuple[Field, ...]
    key_size: int
    value_words: int
    params: tuple[int, ...]
    maps: tuple[str, str]
    # Value signedness for printing (sum/min/max of signed arguments).
    signed: bool = True
    slot: int = 0
    shared: bool = False


AttachKind = Literal[
    "begin",  # syscall program run once by TEST_RUN
    "end",
    "raw_tp",  # targets: one tracepoint name
    "tp_btf",
    "perf_tp",  # targets: "category/name" of tracefs
    "profile",  # every CPU, `period_ns`
    "tick",  # one CPU, `period_ns`
    "counter",  # perf event "type:config:flags" on every CPU, each `period_ns`th
    "fentry",  # targets: one function; the kernel's BTF names it
    "fexit",
    "kprobe_multi",  # targets: many functions, cookies
    "kretprobe_multi",
    "kprobe",  # targets: one or many functions, one link each, cookies
    "kretprobe",
    "uprobe_multi",  # targets: user instructions, each "PID OFFSET SEMAPHORE PATH"; cookies
    "uretprobe_multi",
    "uprobe",  # the same, one perf event each
    "uretprobe",
]


class Attachment(NamedTuple):
    """One BPF program of the object and where it goes.

    `targets` and `cookies` run in parallel; a cookie is the probe key the program reads
    with bpf_get_attach_cookie (in user code the instruction's offset within its function
    is in the upper 32 bits).  `probes` are the probe keys it can fire.
    A `sleepable` program may wait for pages of the process (only in user code).
    In a target of user code OFFSET and SEMAPHORE count from the start of the file at PATH;
    PID 0 stands for every process, -N for N and the processes that descend from it.
    """

    program: str
    kind: AttachKind
    probes: tuple[int, ...]
    targets: tuple[str, ...] = ()
    cookies: tuple[int, ...] = ()
    period_ns: int = 0
    sleepable: bool = False

    @property
    def in_user_code(self) -> bool:
        return self.kind.startswith(("uprobe", "uretprobe"))


class DynamicVariable(NamedTuple):
    """A hash map behind an associative array, for reports and for cleaning.

    `thread_key` is set for `self->x[…]`: the first 8 bytes of the key are then
    tid | low 32 bits of the thread's start time << 32.
    """

    map: str
    name: str
    thread_key: bool


class CompiledProgram(NamedTuple):
    object: bytes
    probes: Mapping[int, Probe]
    clauses: tuple[ClauseRecord, ...]
    attachments: tuple[Attachment, ...]
    aggregations: tuple[Aggregation, ...] = ()
    dynamic_variables: tuple[DynamicVariable, ...] = ()
    load_words: tuple[LoadWord, ...] = ()
    # Values of `#pragma D option` and of -x that were given, by canonical name.
    options: Mapping[str, str] = {}
    # Matches per description, in program order: ("syscall:::entry", 350).
    matches: tuple[tuple[str, int], ...] = ()
    # One-line notes for stderr (renamed kernel functions, skipped functions, …).
    notes: tuple[str, ...] = ()
    # The same for -v: names of other systems and what they were taken for.
    remarks: tuple[str, ...] = ()
    # Offset in `.bss` of the figures of the system, 0 where they are not used.
    system_words: int = 0
    destructive: bool = False
    # Clauses copy from the memory of processes (copyin, copyinstr, copyinto).
    copies: bool = False
    # User stacks are unwound by tables, which the runtime loads (`dscript.kernel.unwind_rows`).
    unwinds: bool = False
    source_name: str = ""
    # Compiler-side text for --emit and -S, filled only when asked for.
    emitted: str = ""

    def to_bytes(self) -> bytes:
        """Serialised form, for the pipe from the compiler and for the cache."""
        return pickle.dumps((FORMAT_VERSION, self), protocol=5)

    @staticmethod
    def from_bytes(data: bytes) -> CompiledProgram:
        """Inverse of `to_bytes`; only for bytes from a trusted place (own pipe, own cache).

        Raises ValueError for another format version.
        """
        version, program = pickle.loads(data)
        if version != FORMAT_VERSION or not isinstance(program, CompiledProgram):
            raise ValueError(f"compiled program of format {version}, not {FORMAT_VERSION}")
        return program
