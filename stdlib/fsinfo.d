/*
 * fileinfo_t of what the operations of the fsinfo provider are given: a path, a directory entry,
 * an inode.  Of an entry no path can be had, only the last part of the name; that of an inode is
 * its first name in the first place where its file system is mounted.
 */
#pragma D depends_on library files.d

translator fileinfo_t < struct path *P > {
	fi_name = P->dentry->d_sb->s_flags & 0x80000000UL ? "<unknown>" : basename(d_path(P));
	fi_dirname = P->dentry->d_sb->s_flags & 0x80000000UL ? "<unknown>" : dirname(d_path(P));
	fi_pathname = P->dentry->d_sb->s_flags & 0x80000000UL ? "<unknown>" : d_path(P);
	fi_offset = 0;
	fi_fs = stringof(P->dentry->d_sb->s_type->name);
	fi_mount = P->dentry->d_sb->s_flags & 0x80000000UL ? "<unknown>" : __mount_path(P);
	fi_oflags = 0;
};

translator fileinfo_t < struct dentry *E > {
	fi_name = stringof(E->d_name.name);
	fi_dirname = "<unknown>";
	fi_pathname = "<unknown>";
	fi_offset = 0;
	fi_fs = stringof(E->d_sb->s_type->name);
	fi_mount = "<unknown>";
	fi_oflags = 0;
};

inline int __inode_named[struct inode *I] = I->i_dentry.first != NULL &&
    !(I->i_sb->s_flags & 0x80000000UL);

translator fileinfo_t < struct inode *I > {
	fi_name = __inode_named[I] ? stringof(((struct dentry *)((uintptr_t)I->i_dentry.first -
	    offsetof(struct dentry, d_u)))->d_name.name) :
	    I->i_sb->s_flags & 0x80000000UL ? "<none>" : "<unknown>";
	fi_dirname = __inode_named[I] ? dirname(__inode_path(I)) : "<unknown>";
	fi_pathname = __inode_named[I] ? __inode_path(I) : "<unknown>";
	fi_offset = 0;
	fi_fs = stringof(I->i_sb->s_type->name);
	fi_mount = __inode_named[I] ? __inode_mount(I) : "<unknown>";
	fi_oflags = 0;
};
