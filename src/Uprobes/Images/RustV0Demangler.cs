namespace Uprobes.Images;

/// <summary>Rust's newer scheme (RFC 2603), which begins with <c>_R</c>. Crate hashes and number types are left out, as in <c>{:#}</c>.</summary>
internal static class RustV0Demangler
{
    /// <summary>The path, or null where the name is not valid.</summary>
    public static string? TryDemangle(string name)
    {
        if (!name.StartsWith("_R", StringComparison.Ordinal))
            return null;
        // Compilers append suffixes such as .llvm.123 or .cold after the symbol, whose own letters have no dot.
        int dot = name.IndexOf('.', StringComparison.Ordinal);
        string suffix = dot < 0 || name.AsSpan(dot).StartsWith(".llvm.") ? "" : name[dot..];
        var printer = new RustV0Printer(dot < 0 ? name[2..] : name[2..dot]);
        return printer.TryPrintSymbol() is { } text ? text + suffix : null;
    }
}
