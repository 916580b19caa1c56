#!/bin/sh
/usr/sbin/dtrace -n 'fbt:ip:squeue_drain:entry { @[execname] = count(); }'
