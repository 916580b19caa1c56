/*
 * The control group that the thread is in: in the unified hierarchy (cgroup v2), with the number
 * that bpf_get_current_cgroup_id() gives, which is that of its folder (ls -di), and its path below
 * the root of the hierarchy as /proc/PID/cgroup has it.
 */
inline uint64_t cgroup = curthread->cgroups->dfl_cgrp->kn->id;
#pragma D attributes Evolving/Evolving/Common cgroup
inline string cgroup_path = __cgroup_path(curthread->cgroups->dfl_cgrp->kn);
#pragma D attributes Evolving/Evolving/Common cgroup_path
