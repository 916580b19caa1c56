#!/usr/bin/env perl
use warnings;
# don't be misled by apostrophes
my $pid = shift || 0;
my $filter = "pid == $pid";
my $command = '/usr/sbin/dtrace';
open my $out, "-|", qq{dtrace -qn 'syscall:::return /errno && $filter/ { \@[execname, probefunc, errno] = count(); }'} or die;
print while <$out>;
