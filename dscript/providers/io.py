"""The io provider: requests to disks and NFS servers (manual, chapter "io Provider").

A request of the block layer is what a disk sees; its address, sector and size are the same
when it starts and when it is done.  So it is with what the NFS client keeps of a READ or WRITE.
"""

from __future__ import annotations

from dscript.providers.base import Derived, Step
from dscript.providers.derived import DerivedProvider, Row

_FIRST_ID = 15_200
_ARGUMENTS = (
    ("bufinfo_t *", "xlate <bufinfo_t *> (rq)"),
    ("devinfo_t *", "xlate <devinfo_t *> (rq)"),
    ("fileinfo_t *", "xlate <fileinfo_t *> (rq)"),
)
# Not flushes, which have no data, nor commands that drivers send for themselves
# (REQ_OP_DRV_IN and REQ_OP_DRV_OUT, include/linux/blk_types.h).
_DATA = "rq->__data_len != 0 && (rq->cmd_flags & 0xff) < 34"

_NFS_ARGUMENTS = (
    ("bufinfo_t *", "xlate <bufinfo_t *> (hdr)"),
    ("devinfo_t *", "xlate <devinfo_t *> (hdr)"),
    ("fileinfo_t *", "xlate <fileinfo_t *> (hdr->inode)"),
)
_NFS_DONE = ("task", "hdr")
# What a server did in part only is sent again (fs/nfs/read.c, fs/nfs/write.c).
_NFS_READ = "task->tk_status < 0 || hdr->res.eof || hdr->res.count >= hdr->args.count"
_NFS_WRITTEN = "task->tk_status < 0 || hdr->res.count >= hdr->args.count"

_SWITCH = ("preempt", "prev", "next", "prev_state")
# The switch is done, in the thread that waited.
_SWITCHED = (
    Step("entry", "finish_task_switch", (), "curthread->in_iowait", ""),
    Step("tracepoint", "sched_exit_tp", ("is_switch",), "is_switch && curthread->in_iowait", ""),
)
# A thread that waits does not say for which request.
_WAITED = tuple(
    (f"{name} *", f"xlate <{name} *> ((struct __io_wait *)0)")
    for name in ("bufinfo_t", "devinfo_t", "fileinfo_t")
)
_ANY_WAIT = (
    "every wait that counts as iowait; Linux does not say for which request: `arg0` is 0, numbers "
    "are 0 and names `<unknown>`"
)


def _nfs(name: str, tracepoint: str, parameters: tuple[str, ...], condition: str, when: str) -> Row:
    derived = Derived(parameters, condition, _NFS_ARGUMENTS)
    return Row(name, tracepoint, derived, when, module="nfs")


_ROWS = (
    Row(
        "start",
        "block_rq_issue",
        Derived(("rq",), _DATA, _ARGUMENTS),
        when="a request with data",
        exactness="as the disk gets it, after merging; often in a kernel thread's context",
    ),
    _nfs("start", "nfs_initiate_read", ("hdr",), "", "of NFS"),
    _nfs("start", "nfs_initiate_write", ("hdr",), "", "of NFS"),
    Row(
        "done",
        "block_rq_complete",
        # A request may be completed bit by bit; the last bit leaves nothing.
        Derived(("rq", "error", "nr_bytes"), f"{_DATA} && nr_bytes >= rq->__data_len", _ARGUMENTS),
        when="of the whole request",
    ),
    _nfs("done", "nfs_readpage_done", _NFS_DONE, _NFS_READ, "of all that was asked for"),
    _nfs("done", "nfs_writeback_done", _NFS_DONE, _NFS_WRITTEN, "of all that was asked for"),
    Row(
        "wait-start",
        "sched_switch",
        Derived(_SWITCH, "!preempt && prev_state != 0 && prev->in_iowait", _WAITED),
        when="the thread waits for I/O (io_schedule())",
        exactness=_ANY_WAIT,
    ),
    Row(
        "wait-done",
        "sched_switch",
        Derived(_SWITCH, "next->in_iowait", _WAITED, subject=2, running=_SWITCHED),
        when="to a thread that waited for I/O",
        exactness=_ANY_WAIT,
    ),
)

PROVIDER = DerivedProvider("io", _FIRST_ID, _ROWS, {})
