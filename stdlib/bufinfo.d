/*
 * Disk I/O: bufinfo_t, devinfo_t and fileinfo_t as the manual's chapter "io Provider" has them,
 * from the kernel's struct request.
 */
#pragma D depends_on library io.d
#pragma D depends_on library files.d

typedef struct bufinfo {
	int b_flags;			/* B_READ or B_WRITE */
	size_t b_bcount;		/* bytes */
	caddr_t b_addr;			/* the struct bio it began with */
	uint64_t b_lblkno;		/* first sector on the device, of 512 bytes */
	uint64_t b_blkno;
	size_t b_resid;
	size_t b_bufsize;
	dev_t b_edev;
} bufinfo_t;

translator bufinfo_t < struct request *R > {
	b_flags = (R->cmd_flags & 0xff) == 0 ? B_READ : B_WRITE;	/* REQ_OP_READ */
	b_bcount = R->__data_len;
	b_addr = (caddr_t)R->bio;
	b_lblkno = R->__sector;
	b_blkno = R->__sector;
	b_resid = 0;
	b_bufsize = R->__data_len;
	b_edev = R->q->disk->part0->bd_dev;
};

typedef struct devinfo {
	int dev_major;
	int dev_minor;
	int dev_instance;
	char dev_name[32];
	char dev_statname[32];
	char dev_pathname[40];
} devinfo_t;

translator devinfo_t < struct request *R > {
	dev_major = R->q->disk->major;
	dev_minor = R->q->disk->first_minor;
	dev_instance = R->q->disk->first_minor;
	dev_name = stringof(R->q->disk->disk_name);
	dev_statname = stringof(R->q->disk->disk_name);
	dev_pathname = strjoin("/dev/", stringof(R->q->disk->disk_name));
};

/* The inode whose page is the first of the request; NULL where memory of no file is. */
inline struct inode *__request_inode[struct request *R] =
    R->bio == NULL || R->bio->bi_io_vec == NULL || R->bio->bi_io_vec->bv_page == NULL ||
    R->bio->bi_io_vec->bv_page->mapping == NULL ||
    ((uintptr_t)R->bio->bi_io_vec->bv_page->mapping & 3) != 0 ?
    (struct inode *)NULL : R->bio->bi_io_vec->bv_page->mapping->host;

/* Its inode has a name; what the file system keeps for itself (SB_NOUSER, see files.d) has none. */
inline int __request_named[struct request *R] = __request_inode[R] != NULL &&
    !(__request_inode[R]->i_sb->s_flags & 0x80000000UL) &&
    __request_inode[R]->i_dentry.first != NULL;

/*
 * The path is that of the file's first name, in the first place where its file system is mounted.
 * Direct I/O and what the file system keeps for itself belong to no file.
 */
translator fileinfo_t < struct request *R > {
	fi_name = __request_named[R] ? stringof(((struct dentry *)(
	    (uintptr_t)__request_inode[R]->i_dentry.first -
	    offsetof(struct dentry, d_u)))->d_name.name) : __request_inode[R] == NULL ||
	    __request_inode[R]->i_sb->s_flags & 0x80000000UL ? "<none>" : "<unknown>";
	fi_dirname = __request_named[R] ? dirname(__inode_path(__request_inode[R])) : "<unknown>";
	fi_pathname = __request_named[R] ? __inode_path(__request_inode[R]) : "<unknown>";
	fi_offset = 0;
	fi_fs = __request_inode[R] == NULL ? "<none>" :
	    stringof(__request_inode[R]->i_sb->s_type->name);
	fi_mount = __request_named[R] ? __inode_mount(__request_inode[R]) : "<unknown>";
	fi_oflags = 0;
};

/* What is not known of the I/O that a thread waits for (io:::wait-start, io:::wait-done). */
struct __io_wait {
	int w_none;
};

translator bufinfo_t < struct __io_wait *W > {
	b_flags = 0;
	b_bcount = 0;
	b_addr = (caddr_t)0;
	b_lblkno = 0;
	b_blkno = 0;
	b_resid = 0;
	b_bufsize = 0;
	b_edev = 0;
};

translator devinfo_t < struct __io_wait *W > {
	dev_major = 0;
	dev_minor = 0;
	dev_instance = 0;
	dev_name = "<unknown>";
	dev_statname = "<unknown>";
	dev_pathname = "<unknown>";
};

translator fileinfo_t < struct __io_wait *W > {
	fi_name = "<unknown>";
	fi_dirname = "<unknown>";
	fi_pathname = "<unknown>";
	fi_offset = 0;
	fi_fs = "<unknown>";
	fi_mount = "<unknown>";
	fi_oflags = 0;
};
