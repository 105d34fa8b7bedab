using System.Buffers;
using Uprobes.Linux;
using Uprobes.Tool.Messages;

namespace Uprobes.Tool.Output;

/// <summary>
/// Where results go: standard output or a file, through one buffer. Not thread-safe: whoever prints owns it.
/// </summary>
internal sealed class ResultOutput(Stream stream, bool isTerminal) : IDisposable
{
    private const int StandardOutput = 1;
    private const int BrokenPipe = 32; // EPIPE
    private const int FlushSize = 64 * 1024;
    private bool _hasBegun;

    /// <summary>What is written next.</summary>
    public ArrayBufferWriter<byte> Buffer { get; } = new(FlushSize + 4096);

    /// <summary>Whether a person reads the results on a terminal.</summary>
    public bool IsTerminal { get; } = isTerminal;

    /// <summary>Opens a file for the results, or standard output when the path is null.</summary>
    public static ResultOutput Open(string? path)
    {
        if (path is null)
            return new ResultOutput(new DescriptorStream(StandardOutput), !Console.IsOutputRedirected);
        try
        {
            return new ResultOutput(new FileStream(path, FileMode.OpenOrCreate, FileAccess.Write, FileShare.Read, bufferSize: 0), isTerminal: false);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ToolException($"cannot write {path}: {e.Message}", inner: e);
        }
    }

    /// <summary>There will be results: what a file had in it before goes. Until then a command that cannot do its work leaves it as it was.</summary>
    public void Begin()
    {
        if (!_hasBegun && stream is FileStream { CanSeek: true } file && FileStatus.Of(file.SafeFileHandle, file.Name).IsRegular)
            file.SetLength(0);
        _hasBegun = true;
    }

    /// <summary>Writes the buffer out once it is large.</summary>
    /// <exception cref="OutputClosedException">Nobody reads the results any more.</exception>
    public void FlushIfLarge()
    {
        if (Buffer.WrittenCount >= FlushSize)
            Flush();
    }

    /// <summary>Writes the buffer out.</summary>
    /// <exception cref="OutputClosedException">Nobody reads the results any more.</exception>
    public void Flush()
    {
        if (Buffer.WrittenCount == 0)
            return;
        Begin();
        try
        {
            stream.Write(Buffer.WrittenSpan);
        }
        catch (IOException e) when (e.HResult == BrokenPipe)
        {
            throw new OutputClosedException(e);
        }
        catch (IOException e)
        {
            throw new ToolException($"cannot write the results: {e.Message}", inner: e);
        }
        finally
        {
            Buffer.ResetWrittenCount();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => stream.Dispose();
}

/// <summary>The reader of the results closed its end: the command should end without fuss.</summary>
internal sealed class OutputClosedException(Exception inner) : Exception("The reader of the results has gone.", inner);
