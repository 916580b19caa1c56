#!/usr/bin/env -S dscript -s
/*
 * pygc.d - how long does Python's garbage collector stop a program?
 *
 * For each generation of objects: how often it was collected, how many objects went, and
 * the average, longest and total pause in microseconds; then a distribution.
 *
 * Usage: pygc.d -c 'python3.11 PROGRAM'
 *        pygc.d -p PID
 *
 * Sample:
 *   GENERATION  TOTAL(us)      TIMES  UNREACHABLE   AVG(us)   MAX(us)
 *   0                 519         11          102        47        91
 *   1                 550          1           29       550       550
 *   2                1513          4         2878       378       655
 *   pauses, nanoseconds
 *              value  ------------- Distribution ------------- count
 *               4096 |                                         0
 *               8192 |@@@@@                                    2
 *              16384 |@@@                                      1
 *              32768 |@@@@@@@@@@@@@                            5
 *              65536 |@@@@@@@@@@                               4
 *             131072 |@@@                                      1
 *             262144 |@@@                                      1
 *             524288 |@@@@@                                    2
 *
 * Notes: a Python with probes of its own (configured --with-dtrace), as that of Debian
 * 12 is: dscript -l -n 'python$target:::' -p PID lists them. Nothing is probed while
 * dscript does not run.
 */

#pragma D option quiet

python$target:::gc-start
{
	self->generation = (int)arg0;
	self->start = timestamp;
}

python$target:::gc-done
/self->start/
{
	this->time = timestamp - self->start;
	@total[self->generation] = sum(this->time);
	@times[self->generation] = count();
	@freed[self->generation] = sum((int64_t)arg0);
	@average[self->generation] = avg(this->time);
	@longest[self->generation] = max(this->time);
	@ns = quantize(this->time);
	self->start = 0;
}

END
{
	normalize(@total, 1000);
	normalize(@average, 1000);
	normalize(@longest, 1000);
	printf("%-10s %10s %10s %12s %9s %9s\n", "GENERATION", "TOTAL(us)", "TIMES", "UNREACHABLE",
	    "AVG(us)", "MAX(us)");
	printa("%-10d %@10d %@10d %@12d %@9d %@9d\n", @total, @times, @freed, @average, @longest);
	printa("\npauses, nanoseconds%@d\n", @ns);
}
