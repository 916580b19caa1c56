"""Providers that programs and language runtimes define on other systems, and on Linux if built so.

A script names `perl$target:::sub-entry` or `hotspot*:::method-entry`; where no process has such
probes, these are the conditions under which one has, and the probes of Linux that come nearest.
"""

from __future__ import annotations

import re

_JVM = (
    "a Java virtual machine whose libjvm.so was built with them, run with -XX:+ExtendedDTraceProbes"
)
_LOCKS = "pid$target:libc:pthread_mutex_lock:entry, syscall::futex:entry"

# Provider -> (who has such probes on Linux, what is nearest otherwise).
_KNOWN: dict[str, tuple[str, str]] = {
    "hotspot": (f"{_JVM}, has them", "profile-97 with jstack(), pid$target:libjvm::entry"),
    "hotspot_jni": (f"{_JVM}, has them", "pid$target:libjvm:jni_*:entry"),
    "javascript": ("only old builds of Mozilla had them", "profile-97 with ustack()"),
    "trace_mozilla": ("only old builds of Mozilla had them", "profile-97 with ustack()"),
    "node": (
        "Node.js has none since version 19",
        "profile-97 with ustack() of node --perf-basic-prof",
    ),
    "perl": (
        "a perl built with -Dusedtrace has them",
        "pid$target:a.out:Perl_pp_entersub:entry",
    ),
    "php": (
        "a php built with --enable-dtrace, run with USE_ZEND_DTRACE=1, has them",
        "pid$target:a.out:execute_ex:entry",
    ),
    "python": (
        "a python built with --with-dtrace has gc-start, gc-done, import-find-load-start and "
        "audit, and up to 3.10 function-entry and function-return",
        "pid$target:a.out:_PyEval_EvalFrameDefault:entry",
    ),
    "ruby": (
        "a ruby built with --enable-dtrace calls them method-entry, method-return, object-create, "
        "gc-mark-begin and gc-sweep-end",
        "pid$target:libruby*:rb_funcall*:entry",
    ),
    "tcl": (
        "a Tcl library built with --enable-dtrace has them",
        "pid$target:libtcl*:Tcl_EvalObjv:entry",
    ),
    "sh": (
        "only a patched Bourne shell has them",
        "pid$target:a.out:execute_command_internal:entry of bash, proc:::exec-success",
    ),
    "mysql": ("MySQL has none since version 8.0", "pid$target:a.out:*dispatch_command*:entry"),
    "postgresql": (
        "a PostgreSQL built with --enable-dtrace has them",
        "pid$target:a.out:exec_simple_query:entry",
    ),
    "plockstat": ("the C library of Linux has none", _LOCKS),
    "objc": ("Linux programs seldom have Objective-C", "pid$target:libobjc:objc_msg*:entry"),
    "http": ("only a patched web server has them", "syscall::accept4:return, tcp:::receive"),
    "httpd": ("only a patched web server has them", "syscall::accept4:return, tcp:::receive"),
    "apache": ("only a patched web server has them", "syscall::accept4:return, tcp:::receive"),
    "ftp": ("only a patched server has them", "syscall::accept4:return, tcp:::receive"),
    "Xserver": ("an X server built with --enable-dtrace has them", "syscall::recvmsg:return"),
    "erlang": (
        "an Erlang built with --with-dynamic-trace=systemtap has them",
        "profile-97 with ustack()",
    ),
}


def nearest(provider: str) -> str | None:
    """What to say of a runtime's provider that no process has; None for any other name.

    `provider` may end in a glob or in the number of a process.
    """
    name = re.sub(r"[*?\d]*\Z", "", provider)
    known = _KNOWN.get(name)
    return None if known is None else f"{known[0]}; nearest on Linux: {known[1]}"
