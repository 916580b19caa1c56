/*
 * Open files of the process that the probe fires in: fds[] and fileinfo_t (manual, chapters
 * "Variables" and "io Provider"), from the kernel's struct file; its directories.
 * What has no path, such as a socket or a pipe, shows as <unknown>; a descriptor that is not
 * open as <none>.
 */

typedef struct fileinfo {
	char fi_name[256];		/* last part of the path */
	char fi_dirname[4096];		/* the path without it */
	char fi_pathname[4096];
	off_t fi_offset;
	char fi_fs[32];			/* type of the file system */
	char fi_mount[4096];		/* where it is mounted */
	int fi_oflags;			/* flags of open(2) */
} fileinfo_t;

/* SB_NOUSER, 1 << 31, marks the file systems that no path leads to. */
translator fileinfo_t < struct file *F > {
	fi_name = F == NULL ? "<none>" : F->f_inode->i_sb->s_flags & 0x80000000UL ? "<unknown>" :
	    basename(d_path(&F->f_path));
	fi_dirname = F == NULL ? "<none>" : F->f_inode->i_sb->s_flags & 0x80000000UL ?
	    "<unknown>" : dirname(d_path(&F->f_path));
	fi_pathname = F == NULL ? "<none>" : F->f_inode->i_sb->s_flags & 0x80000000UL ?
	    "<unknown>" : d_path(&F->f_path);
	fi_offset = F == NULL ? 0 : F->f_pos;
	fi_fs = F == NULL ? "<none>" : stringof(F->f_inode->i_sb->s_type->name);
	fi_mount = F == NULL ? "<none>" : F->f_inode->i_sb->s_flags & 0x80000000UL ?
	    "<unknown>" : __mount_path(&F->f_path);
	fi_oflags = F == NULL ? 0 : F->f_flags;
};

inline fileinfo_t fds[int fd] = xlate <fileinfo_t> (
    curthread->files != NULL && fd >= 0 && fd < curthread->files->fdt->max_fds ?
    curthread->files->fdt->fd[fd] : (struct file *)NULL);
#pragma D attributes Stable/Stable/Common fds

inline string cwd = curthread->fs == NULL ? "<unknown>" : d_path(&curthread->fs->pwd);
#pragma D attributes Stable/Stable/Common cwd
inline string root = curthread->fs == NULL ? "<unknown>" : d_path(&curthread->fs->root);
#pragma D attributes Stable/Stable/Common root
