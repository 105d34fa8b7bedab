// Static probes as sys/sdt.h makes them, written anew so that nothing has to be installed: a nop, and a note in .note.stapsdt that names
// it and says where its arguments are. MARKn has no semaphore; GUARDEDn names `PROVIDER_NAME_semaphore`, which COUNTER defines.
#ifndef STATICPROBE_H
#define STATICPROBE_H

// Negative for signed integers. Pointers are cast to integers by who uses them.
#define MARK_SIZE(x) ((((__typeof__(x))-1) > 0 ? 1 : -1) * (int)sizeof(x))

#define MARK_NOTE(provider, name, counter, arguments)                                                     \
    "990: nop\n"                                                                                          \
    ".pushsection .note.stapsdt,\"?\",\"note\"\n"                                                         \
    ".balign 4\n"                                                                                         \
    ".4byte 992f-991f, 994f-993f, 3\n"                                                                    \
    "991: .asciz \"stapsdt\"\n"                                                                           \
    "992: .balign 4\n"                                                                                    \
    "993: .8byte 990b, _.stapsdt.base, " counter "\n"                                                     \
    ".asciz \"" #provider "\", \"" #name "\"\n"                                                           \
    ".asciz \"" arguments "\"\n"                                                                          \
    "994: .balign 4\n"                                                                                    \
    ".popsection\n"                                                                                       \
    ".ifndef _.stapsdt.base\n"                                                                            \
    ".pushsection .stapsdt.base,\"aG\",\"progbits\",.stapsdt.base,comdat\n"                               \
    ".weak _.stapsdt.base\n"                                                                              \
    ".hidden _.stapsdt.base\n"                                                                            \
    "_.stapsdt.base: .space 1\n"                                                                          \
    ".size _.stapsdt.base, 1\n"                                                                           \
    ".popsection\n"                                                                                       \
    ".endif\n"

#define MARK_OPERAND(n, x) [s##n] "n"(MARK_SIZE(x)), [a##n] "nor"(x)
#define MARK_TEXT(n) "%c[s" #n "]@%[a" #n "]"

#define MARK0(p, name) __asm__ volatile(MARK_NOTE(p, name, "0", ""))
#define MARK1(p, name, x) __asm__ volatile(MARK_NOTE(p, name, "0", MARK_TEXT(1)) ::MARK_OPERAND(1, x))
#define MARK2(p, name, x, y) \
    __asm__ volatile(MARK_NOTE(p, name, "0", MARK_TEXT(1) " " MARK_TEXT(2)) ::MARK_OPERAND(1, x), MARK_OPERAND(2, y))
#define MARK4(p, name, x, y, z, w)                                                                                           \
    __asm__ volatile(MARK_NOTE(p, name, "0", MARK_TEXT(1) " " MARK_TEXT(2) " " MARK_TEXT(3) " " MARK_TEXT(4)) ::MARK_OPERAND( \
                         1, x), MARK_OPERAND(2, y), MARK_OPERAND(3, z), MARK_OPERAND(4, w))
// With the places given by hand; whatever they name has to be where they say.
#define MARK_AT(p, name, arguments) __asm__ volatile(MARK_NOTE(p, name, "0", arguments))

#define COUNTER(p, name) \
    __attribute__((section(".probes"), visibility("hidden"), used)) volatile unsigned short p##_##name##_semaphore
#define GUARDED0(p, name) __asm__ volatile(MARK_NOTE(p, name, #p "_" #name "_semaphore", ""))
#define GUARDED1(p, name, x) \
    __asm__ volatile(MARK_NOTE(p, name, #p "_" #name "_semaphore", MARK_TEXT(1)) ::MARK_OPERAND(1, x))
#endif
