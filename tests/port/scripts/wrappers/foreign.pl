#!/usr/bin/perl
my $script = q{
	fbt::ufs_read:entry { @[execname] = count(); }
};
open(D, "/usr/sbin/dtrace -qn '$script' |");
