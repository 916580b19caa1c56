#!/usr/sbin/dtrace -s
io:::start
/args[0]->bio_cmd == BIO_READ || args[0]->bio_cmd == BIO_WRITE/
{
	@[args[1]->device_name, args[0]->bio_cmd == BIO_WRITE ? "W" : "R"] = quantize(args[0]->bio_bcount);
}
