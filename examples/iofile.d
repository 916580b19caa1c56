#!/usr/bin/env -S dscript -s
/*
 * iofile.d - which files cause the disk's work?
 *
 * Bytes and I/Os by disk, direction and file at Ctrl-C, most bytes last. Unlike
 * readbytes.d this is what really went to the disk, not what the page cache served.
 *
 * Usage: iofile.d [DISK]
 *   DISK   this disk only: vda, sda, nvme0n1
 *
 * Sample:
 *   DISK     D          BYTES      IOS FILE
 *   vda      R          73728        9 <unknown>
 *   vda      W        1048576        1 /var/tmp/buf
 *   vda      R        1056768        3 /var/tmp/buf
 *   vda      W        2371584       19 <unknown>
 *
 * Notes: Linux 6.1 and later. <none> and <unknown> are what has no file in the page
 * cache: direct I/O, the file system's journal and its tables.
 */

#pragma D option quiet
#pragma D option defaultargs

io:::start
/args[0]->b_bcount && ($$1 == "" || args[1]->dev_statname == $$1)/
{
	this->way = args[0]->b_flags & B_READ ? "R" : "W";
	@bytes[args[1]->dev_statname, this->way, args[2]->fi_pathname] = sum(args[0]->b_bcount);
	@count[args[1]->dev_statname, this->way, args[2]->fi_pathname] = count();
}

END
{
	printf("%-8s %s %14s %8s %s\n", "DISK", "D", "BYTES", "IOS", "FILE");
	printa("%-8s %s %@14d %@8d %s\n", @bytes, @count);
}
