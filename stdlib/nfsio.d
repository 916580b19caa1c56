/*
 * I/O of NFS: bufinfo_t and devinfo_t from what the client keeps of a READ or WRITE
 * (struct nfs_pgio_header, include/linux/nfs_xdr.h).  As on Solaris the driver is "nfs"; the
 * device is the mount's, whose path is what was mounted, host:/path.
 */
#pragma D depends_on library bufinfo.d

translator bufinfo_t < struct nfs_pgio_header *H > {
	b_flags = H->rw_mode == 1 ? B_READ : B_WRITE;	/* FMODE_READ */
	b_bcount = H->args.count;
	b_addr = (caddr_t)H->args.pages;
	b_lblkno = H->args.offset / 512;
	b_blkno = H->args.offset / 512;
	b_resid = H->args.count - H->res.count;
	b_bufsize = H->args.count;
	b_edev = H->inode->i_sb->s_dev;
};

/* What was mounted; the file system's own root does not have its name. */
inline struct mount *__nfs_mount[struct nfs_pgio_header *H] =
    (struct mount *)__first_mount(H->inode->i_sb);

translator devinfo_t < struct nfs_pgio_header *H > {
	dev_major = H->inode->i_sb->s_dev >> 20;
	dev_minor = H->inode->i_sb->s_dev & 0xfffff;
	dev_instance = H->inode->i_sb->s_dev & 0xfffff;
	dev_name = "nfs";
	dev_statname = strjoin("nfs", lltostr(H->inode->i_sb->s_dev & 0xfffff));
	dev_pathname = stringof(__nfs_mount[H]->mnt_devname);
};
