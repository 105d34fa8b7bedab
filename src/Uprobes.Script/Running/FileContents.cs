using Uprobes.Script.Output;

namespace Uprobes.Script.Running;

/// <summary>A file that <c>cat()</c> shows, read when its turn comes.</summary>
/// <param name="path">Its path.</param>
/// <param name="most">Bytes to show.</param>
/// <param name="location">The call.</param>
internal sealed class FileContents(string path, int most, ScriptLocation location)
{
    /// <summary>Writes them, or why they cannot be read.</summary>
    internal void WriteTo(IScriptWriter writer)
    {
        try
        {
            byte[] bytes = new byte[most];
            using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, bufferSize: 0);
            int read = file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
            writer.Cat(bytes.AsSpan(0, read));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            writer.Message(ScriptSeverity.Error, PrintfFormat.Parse("failed to open file '%s': %s"), [ScriptValue.String(path), ScriptValue.String(e.Message)], location);
        }
    }
}
