#!/usr/sbin/dtrace -qs
BEGIN
{
	this->one = `hp_avenrun[0] * 100 / 65536;
	printf("%d.%02d\n", this->one / 100, this->one % 100);
	exit(0);
}
