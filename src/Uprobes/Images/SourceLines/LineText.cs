namespace Uprobes.Images.SourceLines;

/// <summary>Where a text of a line table is: many entries can mean the same long one, so it is read when it is wanted.</summary>
/// <param name="Offset">Of its first byte; negative for no text.</param>
/// <param name="IsShared">Whether in <see cref="LineSection.Strings"/>; otherwise it is in the table itself.</param>
internal readonly record struct LineText(int Offset, bool IsShared)
{
    /// <summary>No text.</summary>
    internal static LineText None { get; } = new(-1, false);
}
