/* Makes every flush to disk take SLOW_FSYNC_US microseconds longer, as a network disk does.
 *
 * Preloaded into PostgreSQL: cc -shared -fPIC -o slow_fsync.so slow_fsync.c -ldl; LD_PRELOAD=slow_fsync.so
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <time.h>

static void wait_longer(void)
{
    static long microseconds = -1;
    if (microseconds < 0) {
        const char *wanted = getenv("SLOW_FSYNC_US");
        microseconds = wanted ? atol(wanted) : 0;
    }
    struct timespec left = {microseconds / 1000000, microseconds % 1000000 * 1000};
    while (nanosleep(&left, &left) == -1 && errno == EINTR)
        ;
}

static int flush(const char *name, int file)
{
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
    wait_longer();
    return real(file);
}

int fsync(int file)
{
    return flush("fsync", file);
}

int fdatasync(int file)
{
    return flush("fdatasync", file);
}
