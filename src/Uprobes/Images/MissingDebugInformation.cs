namespace Uprobes.Images;

/// <summary>Says what to do where a file has no debug information.</summary>
internal static class MissingDebugInformation
{
    private static readonly string[] SystemDirectories = ["/usr/", "/lib/", "/lib64/", "/bin/", "/sbin/"];

    /// <summary>What brings debug information to a file.</summary>
    internal static string Remedy(ElfImage image) => SystemDirectories.Any(directory => image.Path.StartsWith(directory, StringComparison.Ordinal)) && !image.Path.StartsWith("/usr/local/", StringComparison.Ordinal)
        ? $"install its debug package, which brings /usr/lib/debug/.build-id/{(image.BuildId is { Hex.Length: > 2 } id ? $"{id.Hex[..2]}/{id.Hex[2..]}.debug" : "…")} (Debian and Ubuntu: PACKAGE-dbgsym or PACKAGE-dbg; Fedora: debuginfo-install PACKAGE)"
        : "compile it with -g";
}
