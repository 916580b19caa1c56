#!/usr/sbin/dtrace -s
fbt:genunix:mutex_vector_enter:entry { self->t = timestamp; }
fbt:genunix:mutex_vector_enter:return /self->t/ { @[stack()] = sum(timestamp - self->t); }
