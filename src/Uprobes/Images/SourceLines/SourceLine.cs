using System.Globalization;

namespace Uprobes.Images.SourceLines;

/// <summary>A place in a program's source text.</summary>
/// <param name="File">The path as the compiler was given it, with the directory that it ran in where that is known.</param>
/// <param name="Line">From 1.</param>
internal sealed record SourceLine(string File, uint Line)
{
    /// <summary>As <c>file:line</c>.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{File}:{Line}");
}
