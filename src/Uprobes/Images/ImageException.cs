namespace Uprobes.Images;

/// <summary>A file cannot be read as an image. The message names the file, what was read, and the offset or limit.</summary>
public sealed class ImageException : Exception
{
    /// <summary>Creates the exception.</summary>
    /// <param name="reason">The kind of failure.</param>
    /// <param name="file">The file's path as it is shown to users.</param>
    /// <param name="problem">What is wrong, with offsets and limits.</param>
    /// <param name="inner">The error below, if there is one.</param>
    public ImageException(ImageFailureReason reason, string file, string problem, Exception? inner = null)
        : base($"{file}: {problem}", inner)
    {
        Reason = reason;
        File = file;
        Problem = problem;
    }

    /// <summary>The kind of failure.</summary>
    public ImageFailureReason Reason { get; }

    /// <summary>The file's path as it is shown to users.</summary>
    public string File { get; }

    /// <summary>The message without the file's name.</summary>
    public string Problem { get; }
}
