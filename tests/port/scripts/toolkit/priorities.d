#!/usr/sbin/dtrace -s
profile-97 { @[curlwpsinfo->pr_clname, curlwpsinfo->pr_pri] = count(); }
