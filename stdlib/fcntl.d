/*
 * Flags of open(2), modes of files (inode(7)), commands of fcntl(2).
 * Four flags that differ between machines are not here: O_DIRECT, O_LARGEFILE, O_DIRECTORY,
 * O_NOFOLLOW.
 */


/* Flags of open */
inline int O_RDONLY = 0;
#pragma D attributes Stable/Stable/Common O_RDONLY
inline int O_WRONLY = 1;
#pragma D attributes Stable/Stable/Common O_WRONLY
inline int O_RDWR = 2;
#pragma D attributes Stable/Stable/Common O_RDWR
inline int O_ACCMODE = 3;
#pragma D attributes Stable/Stable/Common O_ACCMODE
inline int O_CREAT = 0100;
#pragma D attributes Stable/Stable/Common O_CREAT
inline int O_EXCL = 0200;
#pragma D attributes Stable/Stable/Common O_EXCL
inline int O_NOCTTY = 0400;
#pragma D attributes Stable/Stable/Common O_NOCTTY
inline int O_TRUNC = 01000;
#pragma D attributes Stable/Stable/Common O_TRUNC
inline int O_APPEND = 02000;
#pragma D attributes Stable/Stable/Common O_APPEND
inline int O_NONBLOCK = 04000;
#pragma D attributes Stable/Stable/Common O_NONBLOCK
inline int O_NDELAY = 04000;
#pragma D attributes Stable/Stable/Common O_NDELAY
inline int O_DSYNC = 010000;
#pragma D attributes Stable/Stable/Common O_DSYNC
inline int O_ASYNC = 020000;
#pragma D attributes Stable/Stable/Common O_ASYNC
inline int O_NOATIME = 01000000;
#pragma D attributes Stable/Stable/Common O_NOATIME
inline int O_CLOEXEC = 02000000;
#pragma D attributes Stable/Stable/Common O_CLOEXEC
inline int O_SYNC = 04010000;
#pragma D attributes Stable/Stable/Common O_SYNC
inline int O_RSYNC = 04010000;
#pragma D attributes Stable/Stable/Common O_RSYNC
inline int O_PATH = 010000000;
#pragma D attributes Stable/Stable/Common O_PATH

/* Types of files */
inline int S_IFMT = 0170000;
#pragma D attributes Stable/Stable/Common S_IFMT
inline int S_IFSOCK = 0140000;
#pragma D attributes Stable/Stable/Common S_IFSOCK
inline int S_IFLNK = 0120000;
#pragma D attributes Stable/Stable/Common S_IFLNK
inline int S_IFREG = 0100000;
#pragma D attributes Stable/Stable/Common S_IFREG
inline int S_IFBLK = 060000;
#pragma D attributes Stable/Stable/Common S_IFBLK
inline int S_IFDIR = 040000;
#pragma D attributes Stable/Stable/Common S_IFDIR
inline int S_IFCHR = 020000;
#pragma D attributes Stable/Stable/Common S_IFCHR
inline int S_IFIFO = 010000;
#pragma D attributes Stable/Stable/Common S_IFIFO

/* Permissions */
inline int S_ISUID = 04000;
#pragma D attributes Stable/Stable/Common S_ISUID
inline int S_ISGID = 02000;
#pragma D attributes Stable/Stable/Common S_ISGID
inline int S_ISVTX = 01000;
#pragma D attributes Stable/Stable/Common S_ISVTX
inline int S_IRWXU = 0700;
#pragma D attributes Stable/Stable/Common S_IRWXU
inline int S_IRUSR = 0400;
#pragma D attributes Stable/Stable/Common S_IRUSR
inline int S_IWUSR = 0200;
#pragma D attributes Stable/Stable/Common S_IWUSR
inline int S_IXUSR = 0100;
#pragma D attributes Stable/Stable/Common S_IXUSR
inline int S_IRWXG = 070;
#pragma D attributes Stable/Stable/Common S_IRWXG
inline int S_IRGRP = 040;
#pragma D attributes Stable/Stable/Common S_IRGRP
inline int S_IWGRP = 020;
#pragma D attributes Stable/Stable/Common S_IWGRP
inline int S_IXGRP = 010;
#pragma D attributes Stable/Stable/Common S_IXGRP
inline int S_IRWXO = 07;
#pragma D attributes Stable/Stable/Common S_IRWXO
inline int S_IROTH = 04;
#pragma D attributes Stable/Stable/Common S_IROTH
inline int S_IWOTH = 02;
#pragma D attributes Stable/Stable/Common S_IWOTH
inline int S_IXOTH = 01;
#pragma D attributes Stable/Stable/Common S_IXOTH

/* Commands */
inline int F_DUPFD = 0;
#pragma D attributes Stable/Stable/Common F_DUPFD
inline int F_GETFD = 1;
#pragma D attributes Stable/Stable/Common F_GETFD
inline int F_SETFD = 2;
#pragma D attributes Stable/Stable/Common F_SETFD
inline int F_GETFL = 3;
#pragma D attributes Stable/Stable/Common F_GETFL
inline int F_SETFL = 4;
#pragma D attributes Stable/Stable/Common F_SETFL
inline int F_GETLK = 5;
#pragma D attributes Stable/Stable/Common F_GETLK
inline int F_SETLK = 6;
#pragma D attributes Stable/Stable/Common F_SETLK
inline int F_SETLKW = 7;
#pragma D attributes Stable/Stable/Common F_SETLKW
inline int F_DUPFD_CLOEXEC = 1030;
#pragma D attributes Stable/Stable/Common F_DUPFD_CLOEXEC
