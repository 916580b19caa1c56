#!/usr/bin/env -S dscript -s
/*
 * pyimports.d - which modules does a Python program import, and which are slow?
 *
 * One line for each module that is searched and loaded, with the milliseconds that took,
 * the modules it imports in turn included: these come first, one step further in.
 *
 * Usage: pyimports.d -c 'python3.11 PROGRAM'
 *        pyimports.d -p PID
 *
 * Sample:
 *       PID         MS FOUND MODULE
 *     31111      0.169   yes       _json
 *     31111      0.555   yes     json.scanner
 *     31111      5.639   yes   json.decoder
 *     31111      0.330   yes   json.encoder
 *     31111      6.263   yes json
 *
 * Notes: a Python with probes of its own (configured --with-dtrace), as that of Debian
 * 12 is. Modules that are loaded already make no probe fire.
 */

#pragma D option quiet

BEGIN
{
	printf("%7s %10s %5s %s\n", "PID", "MS", "FOUND", "MODULE");
}

python$target:::import-find-load-start
{
	self->depth++;
	self->start[self->depth] = timestamp;
}

python$target:::import-find-load-done
/self->depth/
{
	this->us = (timestamp - self->start[self->depth]) / 1000;
	printf("%7d %6d.%03d %5s %*s%s\n", pid, this->us / 1000, this->us % 1000,
	    arg1 ? "yes" : "no", 2 * (self->depth - 1), "", copyinstr(arg0));
	self->start[self->depth] = 0;
	self->depth--;
}
