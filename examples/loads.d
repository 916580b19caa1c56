#!/usr/bin/env -S dscript -s
/*
 * loads.d - what are the load averages?
 *
 * Prints the averages of 1, 5 and 15 minutes from the kernel's own variable, as uptime(1) does:
 * how a D program reads the kernel's data and its fixed-point numbers.
 *
 * Usage: loads.d [interval]
 *     interval   seconds between lines; one line if not given
 *
 * Sample:
 *     2026 Nov 21 10:10:28  load averages: 1.45, 0.52, 0.19
 *     2026 Nov 21 10:10:29  load averages: 1.45, 0.52, 0.19
 *     2026 Nov 21 10:10:30  load averages: 1.34, 0.51, 0.19
 *
 * Notes: On Linux threads that wait for a disk count as load.  Needs a kernel that keeps the names
 *     of its variables (CONFIG_KALLSYMS_ALL), as distributions' do.
 */

#pragma D option quiet
#pragma D option defaultargs

/* Eleven bits are the fraction; hundredths, rounded as /proc/loadavg does. */
inline uint64_t hundredths[uint64_t load] = ((load + 10) * 100) >> 11;

profile:::tick-1s,
dtrace:::BEGIN
/elapsed++ % ($1 ? $1 : 1) == 0/
{
	this->one = hundredths[`avenrun[0]];
	this->five = hundredths[`avenrun[1]];
	this->fifteen = hundredths[`avenrun[2]];
	printf("%Y  load averages: %d.%02d, %d.%02d, %d.%02d\n", walltimestamp,
	    this->one / 100, this->one % 100, this->five / 100, this->five % 100,
	    this->fifteen / 100, this->fifteen % 100);
}

dtrace:::BEGIN
/$1 == 0/
{
	exit(0);
}
