#!/usr/sbin/dtrace -s
fbt::scsi_transport:entry { @[((struct scsi_pkt *)arg0)->pkt_cdbp[0]] = count(); }
