/*
 * Calls relative to a folder, locks of whole files (openat(2), flock(2)).  Source: <fcntl.h>, <sys/file.h>.
 */
inline int AT_FDCWD = -100;
#pragma D attributes Stable/Stable/Common AT_FDCWD
inline int AT_SYMLINK_NOFOLLOW = 256;
#pragma D attributes Stable/Stable/Common AT_SYMLINK_NOFOLLOW
inline int AT_REMOVEDIR = 512;
#pragma D attributes Stable/Stable/Common AT_REMOVEDIR
inline int AT_SYMLINK_FOLLOW = 1024;
#pragma D attributes Stable/Stable/Common AT_SYMLINK_FOLLOW
inline int AT_EACCESS = 512;
#pragma D attributes Stable/Stable/Common AT_EACCESS
inline int AT_EMPTY_PATH = 4096;
#pragma D attributes Stable/Stable/Common AT_EMPTY_PATH
inline int LOCK_SH = 1;
#pragma D attributes Stable/Stable/Common LOCK_SH
inline int LOCK_EX = 2;
#pragma D attributes Stable/Stable/Common LOCK_EX
inline int LOCK_NB = 4;
#pragma D attributes Stable/Stable/Common LOCK_NB
inline int LOCK_UN = 8;
#pragma D attributes Stable/Stable/Common LOCK_UN
