using System.Diagnostics;
using Uprobes.Images;

namespace Uprobes.Tests.Images;

/// <summary>This layer's reader and binutils' readelf must say the same about the files of this machine.</summary>
public sealed class AgainstReadelfTests
{
    private static readonly TimeSpan TimeBox = TimeSpan.FromSeconds(12);
    private static readonly string[] Folders = ["/usr/bin", "/usr/lib/x86_64-linux-gnu"];
    private const long LargestFile = 24 << 20;

    [Fact]
    public void Programs_and_libraries_have_the_segments_and_functions_that_readelf_shows()
    {
        var watch = Stopwatch.StartNew();
        int images = 0;
        foreach (string path in Sample())
        {
            if (watch.Elapsed > TimeBox)
                break;
            ElfImage image;
            try
            {
                image = ElfImage.Open(path);
            }
            catch (ImageException error) when (error.Reason is ImageFailureReason.NotElf or ImageFailureReason.NotElf64 or ImageFailureReason.WrongMachine or ImageFailureReason.NotFound)
            {
                continue;
            }
            using (image)
            {
                images++;
                Assert.Equal(Readelf.Segments(path), image.Segments);
                CompareFunctions(image);
            }
        }
        TestContext.Current.SendDiagnosticMessage($"{images} images compared");
        Assert.True(images > 3, $"only {images} images were compared in {TimeBox}");
    }

    // A fixed order that is not alphabetical, so that the time box cuts off a mixture.
    private static IEnumerable<string> Sample() => Folders.Where(Directory.Exists)
        .SelectMany(folder => Directory.EnumerateFiles(folder))
        .Where(file => new FileInfo(file) is { Length: > 0 and < LargestFile, LinkTarget: null })
        .OrderBy(file => Checksum.Of(System.Text.Encoding.UTF8.GetBytes(file)));

    private static void CompareFunctions(ElfImage image)
    {
        // name with version -> offsets; .symtab repeats names of .dynsym without their version.
        var ours = image.Functions.All
            .Where(function => function.Origin is FunctionOrigin.DynamicSymbols or FunctionOrigin.SymbolTable)
            .Select(function => (function.VersionedName, function.Address.Value)).ToHashSet();
        var ourNames = image.Functions.All.Select(function => (function.Name, function.Address.Value)).ToHashSet();
        var sizes = image.Functions.All.ToLookup(function => (function.Name, function.Address.Value), function => function.Size);
        int theirs = 0;
        foreach (Readelf.Symbol symbol in Readelf.Symbols(image.Path))
        {
            if (symbol.Type is not ("FUNC" or "IFUNC") || symbol.Section is "UND" or "ABS")
                continue;
            if (!image.TryGetOffset(new LinkAddress(symbol.Value), out FileOffset offset) || !image.IsExecutable(offset))
                continue;
            theirs++;
            string bare = symbol.Name.Split('@')[0];
            Assert.True(ourNames.Contains((bare, symbol.Value)), $"{image.Path}: {symbol} is missing");
            Assert.True(symbol.Table != ".dynsym" || ours.Contains((symbol.Name, symbol.Value)), $"{image.Path}: {symbol} has another version");
            Assert.True(symbol.Size == 0 || sizes[(bare, symbol.Value)].Any(size => size <= symbol.Size), $"{image.Path}: {symbol} has another size");
        }
        Assert.True(theirs > 0 || ours.Count == 0 || image.Functions.All.All(function => function.IsUntyped), $"{image.Path}: readelf shows no functions");
        Assert.All(image.Functions.All, function => Assert.True(function.Size > 0 && image.IsExecutable(function.Offset)));
        Assert.Equal(image.Functions.All, image.Functions.All.OrderBy(function => function.Offset));
        Assert.Empty(image.Functions.Problems);
    }
}
