// Runs by itself, for programs that are started under tracing: constructors of a library and of the program call known functions
// before main does. `early [N]`: main calls work N times (3 without N). The exit code is 0 where every call came back right.
#include "target.h"

DEFINE_WORK
#ifdef WITH_LIBRARY
long early_library_calls(void);
#endif
KEPT int early_own(int by) { return by + 1; }
static int constructed;
__attribute__((constructor)) static void before_main(void) { constructed = early_own(constructed); }

int main(int argc, char **argv)
{
    long right = 0, count = argc > 1 ? atol(argv[1]) : 3;
    bound_life();
    for (long i = 0; i < count; i++)
        right += work(i, i) == i * 3 + (i ^ 0x55) + (i >> 2);
#ifdef WITH_LIBRARY
    if (early_library_calls() != 2) return 3;
#endif
    return right == count && constructed == 1 ? 0 : 2;
}
