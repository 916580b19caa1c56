# A .d file that really is shell.
dtrace -n 'syscall::write:entry /execname == "cat"/ { @ = quantize(arg2); }'
