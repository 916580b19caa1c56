#!/usr/bin/env -S dscript -s
/*
 * sslsnoop.d - what does a program say and hear through its encrypted connections?
 *
 * Shows what a program gives OpenSSL to encrypt (W) and gets from it decrypted (R), before
 * and after the wire: for finding out what your own program really sends.
 *
 * Usage: sslsnoop.d -c COMMAND
 *        sslsnoop.d -p PID
 *
 * Sample:
 *       TID COMM            D   BYTES TEXT
 *     17009 python3.11      W      18 GET / HTTP/1.1\r\n\r\n
 *     17009 python3.11      R      18 GET / HTTP/1.1\r\n\r\n
 *     17009 python3.11      W      17 HTTP/1.1 200 OK\r\n
 *     17009 python3.11      R      17 HTTP/1.1 200 OK\r\n
 *
 * Notes: Linux 6.1 and later. The program must use OpenSSL's shared library, libssl.so; Go
 * programs, Java and browsers have their own. At most 200 bytes of a call are shown,
 * control characters as in C.
 */

#pragma D option quiet

BEGIN
{
	printf("%7s %-15s %s %7s %s\n", "TID", "COMM", "D", "BYTES", "TEXT");
}

pid$target:libssl:SSL_read:entry,
pid$target:libssl:SSL_write:entry
{
	self->buffer = arg1;
}

/* These give back whether they succeeded, and the bytes through their last argument. */
pid$target:libssl:SSL_read_ex:entry,
pid$target:libssl:SSL_write_ex:entry
{
	self->buffer = arg1;
	self->length = arg3;
}

pid$target:libssl:SSL_read*:return,
pid$target:libssl:SSL_write*:return
/self->buffer && (int)arg1 > 0/
{
	this->bytes = self->length ? *(size_t *)copyin(self->length, sizeof (size_t)) : (int)arg1;
	this->text = stringof(copyin(self->buffer, this->bytes < 200 ? this->bytes : 200));
	printf("%7d %-15s %s %7d %S\n", tid, execname, strstr(probefunc, "read") != NULL ? "R" : "W",
	    this->bytes, this->text);
}

pid$target:libssl:SSL_read*:return,
pid$target:libssl:SSL_write*:return
{
	self->buffer = 0;
	self->length = 0;
}
