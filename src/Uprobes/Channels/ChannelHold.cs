using System.Runtime.InteropServices;

namespace Uprobes.Channels;

/// <summary>Keeps a channel's memory mapped until it is disposed.</summary>
internal readonly ref struct ChannelHold
{
    private readonly SafeHandle _mapping;

    internal ChannelHold(SafeHandle mapping)
    {
        bool held = false;
        mapping.DangerousAddRef(ref held);
        _mapping = mapping;
    }

    public void Dispose() => _mapping.DangerousRelease();
}
