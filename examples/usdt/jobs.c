/*
 * jobs.c - a program with probes of its own.  Build it with make, trace it with jobtimes.d.
 *
 * Without a tracer each probe is one nop: its arguments are where the compiler has them anyway.
 * Where getting at an argument costs something, ask first whether anyone listens.
 */
#include <stdio.h>
#include <stdlib.h>

#include "jobs.h"

static const char *const NAMES[] = {"sum", "product"};

static long work(int number, long size)
{
    long result = number % 2;
    for (long i = 1; i <= size; i++)
        result = number % 2 ? result * i % 1000003 : result + i;
    return result;
}

int main(int argc, char **argv)
{
    int jobs = argc > 1 ? atoi(argv[1]) : 6;
    for (int number = 0; number < jobs; number++) {
        if (JOBS_JOB_START_ENABLED()) {
            char name[32];
            snprintf(name, sizeof name, "%s-%d", NAMES[number % 2], number);
            JOBS_JOB_START(number, name);
        }
        long result = work(number, 1000 * (number + 1));
        JOBS_JOB_DONE(number, result);
        printf("job %d: %ld\n", number, result);
    }
    return 0;
}
