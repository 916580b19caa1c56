#!/usr/sbin/dtrace -Cs
#define RATE 97
profile:::profile-RATE { @[execname] = count(); }
