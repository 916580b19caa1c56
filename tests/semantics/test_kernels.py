"""Variables and members of other kernels (stdlib/kernels.d), against what the system says."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from dscript.kernel import btf_types
from tests.command import DSCRIPT


def run(program: str, *options: str, **kinds: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [DSCRIPT, "-q", *options, "-n", program],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        **kinds,  # type: ignore[call-overload]
    )


def values(expressions: dict[str, str], **kinds: object) -> dict[str, str]:
    """What each expression prints in its printf format, in one program."""
    clauses = "".join(f'printf("{text}\\n", {e}); ' for e, text in expressions.items())
    done = run(f"BEGIN {{ {clauses} exit(0); }}", **kinds)
    assert done.stderr == ""
    return dict(zip(expressions, done.stdout.splitlines(), strict=False))


def _meminfo(name: str) -> int:
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024 // os.sysconf("SC_PAGE_SIZE")
    raise AssertionError(name)


def test_figures_of_the_system() -> None:
    numbers = {
        name: int(text)
        for name, text in values(
            {
                f"`{name}": "%d"
                for name in (
                    *("hp_avenrun[0]", "hp_avenrun[2]", "avenrun[1]", "freemem", "availrmem"),
                    *("physmem", "_pagesize", "ncpus", "ncpus_online", "nproc", "lbolt", "hz"),
                    *("swapfs_minfree", "k_anoninfo.ani_max", "mp_ncpus", "max_ncpus"),
                )
            }
        ).items()
    }
    one, five, fifteen = os.getloadavg()
    assert numbers["`hp_avenrun[0]"] / 65536 == pytest.approx(one, abs=1.5)
    assert numbers["`avenrun[1]"] / 2048 == pytest.approx(five, abs=1.0)
    assert numbers["`hp_avenrun[2]"] / 65536 == pytest.approx(fifteen, abs=0.5)
    assert numbers["`physmem"] == pytest.approx(_meminfo("MemTotal"), rel=0.01)
    assert numbers["`freemem"] == pytest.approx(_meminfo("MemFree"), rel=0.5)
    assert numbers["`availrmem"] == pytest.approx(_meminfo("MemAvailable"), rel=0.5)
    assert numbers["`k_anoninfo.ani_max"] == pytest.approx(_meminfo("SwapTotal"), abs=1)
    assert numbers["`_pagesize"] == os.sysconf("SC_PAGE_SIZE")
    assert numbers["`ncpus_online"] == numbers["`mp_ncpus"] == os.sysconf("SC_NPROCESSORS_ONLN")
    assert numbers["`ncpus"] == numbers["`max_ncpus"] == os.sysconf("SC_NPROCESSORS_CONF")
    assert numbers["`nproc"] == pytest.approx(len(list(Path("/proc").glob("[0-9]*"))), abs=60)
    uptime = float(Path("/proc/uptime").read_text().split()[0])
    assert numbers["`lbolt"] / numbers["`hz"] == pytest.approx(uptime, abs=60)
    assert numbers["`swapfs_minfree"] == 0


def test_figures_follow_the_system() -> None:
    """They are brought up to date while tracing goes on."""
    done = run(
        "BEGIN { n = 0; } tick-100ms { @[`freemem] = count(); } tick-3s { exit(0); }",
        "-x",
        "statusrate=100ms",
    )
    assert done.stderr == ""
    assert len(done.stdout.split()) > 4, "free memory stayed what it was for three seconds"


def test_names_of_the_system() -> None:
    found = values({f"`utsname.{name}": "%s" for name in ("sysname", "nodename", "release")})
    assert list(found.values()) == [os.uname().sysname, os.uname().nodename, os.uname().release]
    with pytest.raises(AssertionError):
        values({"`nosuchname": "%d"})


@pytest.mark.parametrize(
    "expressions",
    [
        {
            "curthread->t_procp->p_pidp->pid_id == pid": "1",
            "curthread->t_procp->p_parent->p_pidp->pid_id == ppid": "1",
            "curthread->t_procp->p_ppid == ppid": "1",
            "curthread->t_procp->p_user.u_comm": "dscript",
            "curthread->t_procp->p_parent->p_user.u_comm": "{parent}",
            "curthread->t_procp->p_user.u_psargs": "{arguments}",
            "curthread->t_procp->p_user.u_cdir->v_path": "{folder}",
            "curthread->t_tid == tid": "1",
            "curthread->t_cpu->cpu_id == cpu": "1",
            "curthread->t_pri == curlwpsinfo->pr_pri": "1",
            "curthread->t_procp->p_cred->cr_uid == euid": "1",
            "curthread->t_procp->p_zone->zone_name": "global",
            "curthread->t_procp->p_lwpcnt >= 1": "1",
        },
        {
            "curthread->td_proc->p_comm": "dscript",
            "curthread->td_proc->p_pid == pid": "1",
            "curthread->td_name": "dscript",
            "curthread->td_tid == tid": "1",
            "curproc->p_comm": "dscript",
            "curproc->p_pid == pid": "1",
        },
        {
            "curpsinfo->pr_projid + curpsinfo->pr_zoneid + curpsinfo->pr_taskid": "0",
            "curpsinfo->pr_poolid": "0",
            "curpsinfo->pr_psargs": "{arguments}",
            "curpsinfo->pr_dmodel == PR_MODEL_LP64": "1",
            "curlwpsinfo->pr_clname": "TS",
            "zonename": "global",
        },
    ],
    ids=["Solaris", "FreeBSD and macOS", "psinfo"],
)
def test_members(tmp_path: Path, expressions: dict[str, str]) -> None:
    texts = {e: "%d" if want in ("0", "1") else "%s" for e, want in expressions.items()}
    found = values(texts, cwd=tmp_path)
    own = str(Path(sys.executable).parent)  # the interpreter of the command, then the command
    for expression, want in expressions.items():
        shown = want.format(
            parent=Path("/proc/self/comm").read_text().strip(),
            folder=tmp_path,
            arguments=own,
        )
        if want == "{arguments}":
            assert found[expression].startswith(own[:60]), expression
        else:
            assert found[expression] == shown, expression


def test_the_files_of_a_process(tmp_path: Path) -> None:
    """The path of a descriptor, as the scripts of the toolkit come by it."""
    path = tmp_path / "in.txt"
    path.write_text("x")
    program = (
        "BEGIN { this->filep = curthread->t_procp->p_user.u_finfo.fi_list[0].uf_file; "
        "this->vnodep = this->filep != 0 ? this->filep->f_vnode : 0; "
        "self->vpath = this->vnodep ? (this->vnodep->v_path != 0 ? "
        'cleanpath(this->vnodep->v_path) : "<unknown>") : "<unknown>"; '
        'printf("%s\\n%s", self->vpath, curthread->t_procp->p_user.u_finfo.fi_list[0].uf_file->'
        "f_vnode->v_path); exit(0); }"
    )
    with path.open() as file:
        done = run(program, stdin=file)
    assert (done.stdout.splitlines(), done.stderr) == ([str(path)] * 2, "")


@pytest.mark.skipif(
    btf_types.struct("task_struct") is None
    or btf_types.struct("task_struct").find("sched_task_group") is None,  # type: ignore[union-attr]
    reason="this kernel has no group scheduling, through which a thread's queue is found",
)
def test_threads_that_wait_for_the_cpu() -> None:
    busy = "import time\nend = time.time() + 20\nwhile time.time() < end: pass"
    many = [
        subprocess.Popen([sys.executable, "-c", busy])
        for _ in range(3 * (os.sysconf("SC_NPROCESSORS_ONLN") or 1))
    ]
    try:
        done = run(
            "profile-97 { @ = max(curthread->t_cpu->cpu_disp->disp_nrunnable); } "
            "tick-2s { exit(0); }"
        )
    finally:
        for process in many:
            process.kill()
            process.wait()
    assert int(done.stdout) >= 1, done.stderr


def test_compat_none_and_own_names() -> None:
    done = run("BEGIN { trace(`hp_avenrun[0]); }", "-xcompat=none", "-xerrtags")
    assert "[D_IDENT_UNDEF] failed to resolve `hp_avenrun" in done.stderr
    done = run("BEGIN { trace(curthread->t_procp); }", "-xcompat=none", "-xerrtags")
    assert "[D_TYPE_MEMBER] t_procp is not a member of struct task_struct" in done.stderr
    # What a program declares itself is meant.
    own = "struct other { int t_pri; }; BEGIN { curproc = 5; o = (struct other *)alloca(4); "
    done = run(own + "o->t_pri = 3; trace(curproc + o->t_pri); exit(0); }")
    assert (done.stdout.strip(), done.stderr) == ("8", "")


def test_what_was_taken_is_told_on_request() -> None:
    done = run("BEGIN { trace(`hp_avenrun[0]); trace(curthread->t_pri); exit(0); }", "-v")
    assert (
        "dscript: `hp_avenrun, which this kernel does not name, is computed from what Linux has; "
        "-x compat=none turns this off" in done.stderr
    )
    assert "dscript: t_pri, no member of struct task_struct, is computed from " in done.stderr
