using Uprobes.Processes;
using Uprobes.Tool.Events;

namespace Uprobes.Tool.Probing;

/// <summary>A hit of the library, as the recorder sees it.</summary>
internal readonly struct LiveHit(ProbeHit hit) : IHit
{
    /// <inheritdoc/>
    public int ProcessId => hit.ProcessId;

    /// <inheritdoc/>
    public int ThreadId => hit.ThreadId;

    /// <inheritdoc/>
    public long TimeNanoseconds => hit.TimestampNanoseconds;

    /// <inheritdoc/>
    public ulong Argument(int index) => hit.Arg(index);

    /// <inheritdoc/>
    public int Read(ulong address, Span<byte> destination) => hit.ReadMemory(new RemoteAddress(address), destination);
}

/// <summary>A return of the library, as the recorder sees it.</summary>
internal readonly struct LiveReturn(ReturnHit hit) : IReturn
{
    /// <inheritdoc/>
    public int ProcessId => hit.ProcessId;

    /// <inheritdoc/>
    public int ThreadId => hit.ThreadId;

    /// <inheritdoc/>
    public long TimeNanoseconds => hit.TimestampNanoseconds;

    /// <inheritdoc/>
    public long EntryTimeNanoseconds => hit.EntryTimestampNanoseconds;

    /// <inheritdoc/>
    public ulong Result => hit.ReturnValue;

    /// <inheritdoc/>
    public ulong Argument(int index) => hit.Arg(index);

    /// <inheritdoc/>
    public int Read(ulong address, Span<byte> destination) => hit.ReadMemory(new RemoteAddress(address), destination);
}
