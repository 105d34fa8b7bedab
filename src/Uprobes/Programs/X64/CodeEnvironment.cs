using Uprobes.Channels;

namespace Uprobes.Programs.X64;

/// <summary>
/// What emitted code refers to in one process: addresses of the target. A forked child has the same addresses with memory of its
/// own behind them.
/// </summary>
/// <param name="Channel">Where the channel is mapped.</param>
/// <param name="Layout">How it is divided.</param>
/// <param name="ProcessState">
/// A private page that tells the process: +0 its id as its own getpid() says (32 bits); +8 time stamp counter at a moment;
/// +16 CLOCK_MONOTONIC nanoseconds at that moment; +24 nanoseconds a tick, times 2^32 (64 bits); +48 bytes of thunks, 0 as long as no call is
/// followed in the process; +56 address of the first thunk; +64 address of the call table. The target only reads it.
/// </param>
/// <param name="Calls">The table of followed calls, or null where the group has no return program.</param>
internal sealed record CodeEnvironment(ulong Channel, ChannelLayout Layout, ulong ProcessState, CallTable? Calls)
{
    internal const int ProcessIdOffset = 0, TicksOffset = 8, NanosecondsOffset = 16, RateOffset = 24;
    internal const int ThunkBytesOffset = 48, ThunksOffset = 56, EntriesOffset = 64;
}
