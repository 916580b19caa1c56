#!/usr/sbin/dtrace -Zs
self int depth;
ruby$target:::object-create-start { @[copyinstr(arg0)] = count(); }
ruby$target:::gc-begin { self->gc = timestamp; }
ruby$target:::gc-end /self->gc/ { @gc = sum(timestamp - self->gc); self->gc = 0; }
