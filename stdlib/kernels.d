/*
 * Variables and structure members of other kernels that have a meaning on Linux, for scripts that
 * name them.  __kernel_NAME is what `NAME stands for where this kernel has no such symbol;
 * __member_STRUCT_NAME what NAME is of a struct STRUCT that has no such member.  Scripts that
 * name Linux's own never get here (dscript/semantics/kernels.py).
 */
#pragma D depends_on library procfs.d
#pragma D depends_on library files.d

/* ------------------------------------------------------------------------ Solaris, illumos */

/* Load averages: hp_avenrun has 16 bits of fraction; avenrun is Linux's own, with 11. */
inline int __kernel_hp_avenrun[int n] = (int)__system(n);
inline unsigned long __kernel_avenrun[int n] = (unsigned long)__system(n) >> 5;

/* Memory in pages. */
inline unsigned long __kernel_freemem = (unsigned long)__system(3);
inline unsigned long __kernel_availrmem = (unsigned long)__system(4);
inline unsigned long __kernel_availsmem = (unsigned long)(__system(4) + __system(7));
inline unsigned long __kernel_physmem = (unsigned long)__system(5);
inline unsigned long __kernel_maxmem = (unsigned long)__system(5);
inline unsigned long __kernel_physinstalled = (unsigned long)__system(5);
inline unsigned long __kernel__pagesize = (unsigned long)__system(10);
inline unsigned long __kernel_swapfs_minfree = 0;

/* Swap space: what a process reserves is not counted on Linux, only what is in use. */
typedef struct __anoninfo {
	unsigned long ani_max;
	unsigned long ani_free;
	unsigned long ani_phys_resv;
	unsigned long ani_mem_resv;
	unsigned long ani_locked_swap;
} __anoninfo_t;
translator __anoninfo_t < int I > {
	ani_max = (unsigned long)__system(6);
	ani_free = (unsigned long)__system(7);
	ani_phys_resv = (unsigned long)(__system(6) - __system(7));
	ani_mem_resv = 0;
	ani_locked_swap = 0;
};
inline __anoninfo_t __kernel_k_anoninfo = xlate <__anoninfo_t> (0);

inline int __kernel_nproc = (int)__system(8);
inline int __kernel_ncpus_online = (int)__system(9);
inline int __kernel_ncpus = (int)__system(11);
inline int __kernel_max_ncpus = (int)__system(11);

/* The clock: 100 ticks a second since boot. */
inline int __kernel_hz = 100;
inline long __kernel_lbolt = (long)(timestamp / 10000000);
inline int64_t __kernel_lbolt64 = (int64_t)(timestamp / 10000000);
inline long __kernel_time = (long)(walltimestamp / 1000000000);
inline char *__kernel_panicstr = (char *)NULL;

/* The process ID given out last, in the thread's PID namespace. */
inline pid_t __kernel_mpid = (pid_t)curthread->nsproxy->pid_ns_for_children->idr.idr_next - 1;
inline string __kernel_nodename = stringof(curthread->nsproxy->uts_ns->name.nodename);
inline struct new_utsname __kernel_utsname = curthread->nsproxy->uts_ns->name;

/* ------------------------------------------------------------------------ FreeBSD, macOS */

inline int __kernel_mp_ncpus = (int)__system(9);
inline int __kernel_physical_ncpu = (int)__system(11);
inline string __kernel_hostname = stringof(curthread->nsproxy->uts_ns->name.nodename);
inline struct task_struct *curproc = curthread->group_leader;

/* ------------------------------------------------------------------------ threads */

typedef struct task_struct kthread_t;
typedef struct task_struct proc_t;

inline struct task_struct *__member_task_struct_t_procp[struct task_struct *T] = T->group_leader;
inline struct task_struct *__member_task_struct_t_lwp[struct task_struct *T] = T;
inline struct task_struct *__member_task_struct_t_cpu[struct task_struct *T] = T;
inline int __member_task_struct_t_pri[struct task_struct *T] = 139 - T->prio;
inline id_t __member_task_struct_t_tid[struct task_struct *T] = __task_tid(T);
inline int64_t __member_task_struct_t_did[struct task_struct *T] = __task_tid(T);
inline const struct cred *__member_task_struct_t_cred[struct task_struct *T] = T->cred;

inline struct task_struct *__member_task_struct_td_proc[struct task_struct *T] = T->group_leader;
inline string __member_task_struct_td_name[struct task_struct *T] = stringof(T->comm);
inline id_t __member_task_struct_td_tid[struct task_struct *T] = __task_tid(T);
inline const struct cred *__member_task_struct_td_ucred[struct task_struct *T] = T->cred;

/* ------------------------------------------------------------------------ processes */

inline struct task_struct *__member_task_struct_p_parent[struct task_struct *T] =
    T->real_parent;
inline struct task_struct *__member_task_struct_p_pptr[struct task_struct *T] = T->real_parent;
inline struct task_struct *__member_task_struct_p_user[struct task_struct *T] = T;
inline struct task_struct *__member_task_struct_p_pidp[struct task_struct *T] = T;
inline struct task_struct *__member_task_struct_p_args[struct task_struct *T] = T;
inline struct task_struct *__member_task_struct_p_zone[struct task_struct *T] = T;
inline pid_t __member_task_struct_pid_id[struct task_struct *T] = __task_pid(T);
inline pid_t __member_task_struct_p_pid[struct task_struct *T] = __task_pid(T);
inline pid_t __member_task_struct_p_ppid[struct task_struct *T] = __task_pid(T->real_parent);
inline string __member_task_struct_p_comm[struct task_struct *T] =
    stringof(T->group_leader->comm);
inline string __member_task_struct_p_name[struct task_struct *T] =
    stringof(T->group_leader->comm);
inline string __member_task_struct_u_comm[struct task_struct *T] =
    stringof(T->group_leader->comm);
inline string __member_task_struct_u_psargs[struct task_struct *T] = __task_arguments(T);
inline string __member_task_struct_ar_args[struct task_struct *T] = __task_arguments(T);
inline string __member_task_struct_zone_name[struct task_struct *T] = "global";
inline int __member_task_struct_zone_id[struct task_struct *T] = 0;
inline int __member_task_struct_p_lwpcnt[struct task_struct *T] = T->signal->nr_threads;
inline const struct cred *__member_task_struct_p_cred[struct task_struct *T] = T->cred;
inline const struct cred *__member_task_struct_p_ucred[struct task_struct *T] = T->cred;
inline struct file *__member_task_struct_p_exec[struct task_struct *T] = T->mm->exe_file;
inline struct file *__member_task_struct_p_textvp[struct task_struct *T] = T->mm->exe_file;

inline uid_t __member_cred_cr_uid[struct cred *C] = C->euid.val;
inline uid_t __member_cred_cr_ruid[struct cred *C] = C->uid.val;
inline gid_t __member_cred_cr_gid[struct cred *C] = C->egid.val;
inline gid_t __member_cred_cr_rgid[struct cred *C] = C->gid.val;

/* ------------------------------------------------------------------------ files */

inline struct task_struct *__member_task_struct_u_finfo[struct task_struct *T] = T;
inline struct file **__member_task_struct_fi_list[struct task_struct *T] = T->files->fdt->fd;
inline unsigned int __member_task_struct_fi_nfiles[struct task_struct *T] =
    T->files->fdt->max_fds;
inline struct path *__member_task_struct_u_cdir[struct task_struct *T] = &T->fs->pwd;
inline struct path *__member_task_struct_u_rdir[struct task_struct *T] = &T->fs->root;

inline struct file *__member_file_uf_file[struct file *F] = F;
inline struct file *__member_file_f_vnode[struct file *F] = F;
inline off_t __member_file_f_offset[struct file *F] = F->f_pos;
inline string __member_file_v_path[struct file *F] =
    F->f_inode->i_sb->s_flags & 0x80000000UL ? "<unknown>" : d_path(&F->f_path);
inline string __member_path_v_path[struct path *P] = d_path(P);

/* ------------------------------------------------------------------------ CPUs */

inline processorid_t __member_task_struct_cpu_id[struct task_struct *T] = T->thread_info.cpu;
inline struct rq *__member_task_struct_cpu_disp[struct task_struct *T] = T->se.cfs_rq->rq;
/* Threads that wait for the CPU; Linux counts the one that runs among them. */
inline int __member_rq_disp_nrunnable[struct rq *R] =
    (int)R->nr_running - (R->curr != R->idle ? 1 : 0);
