namespace Uprobes.Images;

/// <summary>Says what to do where a file has no debug information, or no names.</summary>
internal static class MissingDebugInformation
{
    private static readonly string[] SystemDirectories = ["/usr/", "/lib/", "/lib64/", "/bin/", "/sbin/"];

    /// <summary>What brings debug information to a file.</summary>
    internal static string Remedy(ElfImage image) => IsPackaged(image) ? Package(image) : "compile it with -g";

    /// <summary>
    /// Why a function that its source has may have no name here, and what brings the names; null for a file whose local functions are named, and for one
    /// without functions.
    /// </summary>
    internal static string? RemedyForNames(ElfImage image)
    {
        IReadOnlyList<FunctionSymbol> all = image.Functions.All;
        if (all.Count == 0 || all.Any(function => function.Origin is FunctionOrigin.SymbolTable or FunctionOrigin.DebugFile or FunctionOrigin.MiniDebugInfo))
            return null;
        return $"it is stripped, and names only what it exports: {(IsPackaged(image) ? Package(image) : "keep its symbol table (strip -g in place of strip, no -s for the linker)")}";
    }

    private static bool IsPackaged(ElfImage image) =>
        SystemDirectories.Any(directory => image.Path.StartsWith(directory, StringComparison.Ordinal)) && !image.Path.StartsWith("/usr/local/", StringComparison.Ordinal);

    private static string Package(ElfImage image) =>
        $"install its debug package, which brings /usr/lib/debug/.build-id/{(image.BuildId is { Hex.Length: > 2 } id ? $"{id.Hex[..2]}/{id.Hex[2..]}.debug" : "…")} (Debian and Ubuntu: PACKAGE-dbgsym or PACKAGE-dbg; Fedora: debuginfo-install PACKAGE)";
}
