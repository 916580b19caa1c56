/* Processes that come and go.  `churn FOLDER SECONDS` runs the programs FOLDER/child0 … child7,
   two at a time, over and over, and prints how often each ran.  A child is this program, too,
   by another name: it goes down three functions and makes one system call. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define KINDS 8
#define DEEP __attribute__((noinline, noclone, optimize("no-optimize-sibling-calls")))

/* innermost(N) makes the call with N as its argument, which no kernel minds. */
DEEP long innermost(long kind)
{
    long result = syscall(SYS_getpriority, 0, kind - kind, kind);
    __asm__ volatile("" ::: "memory");
    return result;
}
#define CHILD(n) \
    DEEP long inner##n(long k) { long r = innermost(k); __asm__ volatile("" ::: "memory"); return r; } \
    DEEP long outer##n(long k) { long r = inner##n(k); __asm__ volatile("" ::: "memory"); return r; }
CHILD(0) CHILD(1) CHILD(2) CHILD(3) CHILD(4) CHILD(5) CHILD(6) CHILD(7)

static long (*const OUTER[KINDS])(long) = {outer0, outer1, outer2, outer3,
                                           outer4, outer5, outer6, outer7};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
    const char *name = strrchr(argv[0], '/') ? strrchr(argv[0], '/') + 1 : argv[0];
    if (strncmp(name, "child", 5) == 0) {
        int kind = atoi(name + 5);
        OUTER[kind](kind);
        return 0;
    }
    long counts[KINDS] = {0};
    double end = now() + atof(argv[2]);
    int running = 0;
    for (long turn = 0; now() < end; turn++) {
        int kind = turn % KINDS;
        pid_t child = fork();
        if (child == 0) {
            char path[4096];
            snprintf(path, sizeof path, "%s/child%d", argv[1], kind);
            execl(path, path, (char *)NULL);
            _exit(1);
        }
        if (child > 0) {
            counts[kind]++;
            running++;
        }
        if (running >= 2 && wait(NULL) > 0)
            running--;
        usleep(atoi(argc > 3 ? argv[3] : "0"));
    }
    while (wait(NULL) > 0)
        ;
    for (int kind = 0; kind < KINDS; kind++)
        fprintf(stderr, "child%d %ld\n", kind, counts[kind]);
    return 0;
}
