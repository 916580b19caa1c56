#!/usr/sbin/dtrace -s
fbt::vn_open:entry { self->nd = (struct nameidata *)arg0; }
fbt::vn_open:return /self->nd/ { @[stringof(self->nd->ni_cnd.cn_pnbuf)] = count(); self->nd = 0; }
