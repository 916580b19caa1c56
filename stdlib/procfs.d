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

/* pr_stype: what a thread sleeps on. */
inline int SOBJ_NONE = 0;
#pragma D attributes Stable/Stable/Common SOBJ_NONE
inline int SOBJ_MUTEX = 1;
#pragma D attributes Stable/Stable/Common SOBJ_MUTEX
inline int SOBJ_RWLOCK = 2;
#pragma D attributes Stable/Stable/Common SOBJ_RWLOCK
inline int SOBJ_CV = 3;
#pragma D attributes Stable/Stable/Common SOBJ_CV
inline int SOBJ_SEMA = 4;
#pragma D attributes Stable/Stable/Common SOBJ_SEMA
inline int SOBJ_USER = 5;
#pragma D attributes Stable/Stable/Common SOBJ_USER
inline int SOBJ_USER_PI = 6;
#pragma D attributes Stable/Stable/Common SOBJ_USER_PI
inline int SOBJ_SHUTTLE = 7;
#pragma D attributes Stable/Stable/Common SOBJ_SHUTTLE

inline dev_t PRNODEV = (dev_t)-1;  /* pr_ttydev of a process without a terminal */
#pragma D attributes Stable/Stable/Common PRNODEV

typedef struct timestruc {
	long tv_sec;
	long tv_nsec;
} timestruc_t;

/* Start of a process: its monotonic clock's time, as one since 1970. */
translator timestruc_t < struct task_struct *T > {
	tv_sec = (walltimestamp - timestamp + T->group_leader->start_time) / 1000000000;
	tv_nsec = (walltimestamp - timestamp + T->group_leader->start_time) % 1000000000;
};

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
	dev_t pr_ttydev;		/* its terminal, PRNODEV for none */
	timestruc_t pr_start;		/* when it started, since 1970 */
	int pr_argc;			/* number of arguments it was started with */
	uintptr_t pr_argv;		/* their addresses */
	uintptr_t pr_envp;		/* those of its environment */
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
 * another process cannot be reached from there and show as its name, their number as 0.
 * What a process is started with begins at mm->start_stack (fs/binfmt_elf.c): argc, argv[],
 * NULL, envp[], each as wide as its pointers.
 */
inline int __argument_count[struct task_struct *t] =
    t->mm == NULL || t->mm != curthread->mm ? 0 :
    *(int *)copyin(t->mm->start_stack, sizeof (int));
inline uintptr_t __pointer_width[struct task_struct *t] =
    t->mm->task_size > 0xffffffffUL ? 8 : 4;

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
	pr_ttydev = T->signal->tty == NULL ? PRNODEV : (dev_t)((T->signal->tty->driver->major << 20) |
	    (T->signal->tty->driver->minor_start + T->signal->tty->index));
	pr_start = xlate <timestruc_t> (T);
	pr_argc = __argument_count[T];
	pr_argv = T->mm == NULL ? 0 : T->mm->start_stack + __pointer_width[T];
	pr_envp = T->mm == NULL || T->mm != curthread->mm ? 0 :
	    T->mm->start_stack + __pointer_width[T] * (2 + __argument_count[T]);
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
	uintptr_t pr_wchan;		/* what it sleeps on: 0, Linux keeps no such address */
	char pr_stype;			/* the kind of that: SOBJ_NONE */
	char pr_state;
	char pr_sname;			/* pr_state as a letter: S R Z T O */
	short pr_syscall;		/* number of its system call, -1 for none */
	int pr_pri;			/* higher is more urgent: 0-39 shared, 40-139 real time */
	char pr_clname[8];		/* TS shared, RT real time, IDLE, DL deadline */
	char pr_name[16];
	processorid_t pr_onpro;		/* CPU it last ran on */
	processorid_t pr_bindpro;	/* CPU it is bound to, -1 for none */
	psetid_t pr_bindpset;		/* Linux has no processor sets: -1 */
} lwpsinfo_t;

/* The system call is known of the thread that the probe fires in; of any other it is -1. */
translator lwpsinfo_t < struct task_struct *T > {
	/* __TASK_STOPPED 4, __TASK_TRACED 8; PF_IDLE 2, PF_KTHREAD 0x200000: linux/sched.h */
	pr_flag = (T->__state & 0xc ? PR_STOPPED : 0) | (T->__state & 8 ? PR_ISTOP : 0) |
	    (T->__state & 3 ? PR_ASLEEP : 0) | (T->flags & 2 ? PR_IDLE : 0) |
	    (T->flags & 0x200000 ? PR_ISSYS : 0) | (T->ptrace ? PR_PTRACE : 0);
	pr_lwpid = __task_tid(T);
	pr_addr = (uintptr_t)T;
	pr_wchan = 0;
	pr_stype = SOBJ_NONE;
	pr_state = T->exit_state ? SZOMB : T->on_cpu ? SONPROC : T->__state == 0 ? SRUN :
	    T->__state & 0xc ? SSTOP : SSLEEP;
	pr_sname = T->exit_state ? 'Z' : T->on_cpu ? 'O' : T->__state == 0 ? 'R' :
	    T->__state & 0xc ? 'T' : 'S';
	pr_syscall = T != curthread || T->flags & 0x200000 ? -1 : __system_call;
	pr_pri = 139 - T->prio;
	pr_clname = T->policy == 1 || T->policy == 2 ? "RT" : T->policy == 5 ? "IDLE" :
	    T->policy == 6 ? "DL" : "TS";
	pr_name = stringof(T->comm);
	pr_onpro = T->thread_info.cpu;
	pr_bindpro = T->nr_cpus_allowed == 1 ? T->thread_info.cpu : -1;
	pr_bindpset = -1;
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
