/* Two threads change their signal mask, for which the process has one spin lock, for 1 s. */
#include <pthread.h>
#include <signal.h>
#include <time.h>

static void *change(void *unused)
{
	struct timespec from, now;
	sigset_t set;

	sigemptyset(&set);
	clock_gettime(CLOCK_MONOTONIC, &from);
	do {
		for (int n = 0; n < 1000; n++)
			pthread_sigmask(n & 1 ? SIG_BLOCK : SIG_UNBLOCK, &set, NULL);
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while (now.tv_sec - from.tv_sec < 2);
	return unused;
}

int main(void)
{
	pthread_t thread;

	pthread_create(&thread, NULL, change, NULL);
	change(NULL);
	return pthread_join(thread, NULL);
}
