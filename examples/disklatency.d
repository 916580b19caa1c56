#!/usr/bin/env -S dscript -s
/*
 * disklatency.d - how fast do the disks answer, and how bad does it get?
 *
 * For each disk and direction: I/Os, bytes, and the average, largest and total time
 * between driver and completion in microseconds, and how many took longer than a
 * limit.
 *
 * Usage: disklatency.d [MILLISECONDS]
 *   MILLISECONDS  the limit for SLOW; 10 if not given
 *
 * Sample:
 *   DISK     WAY      TOTAL(us)      IOS          BYTES   AVG(us)   MAX(us)    SLOW
 *   vda      read          1528       11        1122304       138      1033       0
 *   vda      write         2358       20        3420160       117       590       0
 *
 * Notes: Linux 6.1 and later. The time an I/O waits in the kernel's queue before the
 * driver gets it is not part of this: fileslower.d shows what the application feels,
 * biolatency.d the distribution.
 */

#pragma D option quiet
#pragma D option defaultargs

inline int64_t LIMIT = ($1 ? $1 : 10) * 1000000LL;	/* nanoseconds */

io:::start
{
	start[arg0] = timestamp;
}

io:::done
/start[arg0]/
{
	this->time = timestamp - start[arg0];
	this->disk = args[1]->dev_statname;
	this->way = args[0]->b_flags & B_READ ? "read" : "write";
	@total[this->disk, this->way] = sum(this->time);
	@count[this->disk, this->way] = count();
	@bytes[this->disk, this->way] = sum(args[0]->b_bcount);
	@average[this->disk, this->way] = avg(this->time);
	@most[this->disk, this->way] = max(this->time);
	@slow[this->disk, this->way] = sum(this->time >= LIMIT ? 1 : 0);
	start[arg0] = 0;
}

END
{
	normalize(@total, 1000);
	normalize(@average, 1000);
	normalize(@most, 1000);
	printf("%-8s %-5s %12s %8s %14s %9s %9s %7s\n", "DISK", "WAY", "TOTAL(us)", "IOS", "BYTES",
	    "AVG(us)", "MAX(us)", "SLOW");
	printa("%-8s %-5s %@12d %@8d %@14d %@9d %@9d %@7d\n", @total, @count, @bytes, @average,
	    @most, @slow);
}
