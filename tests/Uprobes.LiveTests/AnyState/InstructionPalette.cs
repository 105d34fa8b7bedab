using System.Globalization;
using System.Text;

namespace Uprobes.LiveTests.AnyState;

/// <summary>
/// Instructions as text, whose blanks are filled at random. None faults, none depends on anything but the thread's state and the library's
/// own data, and none leaves the stack pointer other than it was.
/// </summary>
internal sealed class InstructionPalette
{
    /// <summary>Bytes of the library's data.</summary>
    internal const int DataSize = 1024;

    private static readonly string[] Wide = ["rax", "rcx", "rdx", "rbx", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"];
    private static readonly string[] Half = ["eax", "ecx", "edx", "ebx", "ebp", "esi", "edi", "r8d", "r9d", "r10d", "r11d", "r12d", "r13d", "r14d", "r15d"];
    private static readonly string[] Word = ["ax", "cx", "dx", "bx", "bp", "si", "di", "r8w", "r9w", "r10w", "r11w", "r12w", "r13w", "r14w", "r15w"];
    private static readonly string[] Byte = ["al", "cl", "dl", "bl", "bpl", "sil", "dil", "r8b", "r9b", "r10b", "r11b", "r12b", "r13b", "r14b", "r15b", "ah", "ch", "dh", "bh"];
    private static readonly string[] LowByte = ["al", "cl", "dl", "bl"];

    /// <summary>Blanks: {Q D W B} registers, {b} a byte register that goes with ah, {q d w o m} memory, {i j} immediates, {c} a condition, {X Y Z K M S} vector, mask, MMX and x87 registers.</summary>
    private static readonly (string Feature, string[] Texts)[] Groups =
    [
        ("", [
            "mov {Q}, {Q}", "mov {D}, {D}", "mov {W}, {i}", "mov {D}, {j}", "movabs {Q}, {J}", "mov {q}, {Q}", "mov {Q}, {q}", "mov {D}, {d}", "mov {d}, {j}",
            "add {Q}, {Q}", "add {Q}, {q}", "sub {q}, {Q}", "adc {D}, {D}", "sbb {Q}, {i}", "adc {q}, {i}", "and {D}, {d}", "or {Q}, {j7}", "xor {D}, {D}", "xor {d}, {D}",
            "cmp {Q}, {Q}", "cmp {q}, {i}", "test {D}, {D}", "test {q}, {j7}", "inc {Q}", "dec {d}", "neg {D}", "not {Q}", "inc byte ptr {o}", "add {B}, {i}", "mov {b}, {o8}", "xchg ah, {b}",
            "lea {Q}, [{Q}+{Q}*4+{i}]", "lea {D}, [{Q}+{Q}+{j7}]", "lea {Q}, [rip + sea_data + {i}]", "imul {Q}, {Q}, {i}", "imul {D}, {d}, {j}", "mul {D}", "imul {Q}", "mul {q}",
            "shl {Q}, {s}", "sar {D}, cl", "ror {Q}, {s}", "rcl {D}, {s}", "rcr {Q}, cl", "shld {Q}, {Q}, {s}", "shrd {D}, {D}, cl", "rol {W}, {s}", "shr {q}, {s}", "bt {Q}, {s}", "bts {D}, {D}", "btc {Q}, {s}",
            "btr {q}, {s}", "bsf {Q}, {Q}", "bsr {D}, {D}", "bswap {Q}", "bswap {D}", "movzx {D}, {W}", "movsx {Q}, {W}", "movsxd {Q}, {D}", "movzx {D}, {o8}", "cdqe", "cqo", "cdq", "cbw", "cwde",
            "set{c} {B}", "cmov{c} {Q}, {Q}", "cmov{c} {D}, {d}", "xchg {Q}, {Q}", "xchg {Q}, {q}", "xadd {Q}, {Q}", "lock xadd {q}, {Q}", "cmpxchg {Q}, {Q}", "lock cmpxchg {q}, {Q}", "lock inc {d}", "lock add {q}, {i}",
            "cmpxchg8b {q}", "lahf", "sahf", "cmc", "stc", "clc", "std", "cld", "nop", "nop word ptr [rax+rax+{j7}]", "data16 nop", "endbr64", "pause", "lfence", "mfence",
            "mov {Q}, qword ptr fs:[0]", "mov {Q}, qword ptr fs:[0x28]",
            "push {Q};pop {Q}", "push {q};pop {q}", "push {i};pop {Q}", "push {j7};pop {q}", "pushfq;popfq", "pushfq;xor qword ptr [rsp], {f};popfq", "pushfq;pop {Q};and {Q}, 0xcff",
            "push {Q};push {Q};pop {q};pop {Q}", "push rsp;pop {Q}", "push {Q};mov rsp, rsp;pop {W};lea rsp, [rsp+6]", "enter 16, 0;mov [rsp], {Q};leave", "lea rsp, [rsp-64];mov [rsp+8], {Q};lea rsp, [rsp+64]",
            "sub rsp, 40;mov [rsp+16], {Q};xor {Q}, [rsp+16];add rsp, 40", "push {Q};add [rsp], {Q};popq_{q}",
            "mov ecx, {i9};xor edx, edx;div ecx", "mov {q}, {i9};cqo;idiv {same}", "mov ecx, {i9};mov ax, {i9};xor dx, dx;div cx",
            "lea rdi, [rip + sea_data + 512];lea rsi, [rip + sea_data + 384];mov ecx, {n};rep movsb", "lea rdi, [rip + sea_data + 512];lea rsi, [rip + sea_data + 640];mov ecx, {n};rep movsq",
            "lea rdi, [rip + sea_data + 512];mov ecx, {n};rep stosd", "lea rdi, [rip + sea_data + 400];lea rsi, [rip + sea_data + 600];movsq;lodsd;scasb;cmpsw", "lea rdi, [rip + sea_data + 512];mov ecx, {n};repne scasb",
            "lea rdi, [rip + sea_data + 512];lea rsi, [rip + sea_data + 384];mov ecx, {n};repe cmpsb", "lea rbx, [rip + sea_data + 256];xlatb", "lea {P}, [rip + sea_data + {o64}];add qword ptr [{P}], {Q};mov {Q}, [{P}+8]",
            "lea {P}, [rip + sea_data + {o64}];mov byte ptr [{P}+{i7}], {i7};xor dword ptr [{P}+32], {j}", "mov eax, 39;syscall", "xor eax, eax;cpuid", "xor ecx, ecx;xgetbv",
            "mov {D}, {n};9:;rol qword ptr [rip + sea_data], 1;dec {same};jnz 9b", "mov ecx, {n};inc ecx;9:;rol rbx, 3;loop 9b", "jrcxz 9f;nop;9:", "j{c} 9f;mov {D}, {j};9:", "j{c} 9f;9:", "jmp 9f;ud2;9:", "jmp 9f;.skip 130, 0xcc;9:",
            "movaps {X}, {X}", "movups {X}, {x}", "movups {x}, {X}", "movq {Q}, {X}", "movd {X}, {D}", "movq {X}, {q}", "paddd {X}, {X}", "pxor {X}, {X}", "addps {X}, {X}", "mulsd {X}, {X}", "divss {X}, {X}", "sqrtpd {X}, {X}",
            "cvtsi2sd {X}, {Q}", "cvttsd2si {Q}, {X}", "cvtps2dq {X}, {X}", "ucomisd {X}, {X}", "comiss {X}, {d}", "pshufd {X}, {X}, {i7}", "punpcklbw {X}, {X}", "pmovmskb {D}, {X}", "movmskps {D}, {X}", "shufps {X}, {X}, {i7}",
            "cmpps {X}, {X}, 1", "stmxcsr {d}", "mov {d}, {mx};ldmxcsr {same}", "movnti {q}, {Q}", "andnps {X}, {X}", "psrldq {X}, 3",
            "movq {M}, {Q}", "paddb {M}, {M}", "pxor {M}, {q}", "movq2dq {X}, {M}", "emms", "pshufw {M}, {M}, {i7}",
            "fld1", "fldpi", "fldz", "fld {q}", "fld {d}", "fild {q}", "fstp {q}", "fst {d}", "fistp {d}", "fadd st, {S}", "fmul {S}, st", "fsub st, {S}", "fdivp {S}, st", "fxch {S}", "fchs", "fabs", "fsqrt", "frndint",
            "fstsw ax", "fnstcw {w}", "mov {w}, {cw};fldcw {same}", "fincstp", "fdecstp", "ffree {S}", "fcomi st, {S}", "ftst", "fxam", "fnclex", "fstp {S}", "fcmovb st, {S}", "fprem", "fscale",
        ]),
        ("ssse3", ["pshufb {X}, {X}", "palignr {X}, {X}, {i7}", "phaddd {X}, {X}", "pabsb {M}, {M}"]),
        ("sse4_1", ["pinsrq {X}, {Q}, 1", "pextrd {D}, {X}, 2", "roundps {X}, {X}, 4", "ptest {X}, {X}", "pmulld {X}, {X}", "dpps {X}, {X}, {i7}"]),
        ("sse4_2", ["crc32 {D}, {o8}", "crc32 {Q}, {Q}", "pcmpistri {X}, {X}, {i7}", "pcmpestrm {X}, {X}, 12"]),
        ("popcnt", ["popcnt {Q}, {Q}", "popcnt {D}, {d}"]),
        ("movbe", ["movbe {Q}, {q}", "movbe {d}, {D}"]),
        ("cx16", ["lea {P}, [rip + sea_data + {o16}];lock cmpxchg16b [{P}]"]),
        ("bmi1", ["andn {Q}, {Q}, {Q}", "blsr {D}, {D}", "tzcnt {Q}, {q}", "bextr {Q}, {Q}, {Q}"]),
        ("bmi2", ["mulx {Q}, rsi, {Q}", "pdep {Q}, {Q}, {q}", "rorx {Q}, {Q}, {s}", "shlx {D}, {D}, {D}", "bzhi {Q}, {q}, {Q}"]),
        ("abm", ["lzcnt {Q}, {Q}"]),
        ("adx", ["adcx {Q}, {q}", "adox {D}, {D}"]),
        ("aes", ["aesenc {X}, {X}", "aeskeygenassist {X}, {X}, {i7}"]),
        ("pclmulqdq", ["pclmulqdq {X}, {X}, 1"]),
        ("sha_ni", ["sha256msg1 {X}, {X}", "sha1rnds4 {X}, {X}, 2"]),
        ("fsgsbase", ["rdfsbase {Q}", "rdgsbase {Q}"]),
        ("avx", [
            "vmovups {Y}, {y}", "vmovups {y}, {Y}", "vaddps {Y}, {Y}, {Y}", "vmulpd {Y}, {Y}, {y}", "vpermilps {Y}, {Y}, {i7}", "vinsertf128 {Y}, {Y}, {X}, 1", "vextractf128 {X}, {Y}, 1", "vzeroupper", "vzeroall",
            "vxorps {X}, {X}, {X}", "vmovq {X}, {q}", "vbroadcastss {Y}, {d}", "vtestps {Y}, {Y}", "vcvtpd2ps {X}, {Y}", "vsqrtss {X}, {X}, {X}", "vldmxcsr_",
        ]),
        ("avx2", ["vpaddq {Y}, {Y}, {Y}", "vpshufb {Y}, {Y}, {y}", "vpermq {Y}, {Y}, {i7}", "vpmovmskb {D}, {Y}", "vpbroadcastb {Y}, {X}", "vpsllvd {Y}, {Y}, {Y}", "vpblendd {Y}, {Y}, {Y}, {i7}"]),
        ("fma", ["vfmadd231ps {Y}, {Y}, {Y}", "vfnmadd213sd {X}, {X}, {q}"]),
        ("f16c", ["vcvtph2ps {Y}, {X}", "vcvtps2ph {X}, {Y}, 4"]),
        ("avx512f", [
            "vpaddd {Z}, {Z}, {Z}", "vmovups {Z}, {z}", "vmovups {z}, {Z}", "kmovw {K}, {D}", "kmovw {D}, {K}", "vpcmpd {K}, {Z}, {Z}, 1", "vpaddq {Z}{{}{K1}}{{}z}, {Z}, {Z}", "vpternlogd {Z}, {Z}, {Z}, {i7}",
            "vaddps {Z}, {Z}, {Z}, {{}rz-sae}", "kandnw {K}, {K}, {K}", "vpbroadcastd {Z}, {D}", "vpxord {Z}, {Z}, {d}{{}1to16}", "vpermt2d {Z}, {Z}, {Z}", "vcompressps {Z}{{}{K1}}, {Z}",
        ]),
        ("avx512bw", ["vpaddb {Z}, {Z}, {Z}", "kmovq {K}, {Q}", "kortestd {K}, {K}", "vpshufb {Z}, {Z}, {z}", "kunpckwd {K}, {K}, {K}"]),
        ("avx512vl", ["vpaddd {U}, {U}, {U}", "vpbroadcastd {U}, {D}", "vpsrad {U}{{}{K1}}, {U}, 5"]),
    ];

    private readonly Random _random;
    private readonly string[][] _groups;

    /// <param name="random">Chooses.</param>
    /// <param name="features">What the processor can do, by the names of /proc/cpuinfo.</param>
    internal InstructionPalette(Random random, IReadOnlySet<string> features)
    {
        _random = random;
        _groups = [.. Groups.Where(g => g.Feature.Length == 0 || features.Contains(g.Feature)).Select(g => g.Texts)];
    }

    /// <summary>One instruction, or some that belong together.</summary>
    /// <param name="mayUseRedZone">Whether they may use the 128 bytes below the stack pointer, which hold something known then.</param>
    /// <param name="depth">Bytes that they push at most.</param>
    internal IReadOnlyList<string> Next(bool mayUseRedZone, out int depth)
    {
        // Half of the common ones: the others are many.
        string[] group = _random.Next(2) == 0 ? _groups[0] : _groups[_random.Next(_groups.Length)];
        string text = group[_random.Next(group.Length)];
        depth = text.Contains("rsp", StringComparison.Ordinal) || text.Contains("enter", StringComparison.Ordinal) ? 64
            : text.Contains("push", StringComparison.Ordinal) ? 16 : 0;
        // Below a lowered stack pointer lies more than what is known.
        Filling filling = new(this, mayUseRedZone && depth == 0);
        return [.. text.Split(';').Select(filling.Fill).Where(line => line.Length > 0)];
    }

    /// <summary>One filling of the blanks of some instructions: some blanks refer to others.</summary>
    private sealed class Filling(InstructionPalette palette, bool mayUseRedZone)
    {
        private readonly string _pointer = Wide[palette._random.Next(Wide.Length)];
        private string _last = "";

        internal string Fill(string text)
        {
            if (text == "vldmxcsr_")
                return "vstmxcsr " + Memory("dword");
            if (text.StartsWith("popq_", StringComparison.Ordinal))
                return "pop " + Memory("qword");
            StringBuilder line = new();
            for (int at = 0; at < text.Length; at++)
            {
                if (text[at] != '{')
                {
                    line.Append(text[at]);
                    continue;
                }

                int end = text.IndexOf('}', at + 1);
                line.Append(Blank(text[(at + 1)..end]));
                at = end;
            }

            return line.ToString();
        }

        private string Blank(string kind) => kind switch
        {
            "{" => "{",
            "Q" => One(Wide),
            "D" => _last = One(Half),
            "W" => One(Word),
            "B" => One(Byte),
            "b" => One(LowByte),
            "P" => _pointer,
            "c" => One(["o", "no", "b", "ae", "z", "nz", "be", "a", "s", "ns", "p", "np", "l", "ge", "le", "g"]),
            "i" or "i7" => Number(palette._random.Next(128)),
            "i9" => Number(palette._random.Next(1, 30000) | 0x4000),
            "j" => "0x" + palette._random.Next(0x10000000, int.MaxValue).ToString("x", CultureInfo.InvariantCulture),
            "J" => "0x" + palette._random.NextInt64(long.MaxValue).ToString("x", CultureInfo.InvariantCulture),
            "j7" => Number(palette._random.Next(0x1000, 0x70000000)),
            "s" => Number(palette._random.Next(1, 16)),
            "n" => Number(palette._random.Next(1, 8)),
            "f" => Number(palette._random.Next(0x1000) & 0xcd5),
            "mx" => Number(0x1f80 | (palette._random.Next(4) << 13) | (palette._random.Next(2) << 6) | (palette._random.Next(2) << 15)),
            "cw" => Number(0x27f | (palette._random.Next(4) << 10)),
            "o16" => Number(16 * palette._random.Next(DataSize / 16)),
            "o64" => Number(palette._random.Next(DataSize - 256)),
            "o" or "o8" => kind == "o" ? Memory("")[" ptr ".Length..] : Memory("byte"),
            "q" => Memory("qword"),
            "d" => Memory("dword"),
            "w" => Memory("word"),
            "x" => Memory("xmmword"),
            "y" => Memory("ymmword"),
            "z" => Memory("zmmword"),
            "same" => _last,
            "X" => "xmm" + Number(palette._random.Next(16)),
            "Y" => "ymm" + Number(palette._random.Next(16)),
            "Z" => "zmm" + Number(palette._random.Next(32)),
            "U" => "ymm" + Number(palette._random.Next(32)),
            "K" => "k" + Number(palette._random.Next(8)),
            "K1" => "k" + Number(palette._random.Next(1, 8)),
            "M" => "mm" + Number(palette._random.Next(8)),
            "S" => "st(" + Number(palette._random.Next(8)) + ")",
            _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "no such blank"),
        };

        /// <summary>In the library's data, or in the red zone.</summary>
        private string Memory(string size)
        {
            string place = mayUseRedZone && palette._random.Next(3) == 0
                ? $"[rsp - {Number(palette._random.Next(64, 129))}]"
                : $"[rip + sea_data + {Number(palette._random.Next(DataSize - 64))}]";
            return _last = $"{size} ptr {place}";
        }

        private string One(string[] choices) => choices[palette._random.Next(choices.Length)];

        private static string Number(int value) => value.ToString(CultureInfo.InvariantCulture);
    }
}
