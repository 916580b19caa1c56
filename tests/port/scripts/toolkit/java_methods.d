#!/usr/sbin/dtrace -Zs
#pragma D option quiet
hotspot*:::method-entry
{
	this->class = (char *)copyin(arg1, arg2 + 1);
	this->class[arg2] = '\0';
	@[stringof(this->class)] = count();
}
