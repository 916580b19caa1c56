#!/usr/bin/env -S dscript -s
/*
 * iopattern.d - is the disks' work random or sequential?
 *
 * A line every few seconds for each disk: how many I/Os in a hundred began elsewhere
 * than where the one before had ended (the others are sequential), their number,
 * smallest, largest and average size, and the bytes read and written.
 *
 * Usage: iopattern.d [SECONDS [COUNT]]
 *   SECONDS  between two reports; 1 if not given
 *   COUNT    of reports, then it ends; 0: until Ctrl-C
 *
 * Sample:
 *   DISK      %RAN      IOS    MIN(B)    MAX(B)    AVG(B)      READ(B)   WRITTEN(B)
 *   vda         58       29      4096   1048576    156636      1126400      3416064
 *
 * Notes: Linux 6.1 and later. Disks without moving parts do not mind random I/O, but
 * prefer large ones. A flush has no blocks and is not counted.
 */

#pragma D option quiet
#pragma D option defaultargs

inline int INTERVAL = $1 ? $1 : 1;

int64_t next[string];	/* block after the last I/O of a disk */

BEGIN
{
	printf("%-8s %5s %8s %9s %9s %9s %12s %12s\n", "DISK", "%RAN", "IOS", "MIN(B)",
	    "MAX(B)", "AVG(B)", "READ(B)", "WRITTEN(B)");
	seconds = 0;
	ended = 0;
}

io:::done
/args[0]->b_bcount/
{
	this->disk = args[1]->dev_statname;
	this->sequential = next[this->disk] == args[0]->b_blkno;
	next[this->disk] = args[0]->b_blkno + args[0]->b_bcount / 512;
	@random[this->disk] = avg(this->sequential ? 0 : 100);
	@count[this->disk] = count();
	@min[this->disk] = min(args[0]->b_bcount);
	@max[this->disk] = max(args[0]->b_bcount);
	@avg[this->disk] = avg(args[0]->b_bcount);
	@read[this->disk] = sum(args[0]->b_flags & B_READ ? args[0]->b_bcount : 0);
	@written[this->disk] = sum(args[0]->b_flags & B_READ ? 0 : args[0]->b_bcount);
}

tick-1s
{
	seconds++;
}

tick-1s,
END
/probename == "END" ? !ended : seconds % INTERVAL == 0/
{
	printa("%-8s %@5d %@8d %@9d %@9d %@9d %@12d %@12d\n", @random, @count,
	    @min, @max, @avg, @read, @written);
	trunc(@random);
	trunc(@count);
	trunc(@min);
	trunc(@max);
	trunc(@avg);
	trunc(@read);
	trunc(@written);
}

tick-1s
/$2 && seconds >= INTERVAL * $2/
{
	ended = 1;
	exit(0);
}
