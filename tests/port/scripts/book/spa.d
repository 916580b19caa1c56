#!/usr/sbin/dtrace -s
#pragma D option quiet
inline int MIN_MS = 1;
fbt::spa_sync:entry /!self->start/ { self->start = timestamp; self->spa = args[0]; }
fbt::spa_sync:return
/self->start && (this->ms = (timestamp - self->start) / 1000000) > MIN_MS/
{
	printf("%-20Y %s %d ms\n", walltimestamp, stringof(self->spa->spa_name), this->ms);
	self->start = 0;
}
