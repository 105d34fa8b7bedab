using Iced.Intel;
using Uprobes.Images;
using Uprobes.LiveTests.Kit;

namespace Uprobes.LiveTests.AnyState;

/// <summary>A library of random functions, built in a folder of its own.</summary>
internal sealed class Sea : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("uprobes-sea-");

    /// <summary>Writes and builds it.</summary>
    /// <param name="seed">Chooses everything.</param>
    /// <param name="functions">How many.</param>
    internal Sea(int seed, int functions)
    {
        Library = PathOf("libsea.so");
        try
        {
            File.WriteAllText(PathOf("sea.s"), SeaWriter.Write(seed, functions, ProcessorFeatures()));
            using TargetProcess gcc = TargetProcess.Start(Require.Program("gcc"), "-shared", "-nostdlib", "-Wl,-Bsymbolic", "-o", Library, PathOf("sea.s"));
            Assert.True(gcc.WaitForExit().Code == 0, gcc.Errors);
            Instructions = ReadInstructions();
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    internal string Library { get; }

    /// <summary>All instructions of all functions, ascending.</summary>
    internal IReadOnlyList<SeaInstruction> Instructions { get; }

    internal string PathOf(string name) => Path.Combine(_folder.FullName, name);

    public void Dispose() => _folder.Delete(recursive: true);

    private static HashSet<string> ProcessorFeatures() =>
        [.. File.ReadLines("/proc/cpuinfo").First(l => l.StartsWith("flags", StringComparison.Ordinal)).Split(':')[1].Split(' ', StringSplitOptions.RemoveEmptyEntries)];

    private List<SeaInstruction> ReadInstructions()
    {
        byte[] file = File.ReadAllBytes(Library);
        using ElfImage image = ElfImage.Open(Library);
        FunctionSymbol start = image.Functions.All.First(f => f.Name == "f0");
        List<SeaInstruction> instructions = [];
        foreach (FunctionSymbol function in image.Functions.All.Where(f => f.Name[0] == 'f' && f.Size > 0).DistinctBy(f => f.Offset).OrderBy(f => f.Offset.Value))
        {
            Decoder decoder = Decoder.Create(64, new ByteArrayCodeReader(file, (int)function.Offset.Value, (int)function.Size), function.Offset.Value);
            while (decoder.IP < function.Offset.Value + function.Size)
            {
                Instruction instruction = decoder.Decode();
                instructions.Add(new(function.Name, new FileOffset(instruction.IP), instruction.IP == function.Offset.Value, instruction.Length,
                    (int)(instruction.IP - start.Offset.Value), instruction));
            }
        }

        return instructions;
    }
}

/// <summary>An instruction of a random function.</summary>
/// <param name="Function">Which.</param>
/// <param name="Offset">Where, in the file.</param>
/// <param name="IsEntry">Whether it is the function's first.</param>
/// <param name="Length">Bytes.</param>
/// <param name="TextIndex">Where, from the first byte of the first function.</param>
/// <param name="Code">What it is; its addresses are offsets in the file.</param>
internal sealed record SeaInstruction(string Function, FileOffset Offset, bool IsEntry, int Length, int TextIndex, Instruction Code)
{
    public override string ToString() => $"{Function} at {Offset}: {Code}";
}
