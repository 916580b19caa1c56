"""lockstat: waiting for locks, against the kernel's own tracepoints.

Locks that are had at once need kernel functions (tests/vm/checks_statistics.py).
"""

from __future__ import annotations

from pathlib import Path

from tests.providers.derived_support import traced

# Many processes make and remove files in one folder, whose semaphore they all want; others
# write to one pipe, which has a mutex.
CONTEND = (
    "source, sink = os.pipe()\n"
    "def files(n):\n"
    "    for i in range(1500):\n"
    "        name = os.path.join({folder!r}, f'{{n}}.{{i}}')\n"
    "        os.close(os.open(name, os.O_CREAT | os.O_WRONLY))\n        os.unlink(name)\n"
    "def pipes(n):\n"
    "    for _ in range(4000): os.write(sink, b'x' * 2000); os.read(source, 2000)\n"
    "children = []\n"
    "for work in (files, pipes):\n"
    "    for n in range(4):\n"
    "        child = os.fork()\n"
    "        if child == 0:\n            work(n)\n            os._exit(0)\n"
    "        children.append(child)\n"
    "for child in children: os.waitpid(child, 0)\n"
)


def test_waiting_is_what_the_tracepoints_say(tmp_path: Path) -> None:
    """Number and time of the waits of every kind, paired here by hand.

    Of contention_begin's flags (arg1) bit 0 is spinning, 1 and 2 a reader or writer, 4 a
    per-CPU lock, 5 a mutex; a lock may begin more than once before it is had.
    """
    locks = tmp_path / "locks"
    locks.mkdir()
    seen, _ = traced(
        tmp_path,
        "uint64_t at[uint64_t, int]; int kind[uint64_t, int]; "
        "sdt:lock::contention_begin /curthread->pid/ { "
        "at[arg0, curthread->pid] = kind[arg0, curthread->pid] & 64 ? "
        "at[arg0, curthread->pid] : timestamp; "
        "kind[arg0, curthread->pid] |= (int)(arg1 & 63) | (arg1 & 1 ? 0 : 64); } "
        "sdt:lock::contention_end /at[arg0, curthread->pid] && !(int)arg1/ { "
        "this->k = kind[arg0, curthread->pid]; "
        '@n[this->k & 32 ? (this->k & 64 ? "adaptive-block" : "adaptive-spin") : this->k & 64 ? '
        '(this->k & 6 && !(this->k & 16) ? "rw-block" : "other") : "spin-spin"] = '
        "sum(timestamp - at[arg0, curthread->pid]); "
        '@c[this->k & 32 ? (this->k & 64 ? "adaptive-block" : "adaptive-spin") : this->k & 64 ? '
        '(this->k & 6 && !(this->k & 16) ? "rw-block" : "other") : "spin-spin"] = count(); } '
        "sdt:lock::contention_end "
        "{ at[arg0, curthread->pid] = 0; kind[arg0, curthread->pid] = 0; } "
        "lockstat:::*-block, lockstat:::*-spin /curthread->pid/ { @m[probename] = count(); "
        "@u[probename] = sum(arg1); @ok[probename] = sum(arg0 != 0); } "
        'END { printa("hand %s %@d %@d\\n", @c, @n); '
        'printa("own %s %@d %@d %@d\\n", @m, @u, @ok); }',
        CONTEND.format(folder=str(locks)),
    )
    hand = {words[1]: [int(word) for word in words[2:]] for words in seen if words[0] == "hand"}
    own = {words[1]: [int(word) for word in words[2:]] for words in seen if words[0] == "own"}
    assert own["rw-block"][0] >= 5
    for name, (count, time, addresses) in own.items():
        # The programs run one after the other: one may miss what the other has seen begin.
        others, other_time = hand.get(name, [0, 0])
        assert abs(count - others) <= 3 + count // 20, (name, own, hand)
        assert abs(time - other_time) <= 5_000_000 + 0.3 * time, (name, own, hand)
        assert addresses == count


def test_who_held_a_semaphore(tmp_path: Path) -> None:
    """Makers of files are writers, and wait for writers or readers, never for nobody."""
    locks = tmp_path / "locks"
    locks.mkdir()
    seen, _ = traced(
        tmp_path,
        "lockstat:::rw-block /progenyof($target)/ "
        "{ @[args[2] == RW_WRITER, args[3], args[4] > 0] = count(); } "
        'END { printa("%d %d %d %@d\\n", @); }',
        CONTEND.format(folder=str(locks)),
    )
    found = {tuple(map(int, words[:3])): int(words[3]) for words in seen}
    writers = {key: count for key, count in found.items() if key[0]}
    assert sum(writers.values()) >= 5
    assert (
        all(key[1] or key[2] for key in writers)
        or sum(count for key, count in writers.items() if not (key[1] or key[2]))
        < sum(writers.values()) / 2
    )
