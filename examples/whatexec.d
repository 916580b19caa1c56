#!/usr/bin/env -S dscript -s
/*
 * whatexec.d - what kinds of files are executed: programs, or scripts of what?
 *
 * One line for each exec: the command that was asked for, the file that the kernel
 * loaded in the end, which for a script is its interpreter, and the format of that
 * file.
 *
 * Usage: whatexec.d [PID]
 *   PID   this process and its children only; 0: all
 *
 * Sample:
 *       PID KIND     FORMAT   LOADED                         ASKED
 *      1062 program  ELF64    /usr/bin/chmod                 /usr/bin/chmod
 *      1063 script   ELF64    /bin/sh                        ./s
 *      1064 program  ELF64    /usr/bin/ls                    /usr/bin/ls
 *      1065 program  ELF64    /usr/bin/sh                    /usr/bin/sh
 *
 * Notes: Linux 6.1 and later. A script that names another script's name as its
 * interpreter shows the last one.
 */

#pragma D option quiet
#pragma D option defaultargs

BEGIN
{
	printf("%7s %-8s %-8s %-30s %s\n", "PID", "KIND", "FORMAT", "LOADED", "ASKED");
}

sdt:sched::sched_process_exec
/$1 == 0 || progenyof($1)/
{
	this->asked = stringof(args[2]->filename);
	this->loaded = stringof(args[2]->interp);
	/* An ELF file begins with 0x7f E L F; the next byte is 1 for 32 bits, 2 for 64. */
	this->elf = args[2]->buf[0] == 0x7f && args[2]->buf[1] == 'E';
	printf("%7d %-8s %-8s %-30s %s\n", pid, this->asked == this->loaded ? "program" : "script",
	    !this->elf ? "other" : args[2]->buf[4] == 1 ? "ELF32" : "ELF64", this->loaded,
	    this->asked);
}
