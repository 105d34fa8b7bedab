// A library that is loaded and unloaded: its constructor calls an exported function at once, and one function is an IFUNC.
// Built twice, with PLUG 1 and 2, so that two files hold the same names.
#ifndef PLUG
#define PLUG 1
#endif
#define KEPT __attribute__((noipa))

int plug_loads; // how often the constructor of this very copy ran

KEPT int plug_init(int by) { return plug_loads += by; }
KEPT long plug_work(long a, long b) { return a * (PLUG + 2) + (b ^ 0x33); }

KEPT static long fast_plain(long a) { return a + PLUG * 100; }
KEPT static long fast_other(long a) { return a + PLUG * 100; }
#ifdef PLAIN // musl has no IFUNC
long plug_fast(long a) { return (PLUG == 1 ? fast_plain : fast_other)(a); }
long plug_resolved(void) { return 0; }
#else
static int resolved; // how often the resolver ran; not exported, so that it can be reached before relocation
static int choice(void) { resolved++; return PLUG; }
static long (*resolve_fast(void))(long) { return choice() == 1 ? fast_plain : fast_other; }
long plug_fast(long a) __attribute__((ifunc("resolve_fast")));
long plug_resolved(void) { return resolved; }
#endif

__attribute__((constructor)) static void loaded(void) { plug_init(1); }
