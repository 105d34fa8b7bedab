// The other side of a library boundary that exceptions cross.
#define KEPT __attribute__((noipa))
struct failure { int code; };
extern "C" KEPT int library_throw(int i) { if (i % 3 == 0) throw failure{i}; return i; }
extern "C" KEPT int library_call(int (*back)(int), int i)
{
    try { return back(i) + 1; } catch (const failure &f) { if (f.code % 2) throw; return f.code + 1000; }
}
