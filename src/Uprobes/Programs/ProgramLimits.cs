using Uprobes.Channels;

namespace Uprobes.Programs;

/// <summary>
/// How large programs may be. The checker enforces it, so that back ends need not be prepared for more: with these bounds a
/// program ends after at most <see cref="Nodes"/> x (<see cref="Iterations"/> + <see cref="Rounds"/>) evaluated nodes, however its input looks.
/// </summary>
internal static class ProgramLimits
{
    /// <summary>Local variables of a program.</summary>
    internal const int Locals = 64;

    /// <summary>Statements and expressions of a program.</summary>
    internal const int Nodes = 4096;

    /// <summary>Expressions within expressions, a leaf being 1.</summary>
    internal const int ExpressionDepth = 32;

    /// <summary>Statements within statements.</summary>
    internal const int StatementDepth = 32;

    /// <summary>Rounds of one loop.</summary>
    internal const int Times = 1000;

    /// <summary>Rounds of a loop times those of the loops around it.</summary>
    internal const int Iterations = 10_000;

    /// <summary>
    /// Rounds that the loops without a stated number (<see cref="Loop"/>) do in one run of the program, together: a millisecond or so of bodies
    /// that compute, some hundred times that where each round has the kernel read memory or searches long texts. Whoever removes a probe waits for a thread in one.
    /// </summary>
    internal const int Rounds = 250_000;

    /// <summary>Words that an entry program can keep for the return program.</summary>
    internal const int FollowWords = 6;

    /// <summary>Bytes of a text that is compared or in a key, a multiple of 8: there is room for two.</summary>
    internal const int TextCapacity = 256;

    /// <summary>Bytes of a text that is an event's field, a multiple of 8.</summary>
    internal const int FieldCapacity = 16384;

    /// <summary>Bytes of a pattern.</summary>
    internal const int PatternBytes = 128;

    /// <summary>Bytes of a key.</summary>
    internal const int KeySize = 2048;

    /// <summary>Keys of a map.</summary>
    internal const int Keys = 1 << 24;

    /// <summary>Steps of a linear histogram.</summary>
    internal const int Steps = 1000;

    /// <summary>Maps of a group, and its events.</summary>
    internal const int Definitions = 256;

    /// <summary>Arguments of a function.</summary>
    internal const int Arguments = 64;

    /// <summary>General registers.</summary>
    internal const int Registers = 16;

    /// <summary>Threads of a channel.</summary>
    internal const int ThreadSlots = 1 << 16;

    /// <summary>Bytes of a thread's ring.</summary>
    internal const int RingBytes = 1 << 30;

    /// <summary>
    /// Bytes of locals and intermediate values (<see cref="ScratchNeed"/>) at any moment: less than a scratch frame of the channel,
    /// the rest of which is the back end's.
    /// </summary>
    internal const int Scratch = ChannelLayout.ScratchFrameSize - 384;
}
