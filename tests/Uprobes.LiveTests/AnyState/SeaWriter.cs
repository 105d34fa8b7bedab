using System.Globalization;
using System.Text;

namespace Uprobes.LiveTests.AnyState;

/// <summary>
/// Writes the assembly of a library of random functions: long and short ones, aligned and packed, with loops, calls, tail calls, switches and
/// padding of all kinds. The target <c>anystate</c> calls them.
/// </summary>
internal sealed class SeaWriter
{
    private const int LongestCost = 60, DeepestCalls = 3;
    private readonly Random _random;
    private readonly InstructionPalette _palette;
    private readonly StringBuilder _text = new();
    private readonly List<(int Depth, int Cost, int Calls, bool UsesRedZone)> _functions = [];
    private bool _usesRedZone;

    private SeaWriter(int seed, IReadOnlySet<string> features)
    {
        _random = new(seed);
        _palette = new(_random, features);
    }

    /// <summary>The assembly of so many functions, named f0, f1 and so on.</summary>
    internal static string Write(int seed, int functions, IReadOnlySet<string> features)
    {
        SeaWriter writer = new(seed, features);
        return writer.WriteAll(functions);
    }

    private string WriteAll(int functions)
    {
        Line(".intel_syntax noprefix");
        Line(".text");
        Line(".globl sea_text\nsea_text:");
        for (int i = 0; i < functions; i++)
            WriteFunction(i);
        Line(".globl sea_text_end\nsea_text_end:");
        Line(".section .data.rel.ro, \"aw\"\n.balign 8\n.globl sea_functions\nsea_functions:");
        for (int i = 0; i < functions; i++)
            Line($".quad f{Text(i)}");
        Line(".globl sea_depths\nsea_depths:");
        foreach ((int depth, _, _, _) in _functions)
            Line($".long {Text(depth)}");
        Line($".balign 8\n.globl sea_count, sea_data_size\nsea_count: .quad {Text(functions)}\nsea_data_size: .quad {Text(InstructionPalette.DataSize)}");
        Line($".data\n.balign 64\n.globl sea_data\nsea_data: .skip {Text(InstructionPalette.DataSize)}");
        Line(".section .note.GNU-stack, \"\", @progbits");
        return _text.ToString();
    }

    private void WriteFunction(int number)
    {
        string name = "f" + Text(number);
        Line((_random.Next(4), _random.Next(3)) switch
        {
            (0, _) => "",
            (1, _) => ".p2align 4, 0xcc",
            (2, 0) => ".p2align 2",
            (_, _) => ".p2align 4",
        });
        Line($".globl {name}\n.type {name}, @function\n{name}:");
        _usesRedZone = _random.Next(2) == 0;
        bool hasUnwind = _random.Next(3) > 0;
        if (hasUnwind)
            Line(".cfi_startproc");
        (int Depth, int Cost, int Calls) shape = _random.Next(12) switch
        {
            0 => Tiny(),
            1 => TailCall(number),
            2 => Loop(number),
            3 => Switch(),
            _ => Straight(number, _random.Next(1, 14)),
        };
        if (hasUnwind)
            Line(".cfi_endproc");
        Line($".size {name}, . - {name}");
        _functions.Add((shape.Depth, shape.Cost, shape.Calls, _usesRedZone));
    }

    private (int Depth, int Cost, int Calls) Tiny()
    {
        Line(_random.Next(5) switch
        {
            0 => "ret",
            1 => "nop\nret",
            2 => "xor eax, eax\nret",
            3 => "mov rax, rdi\nret",
            _ => "cmc\nret 0",
        });
        return (0, 2, 0);
    }

    private (int Depth, int Cost, int Calls) TailCall(int number)
    {
        (int depth, int cost) = Body(_random.Next(3));
        if (Callee(number) is not { } callee)
        {
            Line("ret");
            return (depth, cost + 1, 0);
        }

        Line(_random.Next(3) == 0 ? $"j{(_random.Next(2) == 0 ? "z" : "s")} f{Text(callee)}\nret" : $"jmp f{Text(callee)}");
        return (Math.Max(depth, _functions[callee].Depth), cost + _functions[callee].Cost + 2, _functions[callee].Calls);
    }

    /// <summary>A branch leads back into the first bytes.</summary>
    private (int Depth, int Cost, int Calls) Loop(int number)
    {
        int times = _random.Next(2, 4);
        Line(_random.Next(2) == 0 ? $"mov ebp, {Text(times)}" : $"push {Text(times)}\npop rbp");
        Line("8:");
        (int depth, int cost) = Body(_random.Next(1, 3), "ebp", "rbp", "bp", "bpl", "enter", "leave");
        Line("dec ebp\njnz 8b\nret");
        return (Math.Max(8, depth), 2 + (times * (cost + 2)), 0);
    }

    private (int Depth, int Cost, int Calls) Switch()
    {
        string table = $"t{Text(_functions.Count)}";
        Line($"and eax, 3\nlea rdx, [rip + {table}]\nmovsxd rax, dword ptr [rdx + rax*4]\nadd rax, rdx\njmp rax");
        int most = 0, deepest = 0;
        for (int arm = 0; arm < 4; arm++)
        {
            Line($"{table}_{Text(arm)}:");
            (int depth, int cost) = Body(_random.Next(1, 3));
            (most, deepest) = (Math.Max(most, cost), Math.Max(deepest, depth));
            Line("ret");
        }

        Line(".section .rodata\n.balign 4");
        Line($"{table}:");
        for (int arm = 0; arm < 4; arm++)
            Line($".long {table}_{Text(arm)} - {table}");
        Line(".text");
        return (deepest, most + 6, 0);
    }

    private (int Depth, int Cost, int Calls) Straight(int number, int count)
    {
        (int depth, int cost) = Body(count);
        int calls = 0;
        if (_random.Next(3) == 0 && Callee(number) is { } callee)
        {
            bool aligns = _random.Next(2) == 0;
            if (aligns)
                Line("push rbx");
            Line(_random.Next(3) == 0 ? $"call [rip + sea_functions + {Text(8 * callee)}]" : $"call f{Text(callee)}");
            // A return address that was here is nobody's business: a probe may have had its own in place of it.
            Line($"mov qword ptr [rsp - 8], {Text(_random.Next())}");
            if (aligns)
                Line("pop rbx");
            (int after, int more) = Body(_random.Next(1, 3));
            depth = Math.Max(Math.Max(depth, after), 8 + (aligns ? 8 : 0) + _functions[callee].Depth);
            (cost, calls) = (cost + more + 4 + _functions[callee].Cost, 1 + _functions[callee].Calls);
        }

        Line("ret");
        return (depth, cost + 1, calls);
    }

    /// <summary>A function that finds nothing known below its stack pointer must not look there.</summary>
    private int? Callee(int number)
    {
        for (int tries = 0; number > 0 && tries < 20; tries++)
        {
            int callee = _random.Next(number);
            if (!_functions[callee].UsesRedZone && _functions[callee].Cost < LongestCost && _functions[callee].Calls < DeepestCalls)
                return callee;
        }

        return null;
    }

    private (int Depth, int Cost) Body(int count, params string[] without)
    {
        int deepest = 0, cost = 0;
        for (int i = 0; i < count;)
        {
            IReadOnlyList<string> lines = _palette.Next(_usesRedZone, out int depth);
            if (lines.Any(line => without.Any(word => line.Contains(word, StringComparison.Ordinal))))
                continue;
            foreach (string line in lines)
                Line(line);
            (deepest, cost, i) = (Math.Max(deepest, depth), cost + (8 * lines.Count), i + 1);
        }

        return (deepest, Math.Min(cost, 8 * count));
    }

    private void Line(string line) => _text.Append(line).Append('\n');

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
