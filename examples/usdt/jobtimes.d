#!/usr/bin/env -S dscript -s
/*
 * jobtimes.d - which jobs does the program run, what comes out, and how long does each take?
 *
 * Reads the probes that jobs.c and jobs.cc define (jobs.d).
 *
 * Usage: jobtimes.d -c ./jobs-c, or -p PID of one that runs
 *
 * Sample:
 *     JOB NAME         RESULT       MICROSECONDS
 *       0 sum-0        500500       54
 *       1 product-1    28665        41
 */

#pragma D option quiet

BEGIN
{
	printf("%3s %-12s %-12s %s\n", "JOB", "NAME", "RESULT", "MICROSECONDS");
}

jobs$target:::job-start
{
	self->began = timestamp;
	self->name = copyinstr(arg1);
}

jobs$target:::job-done
/self->began/
{
	printf("%3d %-12s %-12d %d\n", args[0], self->name, arg1, (timestamp - self->began) / 1000);
	self->began = 0;
	self->name = 0;
}
