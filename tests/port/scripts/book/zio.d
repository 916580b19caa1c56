#!/usr/sbin/dtrace -s
fbt::zio_create:return { @[stringof(((zio_t *)arg1)->io_spa->spa_name)] = count(); }
