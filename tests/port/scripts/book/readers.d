#!/usr/sbin/dtrace -s
profile-199 /arg0/ { @k[func(arg0)] = count(); }
profile-199 /arg1/ { @u[execname, ufunc(arg1)] = count(); }
END { trunc(@k, 10); trunc(@u, 10); }
