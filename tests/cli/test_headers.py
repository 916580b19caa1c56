"""C headers in scripts preprocessed with -C: those of Linux, and those of other systems."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from dscript.headers import without_functions
from tests.command import DSCRIPT

# Of the C library and Linux, of Solaris, of FreeBSD: as scripts of the toolkits include them.
LINUX = [
    "sys/types.h", "sys/param.h", "sys/errno.h", "sys/signal.h", "sys/file.h", "sys/stat.h",
    "sys/fcntl.h", "sys/mman.h", "sys/socket.h", "sys/sysmacros.h", "sys/procfs.h", "sys/time.h",
    "sys/wait.h", "sys/un.h", "netinet/in.h", "netinet/in_systm.h", "netinet/ip.h",
    "netinet/tcp.h", "netinet/udp.h", "netinet/ip_icmp.h", "arpa/inet.h", "unistd.h", "errno.h",
]  # fmt: skip
GNU_C = ["linux/bpf.h", "linux/tcp.h", "linux/perf_event.h", "asm/byteorder.h", "sys/epoll.h",
         "math.h"]  # fmt: skip
FOREIGN = [
    "sys/vnode.h", "sys/proc.h", "sys/thread.h", "sys/cpuvar.h", "sys/ip.h", "sys/kstat.h",
    "sys/scsi/scsi.h", "sys/strsun.h", "sys/isa_defs.h", "sys/byteorder.h", "sys/siginfo.h",
    "sys/fault.h", "sys/mbuf.h", "inet/common.h", "inet/ip.h", "inet/tcp.h",
    "inet/ipclassifier.h", "inet/udp_impl.h", "vm/as.h", "nfs/nfs_clnt.h", "rpc/rpc.h",
    "netinet/tcp_var.h",
]  # fmt: skip


def _run(tmp_path: Path, text: str, *options: str) -> subprocess.CompletedProcess[str]:
    script = tmp_path / "script.d"
    script.write_text(text)
    words = [DSCRIPT, "-Cq", *options, "-s", str(script)]
    return subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("headers", [LINUX, FOREIGN], ids=["Linux", "other systems"])
def test_headers_compile(tmp_path: Path, headers: list[str]) -> None:
    """All of them in one program, with what they must not break."""
    text = "".join(f"#include <{header}>\n" for header in headers)
    done = _run(tmp_path, text + 'BEGIN { printf("%d %d %d", errno, ENOENT, SIGTERM); exit(0); }\n')
    assert (done.stdout.strip(), done.stderr) == ("0 2 15", "")


def test_headers_with_inline_functions(tmp_path: Path) -> None:
    missing = [h for h in GNU_C if not _exists(h)]
    if missing:
        pytest.skip(f"no {missing[0]} here")
    text = "".join(f"#include <{header}>\n" for header in GNU_C)
    done = _run(
        tmp_path,
        text + 'BEGIN { printf("%x %d %d", EPOLLET, BPF_F_CTXLEN_MASK == (0xfffffULL << 32), '
        "sizeof (struct epoll_event)); exit(0); }\n",
    )
    # 1u << 31 and 0xfffff << 32 in the headers; three words, packed on x86-64 alone.
    assert done.stderr == ""
    assert done.stdout.split()[:2] == ["80000000", "1"]


def test_values_of_stub_headers(tmp_path: Path) -> None:
    done = _run(
        tmp_path,
        "#include <sys/fault.h>\n#include <sys/isa_defs.h>\n#include <sys/param.h>\n"
        "#ifdef _BIG_ENDIAN\n#error\n#endif\n"
        'BEGIN { printf("%d %d %d", FLTPAGE, _LP64, MAXPATHLEN); exit(0); }\n',
    )
    assert (done.stdout.strip(), done.stderr) == ("11 1 4096", "")


def test_words_of_gnu_c_stay_names(tmp_path: Path) -> None:
    """GNU cpp would make `unix` and `linux` the number 1."""
    done = _run(tmp_path, "BEGIN { unix = 3; linux = 4; trace(unix + linux); exit(0); }\n")
    assert (done.stdout.strip(), done.stderr) == ("7", "")


def test_own_headers_are_not_the_systems(tmp_path: Path) -> None:
    (tmp_path / "own.h").write_text("enum flags { TOP = 1u << 31 };\n")
    done = _run(tmp_path, '#include "own.h"\nBEGIN { exit(0); }\n', "-xerrtags")
    assert done.returncode == 1
    assert "[D_DECL_ENOFLOW]" in done.stderr
    assert "own.h: " in done.stderr


def test_functions_are_blanked_where_they_are_the_systems() -> None:
    text = (
        '# 1 "/usr/include/x.h" 1 3\nint before;\nstatic int f(int a)\n# 3 "/usr/include/x.h" 3\n'
        "{ if (a) { return '}'; } return 1; }\nstruct s { int a; };\nint g(void);\n"
        '# 2 "own.d" 2\nBEGIN\n{ x = f(1); }\n'
    )
    assert without_functions(text) == (
        '# 1 "/usr/include/x.h" 1 3\nint before;\n\n# 3 "/usr/include/x.h" 3\n\nstruct s '
        '{ int a; };\nint g(void);\n# 2 "own.d" 2\nBEGIN\n{ x = f(1); }\n'
    )


def _exists(header: str) -> bool:
    folders = [Path("/usr/include"), *Path("/usr/include").glob("*-linux-gnu")]
    return any((folder / header).is_file() for folder in folders)
