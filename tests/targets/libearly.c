// A library that a program is linked with: its constructors call an exported function twice before main.
#define KEPT __attribute__((noipa))
static long calls;
KEPT long early_init(long by) { return calls += by; }
KEPT long early_library_calls(void) { return calls; }
__attribute__((constructor)) static void first(void) { early_init(1); }
__attribute__((constructor)) static void second(void) { early_init(1); }
