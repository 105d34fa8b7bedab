using System.Buffers;
using Microsoft.Win32.SafeHandles;
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

    /// <summary>What is written next.</summary>
    public ArrayBufferWriter<byte> Buffer { get; } = new(FlushSize + 4096);

    /// <summary>Whether a person reads the results on a terminal.</summary>
    public bool IsTerminal { get; } = isTerminal;

    /// <summary>Opens a file for the results, or standard output when the path is null.</summary>
    public static ResultOutput Open(string? path)
    {
        if (path is null)
            return new ResultOutput(OpenStandardOutput(), !Console.IsOutputRedirected);
        try
        {
            return new ResultOutput(new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.Read, bufferSize: 0), isTerminal: false);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ToolException($"cannot write {path}: {e.Message}", inner: e);
        }
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

    // The console's stream hides EPIPE, so a pipe is written through a file stream. A file stream keeps a position of its
    // own, which is wrong for a regular file that a started command writes to as well: that and terminals get the console's.
    private static Stream OpenStandardOutput()
    {
        if (Console.IsOutputRedirected)
        {
            var direct = new FileStream(new SafeFileHandle(StandardOutput, ownsHandle: false), FileAccess.Write, bufferSize: 0);
            if (!direct.CanSeek)
                return direct;
        }
        return Console.OpenStandardOutput();
    }
}

/// <summary>The reader of the results closed its end: the command should end without fuss.</summary>
internal sealed class OutputClosedException(Exception inner) : Exception("The reader of the results has gone.", inner);
