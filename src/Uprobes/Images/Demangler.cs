using Uprobes.Linux;

namespace Uprobes.Images;

/// <summary>
/// Turns the names that compilers make back into those of the source language. C++ (Itanium ABI) goes through this
/// machine's C++ run-time library; where there is none, C++ names stay as they are. Rust, both schemes, is built in.
/// The result is text from a file: whoever shows it on a terminal must escape it. Names above
/// <see cref="ReadLimits.DemangledNameCharacters"/> stay as they are. That library does not limit what a short C++ name
/// made on purpose expands to; so lists of files that nobody vouches for should show raw names. Thread-safe.
/// </summary>
public static class Demangler
{
    /// <summary>The source form of a name, or the name itself where it is not mangled or not valid.</summary>
    /// <param name="name">A raw symbol name without version.</param>
    public static string Demangle(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        if (!IsMangled(name) || name.Length > ReadLimits.Default.DemangledNameCharacters)
            return name;
        if (name.StartsWith("_R", StringComparison.Ordinal))
            return RustV0Demangler.TryDemangle(name) ?? name;
        return RustLegacyDemangler.TryDemangle(name) ?? CxxAbi.TryDemangle(name) ?? name;
    }

    /// <summary>Whether a name has the form of a mangled one.</summary>
    internal static bool IsMangled(string name) => name.Length > 3 && name[0] == '_' && (name[1] == 'Z' || (name[1] == 'R' && char.IsAsciiLetterUpper(name[2])));
}
