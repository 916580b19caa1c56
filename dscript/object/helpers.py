"""Numbers of the BPF helper functions, map types and flags the compiler uses.

Source: `___BPF_FUNC_MAPPER`, `enum bpf_map_type` and the flag enums of the kernel's
`include/uapi/linux/bpf.h`.  These numbers are ABI and never change.
"""

from __future__ import annotations

from enum import IntEnum


class Helper(IntEnum):
    """Helper function numbers, for `Function.helper`."""

    MAP_LOOKUP_ELEM = 1
    MAP_UPDATE_ELEM = 2
    MAP_DELETE_ELEM = 3
    PROBE_READ = 4
    KTIME_GET_NS = 5
    TRACE_PRINTK = 6
    GET_PRANDOM_U32 = 7
    GET_SMP_PROCESSOR_ID = 8
    TAIL_CALL = 12
    GET_CURRENT_PID_TGID = 14
    GET_CURRENT_UID_GID = 15
    GET_CURRENT_COMM = 16
    GET_STACKID = 27
    GET_CURRENT_TASK = 35
    PROBE_WRITE_USER = 36
    CURRENT_TASK_UNDER_CGROUP = 37
    GET_NUMA_NODE_ID = 42
    PERF_EVENT_READ_VALUE = 55
    PERF_PROG_READ_VALUE = 56
    OVERRIDE_RETURN = 58
    GET_STACK = 67
    GET_CURRENT_CGROUP_ID = 80
    SEND_SIGNAL = 109
    PROBE_READ_USER = 112
    PROBE_READ_KERNEL = 113
    PROBE_READ_USER_STR = 114
    PROBE_READ_KERNEL_STR = 115
    SEND_SIGNAL_THREAD = 117
    JIFFIES64 = 118
    GET_NS_CURRENT_PID_TGID = 120
    GET_CURRENT_ANCESTOR_CGROUP_ID = 123
    KTIME_GET_BOOT_NS = 125
    RINGBUF_OUTPUT = 130
    RINGBUF_RESERVE = 131
    RINGBUF_SUBMIT = 132
    RINGBUF_DISCARD = 133
    RINGBUF_QUERY = 134
    GET_TASK_STACK = 141
    COPY_FROM_USER = 148
    PER_CPU_PTR = 153
    THIS_CPU_PTR = 154
    TASK_STORAGE_GET = 156
    TASK_STORAGE_DELETE = 157
    GET_CURRENT_TASK_BTF = 158
    FOR_EACH_MAP_ELEM = 164
    SNPRINTF = 165
    GET_FUNC_IP = 173
    GET_ATTACH_COOKIE = 174
    TASK_PT_REGS = 175
    TRACE_VPRINTK = 177
    KALLSYMS_LOOKUP_NAME = 179
    FIND_VMA = 180
    LOOP = 181
    STRNCMP = 182
    GET_FUNC_ARG = 183
    GET_FUNC_RET = 184
    GET_FUNC_ARG_CNT = 185
    COPY_FROM_USER_TASK = 191
    MAP_LOOKUP_PERCPU_ELEM = 195
    DYNPTR_FROM_MEM = 197
    RINGBUF_RESERVE_DYNPTR = 198
    RINGBUF_SUBMIT_DYNPTR = 199
    RINGBUF_DISCARD_DYNPTR = 200
    DYNPTR_READ = 201
    DYNPTR_WRITE = 202
    DYNPTR_DATA = 203
    KTIME_GET_TAI_NS = 208


class MapType(IntEnum):
    """`enum bpf_map_type`, for `Module.map`."""

    HASH = 1
    ARRAY = 2
    PROG_ARRAY = 3
    PERF_EVENT_ARRAY = 4
    PERCPU_HASH = 5
    PERCPU_ARRAY = 6
    STACK_TRACE = 7
    CGROUP_ARRAY = 8
    LRU_HASH = 9
    LRU_PERCPU_HASH = 10
    LPM_TRIE = 11
    ARRAY_OF_MAPS = 12
    RINGBUF = 27
    TASK_STORAGE = 29


# Flags of map creation.
F_NO_PREALLOC = 1
F_MMAPABLE = 1 << 10

# Flags of map_update_elem.
ANY = 0
NOEXIST = 1
EXIST = 2

# Flag of task_storage_get: create the element when it is absent.
LOCAL_STORAGE_GET_F_CREATE = 1

# Flags of get_stack.
F_USER_STACK = 1 << 8

# Flags of ringbuf_output, ringbuf_submit and ringbuf_discard.
RB_NO_WAKEUP = 1
RB_FORCE_WAKEUP = 2
