#!/usr/sbin/dtrace -s
#pragma D option quiet
#pragma D option destructive
inline int LINES = 10;
syscall:::entry { @[probefunc] = count(); }
profile:::tick-1sec
{
	system("clear");
	printf("load %d.%02d\n", `hp_avenrun[0] / 65536, (`hp_avenrun[0] % 65536) * 100 / 65536);
	trunc(@, LINES);
	printa("%-20s %@10d\n", @);
	clear(@);
}
