/*
 * Error numbers of system calls, as errno(3) names them (asm-generic/errno.h).
 */

inline int EPERM = 1;  /* Operation not permitted */
#pragma D attributes Stable/Stable/Common EPERM
inline int ENOENT = 2;  /* No such file or directory */
#pragma D attributes Stable/Stable/Common ENOENT
inline int ESRCH = 3;  /* No such process */
#pragma D attributes Stable/Stable/Common ESRCH
inline int EINTR = 4;  /* Interrupted system call */
#pragma D attributes Stable/Stable/Common EINTR
inline int EIO = 5;  /* Input/output error */
#pragma D attributes Stable/Stable/Common EIO
inline int ENXIO = 6;  /* No such device or address */
#pragma D attributes Stable/Stable/Common ENXIO
inline int E2BIG = 7;  /* Argument list too long */
#pragma D attributes Stable/Stable/Common E2BIG
inline int ENOEXEC = 8;  /* Exec format error */
#pragma D attributes Stable/Stable/Common ENOEXEC
inline int EBADF = 9;  /* Bad file descriptor */
#pragma D attributes Stable/Stable/Common EBADF
inline int ECHILD = 10;  /* No child processes */
#pragma D attributes Stable/Stable/Common ECHILD
inline int EAGAIN = 11;  /* Resource temporarily unavailable */
#pragma D attributes Stable/Stable/Common EAGAIN
inline int ENOMEM = 12;  /* Cannot allocate memory */
#pragma D attributes Stable/Stable/Common ENOMEM
inline int EACCES = 13;  /* Permission denied */
#pragma D attributes Stable/Stable/Common EACCES
inline int EFAULT = 14;  /* Bad address */
#pragma D attributes Stable/Stable/Common EFAULT
inline int ENOTBLK = 15;  /* Block device required */
#pragma D attributes Stable/Stable/Common ENOTBLK
inline int EBUSY = 16;  /* Device or resource busy */
#pragma D attributes Stable/Stable/Common EBUSY
inline int EEXIST = 17;  /* File exists */
#pragma D attributes Stable/Stable/Common EEXIST
inline int EXDEV = 18;  /* Invalid cross-device link */
#pragma D attributes Stable/Stable/Common EXDEV
inline int ENODEV = 19;  /* No such device */
#pragma D attributes Stable/Stable/Common ENODEV
inline int ENOTDIR = 20;  /* Not a directory */
#pragma D attributes Stable/Stable/Common ENOTDIR
inline int EISDIR = 21;  /* Is a directory */
#pragma D attributes Stable/Stable/Common EISDIR
inline int EINVAL = 22;  /* Invalid argument */
#pragma D attributes Stable/Stable/Common EINVAL
inline int ENFILE = 23;  /* Too many open files in system */
#pragma D attributes Stable/Stable/Common ENFILE
inline int EMFILE = 24;  /* Too many open files */
#pragma D attributes Stable/Stable/Common EMFILE
inline int ENOTTY = 25;  /* Inappropriate ioctl for device */
#pragma D attributes Stable/Stable/Common ENOTTY
inline int ETXTBSY = 26;  /* Text file busy */
#pragma D attributes Stable/Stable/Common ETXTBSY
inline int EFBIG = 27;  /* File too large */
#pragma D attributes Stable/Stable/Common EFBIG
inline int ENOSPC = 28;  /* No space left on device */
#pragma D attributes Stable/Stable/Common ENOSPC
inline int ESPIPE = 29;  /* Illegal seek */
#pragma D attributes Stable/Stable/Common ESPIPE
inline int EROFS = 30;  /* Read-only file system */
#pragma D attributes Stable/Stable/Common EROFS
inline int EMLINK = 31;  /* Too many links */
#pragma D attributes Stable/Stable/Common EMLINK
inline int EPIPE = 32;  /* Broken pipe */
#pragma D attributes Stable/Stable/Common EPIPE
inline int EDOM = 33;  /* Numerical argument out of domain */
#pragma D attributes Stable/Stable/Common EDOM
inline int ERANGE = 34;  /* Numerical result out of range */
#pragma D attributes Stable/Stable/Common ERANGE
inline int EDEADLOCK = 35;  /* Resource deadlock avoided */
#pragma D attributes Stable/Stable/Common EDEADLOCK
inline int ENAMETOOLONG = 36;  /* File name too long */
#pragma D attributes Stable/Stable/Common ENAMETOOLONG
inline int ENOLCK = 37;  /* No locks available */
#pragma D attributes Stable/Stable/Common ENOLCK
inline int ENOSYS = 38;  /* Function not implemented */
#pragma D attributes Stable/Stable/Common ENOSYS
inline int ENOTEMPTY = 39;  /* Directory not empty */
#pragma D attributes Stable/Stable/Common ENOTEMPTY
inline int ELOOP = 40;  /* Too many levels of symbolic links */
#pragma D attributes Stable/Stable/Common ELOOP
inline int ENOMSG = 42;  /* No message of desired type */
#pragma D attributes Stable/Stable/Common ENOMSG
inline int EIDRM = 43;  /* Identifier removed */
#pragma D attributes Stable/Stable/Common EIDRM
inline int ECHRNG = 44;  /* Channel number out of range */
#pragma D attributes Stable/Stable/Common ECHRNG
inline int EL2NSYNC = 45;  /* Level 2 not synchronized */
#pragma D attributes Stable/Stable/Common EL2NSYNC
inline int EL3HLT = 46;  /* Level 3 halted */
#pragma D attributes Stable/Stable/Common EL3HLT
inline int EL3RST = 47;  /* Level 3 reset */
#pragma D attributes Stable/Stable/Common EL3RST
inline int ELNRNG = 48;  /* Link number out of range */
#pragma D attributes Stable/Stable/Common ELNRNG
inline int EUNATCH = 49;  /* Protocol driver not attached */
#pragma D attributes Stable/Stable/Common EUNATCH
inline int ENOCSI = 50;  /* No CSI structure available */
#pragma D attributes Stable/Stable/Common ENOCSI
inline int EL2HLT = 51;  /* Level 2 halted */
#pragma D attributes Stable/Stable/Common EL2HLT
inline int EBADE = 52;  /* Invalid exchange */
#pragma D attributes Stable/Stable/Common EBADE
inline int EBADR = 53;  /* Invalid request descriptor */
#pragma D attributes Stable/Stable/Common EBADR
inline int EXFULL = 54;  /* Exchange full */
#pragma D attributes Stable/Stable/Common EXFULL
inline int ENOANO = 55;  /* No anode */
#pragma D attributes Stable/Stable/Common ENOANO
inline int EBADRQC = 56;  /* Invalid request code */
#pragma D attributes Stable/Stable/Common EBADRQC
inline int EBADSLT = 57;  /* Invalid slot */
#pragma D attributes Stable/Stable/Common EBADSLT
inline int EBFONT = 59;  /* Bad font file format */
#pragma D attributes Stable/Stable/Common EBFONT
inline int ENOSTR = 60;  /* Device not a stream */
#pragma D attributes Stable/Stable/Common ENOSTR
inline int ENODATA = 61;  /* No data available */
#pragma D attributes Stable/Stable/Common ENODATA
inline int ETIME = 62;  /* Timer expired */
#pragma D attributes Stable/Stable/Common ETIME
inline int ENOSR = 63;  /* Out of streams resources */
#pragma D attributes Stable/Stable/Common ENOSR
inline int ENONET = 64;  /* Machine is not on the network */
#pragma D attributes Stable/Stable/Common ENONET
inline int ENOPKG = 65;  /* Package not installed */
#pragma D attributes Stable/Stable/Common ENOPKG
inline int EREMOTE = 66;  /* Object is remote */
#pragma D attributes Stable/Stable/Common EREMOTE
inline int ENOLINK = 67;  /* Link has been severed */
#pragma D attributes Stable/Stable/Common ENOLINK
inline int EADV = 68;  /* Advertise error */
#pragma D attributes Stable/Stable/Common EADV
inline int ESRMNT = 69;  /* Srmount error */
#pragma D attributes Stable/Stable/Common ESRMNT
inline int ECOMM = 70;  /* Communication error on send */
#pragma D attributes Stable/Stable/Common ECOMM
inline int EPROTO = 71;  /* Protocol error */
#pragma D attributes Stable/Stable/Common EPROTO
inline int EMULTIHOP = 72;  /* Multihop attempted */
#pragma D attributes Stable/Stable/Common EMULTIHOP
inline int EDOTDOT = 73;  /* RFS specific error */
#pragma D attributes Stable/Stable/Common EDOTDOT
inline int EBADMSG = 74;  /* Bad message */
#pragma D attributes Stable/Stable/Common EBADMSG
inline int EOVERFLOW = 75;  /* Value too large for defined data type */
#pragma D attributes Stable/Stable/Common EOVERFLOW
inline int ENOTUNIQ = 76;  /* Name not unique on network */
#pragma D attributes Stable/Stable/Common ENOTUNIQ
inline int EBADFD = 77;  /* File descriptor in bad state */
#pragma D attributes Stable/Stable/Common EBADFD
inline int EREMCHG = 78;  /* Remote address changed */
#pragma D attributes Stable/Stable/Common EREMCHG
inline int ELIBACC = 79;  /* Can not access a needed shared library */
#pragma D attributes Stable/Stable/Common ELIBACC
inline int ELIBBAD = 80;  /* Accessing a corrupted shared library */
#pragma D attributes Stable/Stable/Common ELIBBAD
inline int ELIBSCN = 81;  /* .lib section in a.out corrupted */
#pragma D attributes Stable/Stable/Common ELIBSCN
inline int ELIBMAX = 82;  /* Attempting to link in too many shared libraries */
#pragma D attributes Stable/Stable/Common ELIBMAX
inline int ELIBEXEC = 83;  /* Cannot exec a shared library directly */
#pragma D attributes Stable/Stable/Common ELIBEXEC
inline int EILSEQ = 84;  /* Invalid or incomplete multibyte or wide character */
#pragma D attributes Stable/Stable/Common EILSEQ
inline int ERESTART = 85;  /* Interrupted system call should be restarted */
#pragma D attributes Stable/Stable/Common ERESTART
inline int ESTRPIPE = 86;  /* Streams pipe error */
#pragma D attributes Stable/Stable/Common ESTRPIPE
inline int EUSERS = 87;  /* Too many users */
#pragma D attributes Stable/Stable/Common EUSERS
inline int ENOTSOCK = 88;  /* Socket operation on non-socket */
#pragma D attributes Stable/Stable/Common ENOTSOCK
inline int EDESTADDRREQ = 89;  /* Destination address required */
#pragma D attributes Stable/Stable/Common EDESTADDRREQ
inline int EMSGSIZE = 90;  /* Message too long */
#pragma D attributes Stable/Stable/Common EMSGSIZE
inline int EPROTOTYPE = 91;  /* Protocol wrong type for socket */
#pragma D attributes Stable/Stable/Common EPROTOTYPE
inline int ENOPROTOOPT = 92;  /* Protocol not available */
#pragma D attributes Stable/Stable/Common ENOPROTOOPT
inline int EPROTONOSUPPORT = 93;  /* Protocol not supported */
#pragma D attributes Stable/Stable/Common EPROTONOSUPPORT
inline int ESOCKTNOSUPPORT = 94;  /* Socket type not supported */
#pragma D attributes Stable/Stable/Common ESOCKTNOSUPPORT
inline int ENOTSUP = 95;  /* Operation not supported */
#pragma D attributes Stable/Stable/Common ENOTSUP
inline int EPFNOSUPPORT = 96;  /* Protocol family not supported */
#pragma D attributes Stable/Stable/Common EPFNOSUPPORT
inline int EAFNOSUPPORT = 97;  /* Address family not supported by protocol */
#pragma D attributes Stable/Stable/Common EAFNOSUPPORT
inline int EADDRINUSE = 98;  /* Address already in use */
#pragma D attributes Stable/Stable/Common EADDRINUSE
inline int EADDRNOTAVAIL = 99;  /* Cannot assign requested address */
#pragma D attributes Stable/Stable/Common EADDRNOTAVAIL
inline int ENETDOWN = 100;  /* Network is down */
#pragma D attributes Stable/Stable/Common ENETDOWN
inline int ENETUNREACH = 101;  /* Network is unreachable */
#pragma D attributes Stable/Stable/Common ENETUNREACH
inline int ENETRESET = 102;  /* Network dropped connection on reset */
#pragma D attributes Stable/Stable/Common ENETRESET
inline int ECONNABORTED = 103;  /* Software caused connection abort */
#pragma D attributes Stable/Stable/Common ECONNABORTED
inline int ECONNRESET = 104;  /* Connection reset by peer */
#pragma D attributes Stable/Stable/Common ECONNRESET
inline int ENOBUFS = 105;  /* No buffer space available */
#pragma D attributes Stable/Stable/Common ENOBUFS
inline int EISCONN = 106;  /* Transport endpoint is already connected */
#pragma D attributes Stable/Stable/Common EISCONN
inline int ENOTCONN = 107;  /* Transport endpoint is not connected */
#pragma D attributes Stable/Stable/Common ENOTCONN
inline int ESHUTDOWN = 108;  /* Cannot send after transport endpoint shutdown */
#pragma D attributes Stable/Stable/Common ESHUTDOWN
inline int ETOOMANYREFS = 109;  /* Too many references: cannot splice */
#pragma D attributes Stable/Stable/Common ETOOMANYREFS
inline int ETIMEDOUT = 110;  /* Connection timed out */
#pragma D attributes Stable/Stable/Common ETIMEDOUT
inline int ECONNREFUSED = 111;  /* Connection refused */
#pragma D attributes Stable/Stable/Common ECONNREFUSED
inline int EHOSTDOWN = 112;  /* Host is down */
#pragma D attributes Stable/Stable/Common EHOSTDOWN
inline int EHOSTUNREACH = 113;  /* No route to host */
#pragma D attributes Stable/Stable/Common EHOSTUNREACH
inline int EALREADY = 114;  /* Operation already in progress */
#pragma D attributes Stable/Stable/Common EALREADY
inline int EINPROGRESS = 115;  /* Operation now in progress */
#pragma D attributes Stable/Stable/Common EINPROGRESS
inline int ESTALE = 116;  /* Stale file handle */
#pragma D attributes Stable/Stable/Common ESTALE
inline int EUCLEAN = 117;  /* Structure needs cleaning */
#pragma D attributes Stable/Stable/Common EUCLEAN
inline int ENOTNAM = 118;  /* Not a XENIX named type file */
#pragma D attributes Stable/Stable/Common ENOTNAM
inline int ENAVAIL = 119;  /* No XENIX semaphores available */
#pragma D attributes Stable/Stable/Common ENAVAIL
inline int EISNAM = 120;  /* Is a named type file */
#pragma D attributes Stable/Stable/Common EISNAM
inline int EREMOTEIO = 121;  /* Remote I/O error */
#pragma D attributes Stable/Stable/Common EREMOTEIO
inline int EDQUOT = 122;  /* Disk quota exceeded */
#pragma D attributes Stable/Stable/Common EDQUOT
inline int ENOMEDIUM = 123;  /* No medium found */
#pragma D attributes Stable/Stable/Common ENOMEDIUM
inline int EMEDIUMTYPE = 124;  /* Wrong medium type */
#pragma D attributes Stable/Stable/Common EMEDIUMTYPE
inline int ECANCELED = 125;  /* Operation canceled */
#pragma D attributes Stable/Stable/Common ECANCELED
inline int ENOKEY = 126;  /* Required key not available */
#pragma D attributes Stable/Stable/Common ENOKEY
inline int EKEYEXPIRED = 127;  /* Key has expired */
#pragma D attributes Stable/Stable/Common EKEYEXPIRED
inline int EKEYREVOKED = 128;  /* Key has been revoked */
#pragma D attributes Stable/Stable/Common EKEYREVOKED
inline int EKEYREJECTED = 129;  /* Key was rejected by service */
#pragma D attributes Stable/Stable/Common EKEYREJECTED
inline int EOWNERDEAD = 130;  /* Owner died */
#pragma D attributes Stable/Stable/Common EOWNERDEAD
inline int ENOTRECOVERABLE = 131;  /* State not recoverable */
#pragma D attributes Stable/Stable/Common ENOTRECOVERABLE
inline int ERFKILL = 132;  /* Operation not possible due to RF-kill */
#pragma D attributes Stable/Stable/Common ERFKILL

/* Other names for the same */
inline int EWOULDBLOCK = 11;
#pragma D attributes Stable/Stable/Common EWOULDBLOCK
inline int EOPNOTSUPP = 95;
#pragma D attributes Stable/Stable/Common EOPNOTSUPP
