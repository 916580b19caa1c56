#!/usr/sbin/dtrace -s
profile-97 { @[stringof(((struct thread *)curthread)->td_name)] = count(); }
