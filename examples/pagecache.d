#!/usr/bin/env -S dscript -s
/*
 * pagecache.d - who fills the page cache, and what is thrown out of it?
 *
 * Counts what came into the page cache and what left it, by process and file system,
 * until Ctrl-C. What comes in was written, or read and not in the cache (a miss, or
 * read ahead); what leaves was deleted, or dropped for lack of memory (by kswapd).
 *
 * Usage: pagecache.d [PID]
 *   PID   this process and its children only; 0: all
 *
 * Sample:
 *       PID COMM             FS                ADDED    DROPPED
 *     12282 sh               ext4                  1          0
 *     12286 mktemp           ext4                  6          0
 *     12287 dd               ext4                 10          0
 *
 * Notes: Linux 6.1 and later. Counts folios: mostly one page of 4 KiB each, larger ones
 * on new kernels where the file system has them. Hits cost nothing and are not seen.
 */

#pragma D option quiet
#pragma D option defaultargs

sdt:filemap::mm_filemap_add_to_page_cache,
sdt:filemap::mm_filemap_delete_from_page_cache
/$1 == 0 || progenyof($1)/
{
	this->added = probename == "mm_filemap_add_to_page_cache";
	this->fs = stringof(args[0]->mapping->host->i_sb->s_type->name);
	@in[pid, execname, this->fs] = sum(this->added);
	@out[pid, execname, this->fs] = sum(!this->added);
}

END
{
	printf("%7s %-16s %-12s %10s %10s\n", "PID", "COMM", "FS", "ADDED", "DROPPED");
	printa("%7d %-16s %-12s %@10d %@10d\n", @in, @out);
}
