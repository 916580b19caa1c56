#!/usr/bin/env -S dscript -s
/*
 * vfsstat.d - how many file operations does this machine do, second by second?
 *
 * A line every few seconds: operations on files and directories of any file system,
 * from whatever call they come.
 *
 * Usage: vfsstat.d [SECONDS [COUNT]]
 *   SECONDS  between two lines; 1 if not given
 *   COUNT    of lines, then it ends; 0: until Ctrl-C
 *
 * Sample:
 *   SECOND        READ     WRITE      OPEN     CLOSE     FSYNC     OTHER
 *   1             5937       633      3263      3619         0      4887
 *   2             4263      1125      1541      2120         1      2894
 *   3             2592        36      1600      1783         1      2751
 *   3                0         0         0         0         0         0
 *
 * Notes: Linux 6.1 and later. Numbers are for the whole interval, also the last, short
 * one. OTHER are ioctls, seeks, directory reads and locks together.
 */

#pragma D option quiet
#pragma D option defaultargs

inline int INTERVAL = $1 ? $1 : 1;

BEGIN
{
	printf("%-8s %9s %9s %9s %9s %9s %9s\n", "SECOND", "READ", "WRITE", "OPEN", "CLOSE",
	    "FSYNC", "OTHER");
	seconds = 0;
	ended = 0;
	@read = sum(0);
	@write = sum(0);
	@open = sum(0);
	@close = sum(0);
	@fsync = sum(0);
	@other = sum(0);
}

fsinfo:::read
{
	@read = sum(1);
}

fsinfo:::write
{
	@write = sum(1);
}

fsinfo:::open
{
	@open = sum(1);
}

fsinfo:::close
{
	@close = sum(1);
}

fsinfo:::fsync
{
	@fsync = sum(1);
}

fsinfo:::ioctl,
fsinfo:::seek,
fsinfo:::readdir,
fsinfo:::frlock
{
	@other = sum(1);
}

tick-1s
{
	seconds++;
}

tick-1s,
END
/probename == "END" ? !ended : seconds % INTERVAL == 0/
{
	printf("%-8d", seconds);
	printa(" %@9d %@9d %@9d %@9d %@9d %@9d\n", @read, @write, @open, @close, @fsync, @other);
	clear(@read);
	clear(@write);
	clear(@open);
	clear(@close);
	clear(@fsync);
	clear(@other);
}

tick-1s
/$2 && seconds >= INTERVAL * $2/
{
	ended = 1;
	exit(0);
}
