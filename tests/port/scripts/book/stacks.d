#!/usr/sbin/dtrace -s
profile-199 /execname == $$1/ { @[ustack()] = count(); }
