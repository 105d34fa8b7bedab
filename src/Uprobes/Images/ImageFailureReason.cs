namespace Uprobes.Images;

/// <summary>Why a file could not be read as an image.</summary>
public enum ImageFailureReason
{
    /// <summary>There is no such file.</summary>
    NotFound,

    /// <summary>The file may not be opened or its directory not be searched.</summary>
    PermissionDenied,

    /// <summary>The file does not start with the ELF magic number.</summary>
    NotElf,

    /// <summary>The file is ELF, of 32 bits (x32 included).</summary>
    NotElf64,

    /// <summary>The file is ELF for another processor or byte order.</summary>
    WrongMachine,

    /// <summary>A header or table lies outside the file, contradicts another, or exceeds a limit of <see cref="ReadLimits"/>.</summary>
    Malformed,

    /// <summary>The path is a directory, device, socket or FIFO.</summary>
    NotRegularFile,

    /// <summary>The file could be opened but not read as far as its length said: an I/O error, or it was truncated meanwhile.</summary>
    ReadFailed,
}
