#!/bin/bash
if [ "$1" = io ]; then
	dtrace -n 'io:genunix::start { @[execname] = count(); }'
else
	exec dtrace -x switchrate=10hz -qn 'syscall:::entry { @[execname] = count(); }'
fi
