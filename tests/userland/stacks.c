/* One deep stack through what makes unwinding hard; at its end the program reads its input.
   Built without frame pointers by the tests. */
#define _GNU_SOURCE
#include <alloca.h>
#include <dlfcn.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

volatile int sink;

#ifdef PLUGIN
__attribute__((noipa)) void plugin_read(void)
{
    char c;
    while (read(0, &c, 1) == 1)
        sink += c;
    _exit(0);
}
void plugin_entry(int depth)
{
    char room[depth * 8 + 8];
    memset(room, depth, sizeof room);
    if (depth)
        plugin_entry(depth - 1);
    else
        plugin_read();
    sink += room[0];
}
#else
static const char *plugin;

__attribute__((noipa)) static void last(int depth)
{
    if (plugin) {
#ifndef STATIC
        void *library = dlopen(plugin, RTLD_NOW);
        void (*entry)(int) = (void (*)(int))dlsym(library, "plugin_entry");
        entry(depth);
        sink++;
#endif
        return;
    }
    char c;
    while (read(0, &c, 1) == 1)
        sink += c;
    _exit(0);
}

__attribute__((noipa)) static void on_signal(int number)
{
    sink = number;
    last(2);
    sink++;
}

__attribute__((noipa)) static void interrupted(void)
{
    signal(SIGUSR1, on_signal);
    /* A fault of its own: the handler interrupts this very function. */
    signal(SIGSEGV, on_signal);
    *(volatile int *)8 = 1;
    sink++;
}

__attribute__((noipa)) static int compare(const void *a, const void *b)
{
    sink = *(const int *)a - *(const int *)b;
    interrupted();
    return sink;
}

/* Its stack is aligned to 64 bytes, so that the CFA is kept in memory. */
__attribute__((noipa)) static int aligned(int n)
{
    int place[16] __attribute__((aligned(64)));
    for (int i = 0; i < 16; i++)
        place[i] = n - i;
    volatile int *kept = place;
    sink = kept[3];
    void *key = bsearch(&n, place, 16, sizeof place[0], compare);
    return kept[2] + (key != NULL);
}

__attribute__((noipa)) static int variable(int n)
{
    char *room = alloca(n * 24 + 16);
    memset(room, n, n * 24);
    int result = aligned(n) + room[n];
    sink = result;
    return result;
}

/* More registers than fit: the frame pointer's register holds something else. */
__attribute__((noipa)) static int busy(int a, int b, int c, int d, int e, int f)
{
    int x[24];
    for (int i = 0; i < 24; i++)
        x[i] = a * i + b * c - d * e + f;
    int r = variable(a);
    for (int i = 0; i < 24; i++)
        r += x[i] * a + b * c - d * e + f;
    sink = r;
    return r;
}

__attribute__((noipa)) static int order(const void *a, const void *b)
{
    sink = busy(*(const int *)a, *(const int *)b, 3, 4, 5, 6);
    return sink;
}

__attribute__((noipa)) static int deep(int n)
{
    int r;
    if (n == 0) {
        int v[4] = {3, 1, 4, 2};
        qsort(v, 4, sizeof v[0], order);
        return v[0];
    }
    r = deep(n - 1) + n;
    sink = r;
    return r;
}

int main(int argc, char **argv)
{
    plugin = argc > 1 ? argv[1] : NULL;
    int r = deep(3);
    sink = r;
    return 0;
}
#endif
