/* opens N: calls openat(2) exactly N times; statically linked, so that nothing else does. */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	int i, n = argc > 1 ? atoi(argv[1]) : 1;

	for (i = 0; i < n; i++)
		close(open("/dev/null", O_RDONLY));
	return 0;
}
