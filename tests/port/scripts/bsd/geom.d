#!/usr/sbin/dtrace -s
fbt::g_io_request:entry { @[((struct bio *)arg0)->bio_cmd] = count(); }
