/*
 * Starts N writers that call getppid() COUNT times each, and waits for them.  A writer rests
 * for 20 ms after every 10,000 calls, so that a run sees several snapshots.
 */
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	int writers = atoi(argv[1]);
	long count = atol(argv[2]);

	for (int i = 0; i < writers; i++)
		if (fork() == 0) {
			for (long n = 1; n <= count; n++) {
				syscall(SYS_getppid);
				if (n % 10000 == 0)
					usleep(20000);
			}
			_exit(0);
		}
	while (wait(NULL) > 0)
		;
	return 0;
}
