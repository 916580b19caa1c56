#!/usr/sbin/dtrace -Zs
self int depth;
python$target:::function-entry { printf("%*s-> %s\n", self->depth++, "", copyinstr(arg1)); }
python$target:::function-return { printf("%*s<- %s\n", --self->depth, "", copyinstr(arg1)); }
