/* sys/scsi/scsi_types.h of another kernel: its structures are not those of Linux, and it has no values that D lacks. */
