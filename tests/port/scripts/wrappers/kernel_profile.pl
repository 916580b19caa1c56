#!/usr/bin/perl -w
# Samples the kernel, and counts what it finds.
use strict;
my $rate = 97;
my $dtrace = <<END;
/usr/sbin/dtrace -n '
	#pragma D option quiet
	profile:::profile-${rate}hz /arg0/ { \@pc[arg0] = count(); }
	dtrace:::END { printa("%a %\@d\\n", \@pc); }
'
END
open(DTRACE, "$dtrace |") or die "can't run it: $!";
while (my $line = <DTRACE>) { print $line; }
close DTRACE;
