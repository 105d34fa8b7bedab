using Iced.Intel;
using Uprobes.Images;

namespace Uprobes.LiveTests.Signals;

/// <summary>Probe points on the instructions of a target's functions.</summary>
internal static class InstructionPoints
{
    /// <summary>Every instruction of a function, in the order of addresses.</summary>
    public static IReadOnlyList<ProbePoint> Of(string path, string function)
    {
        using ElfImage image = ElfImage.Open(path);
        return [.. Decode(image, function).Select(i => ProbePoint.At(path, new FileOffset(i.IP), function))];
    }

    /// <summary>The instructions of a function that have so many bytes or more.</summary>
    public static IReadOnlyList<ProbePoint> LongOnes(string path, string function, int least)
    {
        using ElfImage image = ElfImage.Open(path);
        return [.. Decode(image, function).Where(i => i.Length >= least).Select(i => ProbePoint.At(path, new FileOffset(i.IP), function))];
    }

    /// <summary>The first instruction of a function that has the mnemonic.</summary>
    public static ProbePoint First(string path, string function, Mnemonic mnemonic)
    {
        using ElfImage image = ElfImage.Open(path);
        return ProbePoint.At(path, new FileOffset(Decode(image, function).First(i => i.Mnemonic == mnemonic).IP), function);
    }

    /// <summary>The names of a target's functions that start with a prefix.</summary>
    public static IReadOnlyList<string> FunctionsStartingWith(string path, string prefix)
    {
        using ElfImage image = ElfImage.Open(path);
        return [.. image.Functions.Matching(prefix + "*").Select(f => f.Name).Distinct().Order(StringComparer.Ordinal)];
    }

    private static List<Instruction> Decode(ElfImage image, string function)
    {
        FunctionSymbol symbol = image.Functions.Named(function)[0];
        byte[] code = new byte[symbol.Size];
        Assert.Equal(code.Length, image.Read(symbol.Offset, code));
        var decoder = Decoder.Create(64, new ByteArrayCodeReader(code), symbol.Offset.Value);
        List<Instruction> instructions = [];
        while (decoder.IP < symbol.Offset.Value + symbol.Size)
            instructions.Add(decoder.Decode());
        return instructions;
    }
}
