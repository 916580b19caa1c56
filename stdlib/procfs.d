/*
 * Processes and threads: psinfo_t, lwpsinfo_t and cpuinfo_t as the manual's chapters "proc
 * Provider" and "sched Provider" have them, computed from the kernel's struct task_struct.
 * Linux has no projects, tasks, zones and pools: their IDs are 0.
 */

/* pr_dmodel: the width of a process's pointers. */
inline char PR_MODEL_UNKNOWN = 0;
#pragma D attributes Stable/Stable/Common PR_MODEL_UNKNOWN
inline char PR_MODEL_ILP32 = 1;
#pragma D attributes Stable/Stable/Common PR_MODEL_ILP32
inline char PR_MODEL_LP64 = 2;
#pragma D attributes Stable/Stable/Common PR_MODEL_LP64

/* pr_flag: those of a thread's conditions that Linux has. */
inline int PR_STOPPED = 0x1;  /* stopped, by a signal or its tracer */
#pragma D attributes Stable/Stable/Common PR_STOPPED
inline int PR_ISTOP = 0x2;  /* stopped by its tracer */
#pragma D attributes Stable/Stable/Common PR_ISTOP
inline int PR_ASLEEP = 0x10;  /* waits for something */
#pragma D attributes Stable/Stable/Common PR_ASLEEP
inline int PR_IDLE = 0x400;  /* a CPU's idle thread */
#pragma D attributes Stable/Stable/Common PR_IDLE
inline int PR_ISSYS = 0x1000;  /* a thread of the kernel */
#pragma D attributes Stable/Stable/Common PR_ISSYS
inline int PR_PTRACE = 0x8000000;  /* has a tracer, ptrace(2) */
#pragma D attributes Stable/Stable/Common PR_PTRACE

/* pr_state: what a thread is doing. */
inline int SSLEEP = 1;  /* waits for something */
#pragma D attributes Stable/Stable/Common SSLEEP
inline int SRUN = 2;  /* waits for a CPU */
#pragma D attributes Stable/Stable/Common SRUN
inline int SZOMB = 3;  /* has ended */
#pragma D attributes Stable/Stable/Common SZOMB
inline int SSTOP = 4;  /* is stopped or traced */
#pragma D attributes Stable/Stable/Common SSTOP
inline int SIDL = 5;  /* is being made */
#pragma D attributes Stable/Stable/Common SIDL
inline int SONPROC = 6;  /* is on a CPU */
#pragma D attributes Stable/Stable/Common SONPROC

typedef struct psinfo {
	int pr_nlwp;			/* number of threads */
	pid_t pr_pid;
	pid_t pr_ppid;
	pid_t pr_pgid;
	pid_t pr_sid;
	uid_t pr_uid;
	uid_t pr_euid;
	gid_t pr_gid;
	gid_t pr_egid;
	uintptr_t pr_addr;		/* address of the task_struct */
	int pr_taskid;
	int pr_projid;
	int pr_poolid;
	int pr_zoneid;
	int pr_wstat;			/* what wait(2) gives, once the process has ended */
	char pr_dmodel;
	char pr_fname[16];		/* name of the executed file */
	char pr_psargs[81];		/* first characters of the arguments, blanks between */
} psinfo_t;

/*
 * The arguments are read from the memory of the process that the probe fires in; those of
 * another process cannot be reached from there and show as its name.
 */
translator psinfo_t < struct task_struct *T > {
	pr_nlwp = T->signal->nr_threads;
	pr_pid = __task_pid(T);
	pr_ppid = __task_pid(T->real_parent);
	pr_pgid = T->signal->pids[2]->numbers[0].nr;	/* PIDTYPE_PGID */
	pr_sid = T->signal->pids[3]->numbers[0].nr;	/* PIDTYPE_SID */
	pr_uid = T->real_cred->uid.val;
	pr_euid = T->real_cred->euid.val;
	pr_gid = T->real_cred->gid.val;
	pr_egid = T->real_cred->egid.val;
	pr_addr = (uintptr_t)T;
	pr_taskid = 0;
	pr_projid = 0;
	pr_poolid = 0;
	pr_zoneid = 0;
	pr_wstat = T->exit_code;
	pr_dmodel = T->mm == NULL || T->mm->task_size > 0xffffffffUL ?
	    PR_MODEL_LP64 : PR_MODEL_ILP32;
	pr_fname = stringof(T->group_leader->comm);
	pr_psargs = __task_arguments(T);
};

typedef struct lwpsinfo {
	int pr_flag;			/* PR_* */
	id_t pr_lwpid;
	uintptr_t pr_addr;		/* address of the task_struct */
	char pr_state;
	char pr_sname;			/* pr_state as a letter: S R Z T O */
	int pr_pri;			/* higher is more urgent: 0-39 shared, 40-139 real time */
	char pr_clname[8];		/* TS shared, RT real time, IDLE, DL deadline */
	char pr_name[16];
	processorid_t pr_onpro;		/* CPU it last ran on */
	processorid_t pr_bindpro;	/* CPU it is bound to, -1 for none */
} lwpsinfo_t;

translator lwpsinfo_t < struct task_struct *T > {
	/* __TASK_STOPPED 4, __TASK_TRACED 8; PF_IDLE 2, PF_KTHREAD 0x200000: linux/sched.h */
	pr_flag = (T->__state & 0xc ? PR_STOPPED : 0) | (T->__state & 8 ? PR_ISTOP : 0) |
	    (T->__state & 3 ? PR_ASLEEP : 0) | (T->flags & 2 ? PR_IDLE : 0) |
	    (T->flags & 0x200000 ? PR_ISSYS : 0) | (T->ptrace ? PR_PTRACE : 0);
	pr_lwpid = __task_tid(T);
	pr_addr = (uintptr_t)T;
	pr_state = T->exit_state ? SZOMB : T->on_cpu ? SONPROC : T->__state == 0 ? SRUN :
	    T->__state & 0xc ? SSTOP : SSLEEP;
	pr_sname = T->exit_state ? 'Z' : T->on_cpu ? 'O' : T->__state == 0 ? 'R' :
	    T->__state & 0xc ? 'T' : 'S';
	pr_pri = 139 - T->prio;
	pr_clname = T->policy == 1 || T->policy == 2 ? "RT" : T->policy == 5 ? "IDLE" :
	    T->policy == 6 ? "DL" : "TS";
	pr_name = stringof(T->comm);
	pr_onpro = T->thread_info.cpu;
	pr_bindpro = T->nr_cpus_allowed == 1 ? T->thread_info.cpu : -1;
};

typedef struct cpuinfo {
	processorid_t cpu_id;
	int cpu_pset;			/* Linux has no processor sets: 0 */
	int cpu_chip;			/* package */
	int cpu_lgrp;			/* memory node */
} cpuinfo_t;

translator cpuinfo_t < processorid_t C > {
	cpu_id = C;
	cpu_pset = 0;
	cpu_chip = __cpu_chip(C);
	cpu_lgrp = __cpu_lgrp(C);
};

inline psinfo_t *curpsinfo = xlate <psinfo_t *> (curthread);
#pragma D attributes Stable/Stable/Common curpsinfo
inline lwpsinfo_t *curlwpsinfo = xlate <lwpsinfo_t *> (curthread);
#pragma D attributes Stable/Stable/Common curlwpsinfo
inline cpuinfo_t *curcpu = xlate <cpuinfo_t *> (cpu);
#pragma D attributes Stable/Stable/Common curcpu
inline string zonename = "global";
#pragma D attributes Stable/Stable/Common zonename

/* The arguments of the process, as FreeBSD's scripts name them. */
inline string execargs = curpsinfo->pr_psargs;
