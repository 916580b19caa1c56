/* Names of scheduling classes, as lwpsinfo_t has them: "TS", "RT", "IDLE", "DL". */
#define PC_CLNMSZ 16
