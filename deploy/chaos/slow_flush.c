/* Makes every flush to disk take longer, as a network disk does: SLOW_FLUSH names a file of eight bytes, the seconds to
 * wait before each as a double. It may change while the process runs.
 *
 * Preloaded into PostgreSQL: cc -shared -fPIC -o slow_flush.so slow_flush.c -ldl; LD_PRELOAD=slow_flush.so
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static const volatile double *longer;

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("SLOW_FLUSH");
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0)
        return;
    void *seen = mmap(NULL, sizeof(double), PROT_READ, MAP_SHARED, file, 0);
    close(file);
    longer = seen == MAP_FAILED ? NULL : seen;
}

static int flush(const char *name, int file)
{
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
    double seconds = longer ? *longer : 0;
    struct timespec left = {(time_t)seconds, (long)((seconds - (time_t)seconds) * 1e9)};
    while (seconds > 0 && nanosleep(&left, &left) == -1 && errno == EINTR)
        ;
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
