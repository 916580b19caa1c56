/*
 * The CPU that the probe fires on, as the manual's chapter "sched Provider" has it; cpuinfo_t is in
 * procfs.d.
 */
#pragma D depends_on library procfs.d

inline psetid_t pset = 0;  /* Linux has no processor sets */
#pragma D attributes Stable/Stable/Common pset
inline chipid_t chip = __cpu_chip(cpu);  /* physical package */
#pragma D attributes Stable/Stable/Common chip
inline lgrp_id_t lgrp = __cpu_lgrp(cpu);  /* memory node */
#pragma D attributes Stable/Stable/Common lgrp
