#!/usr/sbin/dtrace -qs
tick-5s { printf("%d %d\n", `k_anoninfo.ani_max, `swapfs_minfree); }
