#!/usr/bin/env -S dscript -s
/*
 * iotop.d - which processes keep the disks busy?
 *
 * A table every few seconds: for each process, disk and direction the number of I/Os,
 * their bytes and the microseconds of disk time they took, most disk time last.
 *
 * Usage: iotop.d [SECONDS [COUNT]]
 *   SECONDS  between two tables; 5 if not given
 *   COUNT    of tables, then it ends; 0: until Ctrl-C
 *
 * Sample:
 *   2026 Nov 21 09:20:31
 *       PID COMM             DISK     D DISKTIME(us)      IOS          BYTES
 *     25074 kworker/1:2H     vda      R           52        1           8192
 *     25074 kworker/1:2H     vda      W          790        7        1708032
 *     29558 python3          vda      R         1440       10        1114112
 *     29558 python3          vda      W         1708       13        1712128
 *
 * Notes: Linux 6.1 and later. Writes through the page cache are those of the kernel's
 * writeback threads: see writebytes.d for who wrote. A disk that works on many I/Os
 * at a time has more disk time in a second than one second.
 */

#pragma D option quiet
#pragma D option defaultargs

BEGIN
{
	interval = $1 ? $1 : 5;
	left = interval;
	tables = 0;
	ended = 0;
}

io:::start
{
	start[arg0] = timestamp;
	issuer[arg0] = pid;
	command[arg0] = execname;
}

io:::done
/start[arg0]/
{
	this->way = args[0]->b_flags & B_READ ? "R" : "W";
	this->disk = args[1]->dev_statname;
	@count[issuer[arg0], command[arg0], this->disk, this->way] = count();
	@bytes[issuer[arg0], command[arg0], this->disk, this->way] = sum(args[0]->b_bcount);
	@time[issuer[arg0], command[arg0], this->disk, this->way] = sum(timestamp - start[arg0]);
	start[arg0] = 0;
	issuer[arg0] = 0;
	command[arg0] = 0;
}

tick-1s
{
	left--;
}

tick-1s,
END
/probename == "END" ? !ended : left <= 0/
{
	normalize(@time, 1000);
	printf("%Y\n%7s %-16s %-8s %s %12s %8s %14s\n", walltimestamp,
	    "PID", "COMM", "DISK", "D", "DISKTIME(us)", "IOS", "BYTES");
	printa("%7d %-16s %-8s %s %@12d %@8d %@14d\n", @time, @count, @bytes);
	printf("\n");
	trunc(@time);
	trunc(@count);
	trunc(@bytes);
	left = interval;
	tables++;
}

tick-1s
/$2 && tables >= $2/
{
	ended = 1;
	exit(0);
}
