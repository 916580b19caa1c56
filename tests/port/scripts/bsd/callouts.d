#!/usr/sbin/dtrace -s
callout_execute:::callout-start { @[stack()] = count(); }
