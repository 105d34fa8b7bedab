// Calls every function of insns.S with known inputs and checks what comes back. `go N` does so N times; the result is the
// number of wrong answers, each of which has a line `wrong NAME got X want Y`. `counts` prints `count NAME CALLS` for the
// calls made so far: what a probe on each function must have counted (jumps and calls among them included).
#include "target.h"
#include <cpuid.h>

#define CONDITIONS(X) X(o) X(no) X(b) X(ae) X(e) X(ne) X(be) X(a) X(s) X(ns) X(p) X(np) X(l) X(ge) X(le) X(g)
#define FUNCTIONS(X) X(leaf) X(call_rel) X(call_stack) X(call_reg) X(call_rip) X(call_index) X(jmp_short) X(jmp_near) \
    X(jmp_reg) X(jmp_rip) X(jmp_notrack) X(je_near) X(loop) X(loope) X(loopne) X(jrcxz) X(jecxz) X(loop32) X(push_rsp) \
    X(push_mem) X(push_rip) X(push_imm) X(push_rbp) X(pop) X(pop_rsp) X(leave) X(enter) X(ret) X(ret16) X(load) X(store) \
    X(store_imm) X(lea) X(cmp_rip) X(cmpxchg16b) X(mulx) X(movups) X(fld) X(lock_inc) X(lock_add) X(xchg) X(rep_movsb) \
    X(rep_stosb) X(repne_scasb) X(pushf) X(popf) X(lahf) X(syscall) X(fs) X(rdfsbase) X(nop1) X(nop5) X(nop15) X(endbr) \
    X(movabs) X(div) X(mov_segment) X(cpuid) X(red_zone)

typedef long function();
#define DECLARE(name) function i_##name; static long calls_##name;
#define DECLARE_CONDITION(name) function i_j##name; static long calls_j##name;
FUNCTIONS(DECLARE)
CONDITIONS(DECLARE_CONDITION)
function via_rax, via_call_stack, via_pop_rsp, via_leave, via_ret16, via_cmpxchg16b, via_popf, via_syscall, via_cpuid,
    via_red_zone;
long via_flags(function *, unsigned long flags, long rdx, long rcx, long out[2]);
extern unsigned long i_pair[2], i_data, i_counter;
extern function *i_table[];

enum { CF = 1, PF = 4, AF = 0x10, ZF = 0x40, SF = 0x80, TF = 0x100, DF = 0x400, OF = 0x800, ALWAYS = 0x202 };
static unsigned long wrong;

static void check(const char *name, unsigned long got, unsigned long want)
{
    if (got == want) return;
    wrong++;
    printf("wrong %s got %#lx want %#lx\n", name, got, want);
}
// A call of i_NAME, counted; the pointer is hidden from the compiler.
#define F(name) (calls_##name++, i_##name)
#define CHECK(name, call, want) (calls_##name++, check(#name, (unsigned long)(call), (unsigned long)(want)))

static unsigned long pattern(int bits) // all 32 combinations of the flags that conditions read
{
    return ALWAYS | (bits & 1 ? CF : 0) | (bits & 2 ? PF : 0) | (bits & 4 ? ZF : 0) | (bits & 8 ? SF : 0) | (bits & 16 ? OF : 0);
}

static int holds(int condition, unsigned long f) // in the order of CONDITIONS
{
    int less = !(f & SF) != !(f & OF), yes;
    switch (condition >> 1) {
    case 0: yes = !!(f & OF); break;
    case 1: yes = !!(f & CF); break;
    case 2: yes = !!(f & ZF); break;
    case 3: yes = !!(f & (CF | ZF)); break;
    case 4: yes = !!(f & SF); break;
    case 5: yes = !!(f & PF); break;
    case 6: yes = less; break;
    default: yes = less || (f & ZF); break;
    }
    return yes != (condition & 1);
}

static void conditions(void)
{
    for (int bits = 0; bits < 32; bits++) {
        unsigned long flags = pattern(bits);
        long out[2];
        int k = 0;
#define ONE(name) \
        check("j" #name " flags", via_flags(F(j##name), flags, 0, 0, out) & 0xcd5, flags & 0xcd5); \
        check("j" #name, out[0], holds(k++, flags) ? 2 : 1);
        CONDITIONS(ONE)
        via_flags(F(je_near), flags, 0, 0, out);
        check("je_near", out[0], flags & ZF ? 2 : 1);
        via_flags(F(pushf), flags, 0, 0, out);
        check("pushf", out[0], flags);
        via_flags(F(lahf), flags, 0, 0, out);
        check("lahf", out[0], (flags & 0xd5) | 2);
        CHECK(popf, via_popf(flags | DF), flags | DF);
    }
}

static void counters(void)
{
    static const unsigned long values[] = {0, 1, 2, 5, 1UL << 32, (1UL << 32) + 1, ~0UL};
    for (unsigned i = 0; i < sizeof values / sizeof *values; i++)
        for (int zero = 0; zero < 2; zero++) {
            unsigned long rcx = values[i], flags = ALWAYS | (zero ? ZF : 0);
            long out[2];
#define COUNTED(name, taken, left) \
            check(#name " flags", via_flags(F(name), flags, 0, (long)rcx, out) & 0xcd5, flags & 0xcd5); \
            check(#name, out[0], (taken) ? 2 : 1); \
            check(#name " rcx", out[1], left);
            COUNTED(loop, rcx - 1 != 0, rcx - 1)
            COUNTED(loope, rcx - 1 != 0 && zero, rcx - 1)
            COUNTED(loopne, rcx - 1 != 0 && !zero, rcx - 1)
            COUNTED(jrcxz, rcx == 0, rcx)
            COUNTED(jecxz, (unsigned)rcx == 0, rcx)
            COUNTED(loop32, (unsigned)rcx - 1 != 0, (unsigned)rcx - 1)
        }
}

static void memory(void)
{
    char from[40], to[41] = {0};
    int word = 4;
    unsigned long cell = 8, out[2], *pair = i_pair;
    for (int i = 0; i < 40; i++) from[i] = (char)(i * 3 + 1);
    CHECK(rep_movsb, i_rep_movsb(to, from, 0, 40), to + 40);
    check("rep_movsb bytes", memcmp(to, from, 40), 0);
    CHECK(rep_movsb, i_rep_movsb(to, from, 0, 0), to);
    calls_rep_stosb++;
    check("rep_stosb", to[38] == from[38], 1);
    asm volatile("mov %0, %%rdi\n mov $39, %%ecx\n mov $0x41, %%eax\n call i_rep_stosb" // below rsp nothing is live here
        : : "r"(to) : "rdi", "rcx", "rax", "memory");
    check("rep_stosb", to[38] == 0x41 && to[39] == from[39], 1);
    to[40] = 0;
    calls_repne_scasb++;
    long left;
    asm volatile("mov %1, %%rdi\n mov $41, %%ecx\n xor %%eax, %%eax\n call i_repne_scasb\n mov %%rax, %0"
        : "=r"(left) : "r"(to) : "rdi", "rcx", "rax", "memory");
    check("repne_scasb", left, 0);
    CHECK(lock_add, i_lock_add(&word), 7);
    CHECK(xchg, i_xchg(&cell, 9L), 8);
    check("xchg memory", cell, 9);
    unsigned long before = i_counter;
    CHECK(lock_inc, i_lock_inc(), before + 1);
    pair[0] = 11, pair[1] = 22;
    CHECK(cmpxchg16b, via_cmpxchg16b(11L, 22L, 33L, 44L), 1);
    check("cmpxchg16b memory", pair[0] * 100 + pair[1], 3344);
    CHECK(cmpxchg16b, via_cmpxchg16b(11L, 22L, 55L, 66L), 0);
    check("cmpxchg16b memory", pair[0] * 100 + pair[1], 3344);
    CHECK(syscall, via_syscall(out, 110L), getppid());
    check("syscall rcx", out[0], (unsigned long)i_syscall + 2);
    check("syscall r11", out[1] & TF, 0);
}

static void rest(long i)
{
    CHECK(leaf, i_leaf(i), i + 5);
    CHECK(call_rel, i_call_rel(i), i + 6), calls_leaf++;
    CHECK(call_stack, via_call_stack(i), i + 6), calls_leaf++;
    CHECK(call_reg, i_call_reg(i, i_leaf), i + 6), calls_leaf++;
    CHECK(call_rip, i_call_rip(i), i + 6), calls_leaf++;
    CHECK(call_index, i_call_index(i, i_table, 1L), i + 6), calls_leaf++;
    CHECK(jmp_short, i_jmp_short(i), i + 1);
    CHECK(jmp_near, i_jmp_near(i), i + 2);
    CHECK(jmp_reg, i_jmp_reg(i, i_leaf), i + 5), calls_leaf++;
    CHECK(jmp_rip, i_jmp_rip(i), i + 5), calls_leaf++;
    CHECK(jmp_notrack, i_jmp_notrack(i, i_leaf), i + 5), calls_leaf++;
    CHECK(push_rsp, i_push_rsp(), 0);
    CHECK(push_mem, i_push_mem(), 0);
    CHECK(push_rip, i_push_rip(), i_data);
    CHECK(push_imm, i_push_imm(), -5L);
    CHECK(push_rbp, i_push_rbp(i), i + 1);
    CHECK(pop, i_pop(i), i + 3);
    CHECK(pop_rsp, via_pop_rsp(i), i);
    CHECK(leave, via_leave(i), i + 4);
    CHECK(enter, i_enter(i), i + 6);
    CHECK(ret, via_rax(i_ret, i), i);
    CHECK(ret16, via_ret16(), 0);
    CHECK(load, i_load(), i_data);
    CHECK(store, i_store(i), i);
    CHECK(store_imm, i_store_imm(), 0x12345678);
    CHECK(lea, i_lea(), &i_data);
    CHECK(cmp_rip, i_cmp_rip(), 1);
    CHECK(movups, i_movups(), 0x0102030405060708);
    CHECK(fld, i_fld(), 4711);
    CHECK(nop1, i_nop1(i), i + 1);
    CHECK(nop5, i_nop5(i), i + 5);
    CHECK(nop15, i_nop15(i), i + 15);
    CHECK(endbr, i_endbr(i), i + 9);
    CHECK(movabs, i_movabs(), 0x1122334455667788);
    CHECK(div, via_rax(i_div, i + 100, 0L, 7L), (i + 100) / 7);
    CHECK(mov_segment, i_mov_segment(), 0);
    CHECK(red_zone, via_red_zone(i), i);
    unsigned a, b, c, d;
    __cpuid(0, a, b, c, d);
    CHECK(cpuid, via_cpuid(), a);
    unsigned long base;
    asm("mov %%fs:0, %0" : "=r"(base));
    CHECK(fs, i_fs(), base);
    __cpuid_count(7, 0, a, b, c, d);
    if (b & 1) CHECK(rdfsbase, i_rdfsbase(), base); // the kernels that allow it are the ones that this project supports
    if (b & 0x100) CHECK(mulx, i_mulx(0L, 0L, 3L), (unsigned long)((unsigned __int128)i_data * 3 >> 64));
}

int main(void)
{
    struct command c;
    ready();
    while (next_command(&c)) {
        if (is(&c, "go")) {
            wrong = 0;
            for (long i = 0; i < c.a; i++) { conditions(); counters(); memory(); rest(i); }
            result(wrong);
        } else if (is(&c, "counts")) {
#define PRINT(name) printf("count i_" #name " %ld\n", calls_##name);
#define PRINT_CONDITION(name) printf("count i_j" #name " %ld\n", calls_j##name);
            FUNCTIONS(PRINT)
            CONDITIONS(PRINT_CONDITION)
            result(0);
        } else unknown(&c);
    }
    return 0;
}
