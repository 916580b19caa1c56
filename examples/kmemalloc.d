#!/usr/bin/env -S dscript -s
/*
 * kmemalloc.d - which code of the kernel allocates memory by kmalloc(), and how much?
 *
 * Adds up the bytes by the stack that leads to the allocation, the largest sums last, and draws
 * the distribution of the sizes given.
 *
 * Usage: kmemalloc.d [pid]
 *     pid   only what this process makes the kernel allocate; all if not given
 *
 * Sample:
 *                    4 |                                         0
 *                    8 |                                         12
 *                   16 |                                         26
 *                   32 |@                                        83
 *                   64 |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@    2918
 *                  128 |@                                        83
 *                  256 |                                         23
 *                  512 |                                         16
 *                 1024 |                                         18
 *                 2048 |                                         4
 *                 4096 |                                         5
 *                 8192 |                                         1
 *                16384 |                                         2
 *                32768 |                                         0
 *
 *      ALLOCATIONS        ASKED        GIVEN
 *             3191       275476       328800
 *
 * Notes: Allocations are counted, not what is still in use.  The bytes are those given, which are
 *     more than asked for: the next size that there is.  Objects of one type: slabtop.d.
 */

#pragma D option quiet
#pragma D option defaultargs

sdt:kmem::kmalloc
/$1 == 0 || pid == $1/
{
	@bytes[stack(8)] = sum(args[3]);
	@sizes = quantize(args[3]);
	@asked = sum(args[2]);
	@given = sum(args[3]);
	@number = count();
}

dtrace:::END
{
	trunc(@bytes, 10);
	printa("%k%@20d bytes\n", @bytes);
	printf("\nBytes given for an allocation:\n");
	printa(@sizes);
	printf("%12s %12s %12s\n", "ALLOCATIONS", "ASKED", "GIVEN");
	printa("%@12d %@12d %@12d\n", @number, @asked, @given);
}
