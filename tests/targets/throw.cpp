// C++ exceptions through probed frames. `go N` runs every case N times; `deep N`, `again N`, `nested N`, `library N` one of them.
// The result is a checksum over what was caught where; `unwound` counts destructors run on the way.
#include "target.h"
#include <stdexcept>
#include <string>

struct failure { int code; };
extern "C" int library_throw(int i);
extern "C" int library_call(int (*back)(int), int i);

static unsigned long unwound;
struct guard { ~guard() { unwound++; } };

extern "C" {
KEPT int level(int depth, int i) { guard g; if (depth == 0) throw failure{i}; return level(depth - 1, i) + 1; }
KEPT int throw_again(int i) { try { return level(3, i); } catch (failure &f) { f.code += 10; throw; } }
KEPT int throw_nested(int i)
{
    try { return level(2, i); }
    catch (const failure &f) { throw std::runtime_error("nested " + std::to_string(f.code)); }
}
KEPT int returns_normally(int i) { guard g; return i * 2; }
KEPT int called_back(int i) { guard g; return library_throw(i); }
}

static unsigned long one(const char *verb, int i, unsigned long sum)
{
    bool all = !strcmp(verb, "go");
    if (all || !strcmp(verb, "deep"))
        try { sum = mix(sum, level(8, i)); } catch (const failure &f) { sum = mix(sum, f.code + 1); }
    if (all || !strcmp(verb, "again"))
        try { sum = mix(sum, throw_again(i)); } catch (const failure &f) { sum = mix(sum, f.code + 2); }
    if (all || !strcmp(verb, "nested"))
        try { sum = mix(sum, throw_nested(i)); } catch (const std::exception &e) { sum = mix(sum, strlen(e.what())); }
    if (all || !strcmp(verb, "library"))
        try { sum = mix(sum, library_call(called_back, i)); } catch (...) { sum = mix(sum, 3); }
    return mix(sum, returns_normally(i));
}

int main()
{
    struct command c;
    ready();
    while (next_command(&c)) {
        unsigned long sum = 1;
        unwound = 0;
        for (int i = 0; i < c.a; i++) sum = one(c.verb, i, sum);
        result(mix(sum, unwound));
    }
    return 0;
}
