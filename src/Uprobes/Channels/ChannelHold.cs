using System.Runtime.InteropServices;

namespace Uprobes.Channels;

/// <summary>Keeps a channel's memory mapped, and its file open, until it is disposed.</summary>
internal readonly ref struct ChannelHold
{
    private readonly SafeHandle _mapping;
    private readonly SafeHandle? _file;

    internal ChannelHold(SafeHandle mapping, SafeHandle? file)
    {
        bool held = false;
        mapping.DangerousAddRef(ref held);
        _mapping = mapping;
        if (file is null)
            return;
        try
        {
            held = false;
            file.DangerousAddRef(ref held);
            _file = file;
        }
        finally
        {
            if (!held)
                mapping.DangerousRelease();
        }
    }

    public void Dispose()
    {
        _mapping.DangerousRelease();
        _file?.DangerousRelease();
    }
}
