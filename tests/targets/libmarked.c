// A library with static probes, with a semaphore and without.
#include "staticprobe.h"
COUNTER(lib, guarded);

__attribute__((noipa)) long lib_guarded(long count)
{
    long seen = 0;
    for (long i = 0; i < count; i++) {
        MARK1(lib, passed, i);
        if (lib_guarded_semaphore) { GUARDED1(lib, guarded, i); seen++; }
    }
    return seen;
}

long lib_semaphore(void) { return lib_guarded_semaphore; }

static long early;
__attribute__((constructor)) static void loaded(void) { early = lib_guarded(1); }
long lib_early(void) { return early; }
