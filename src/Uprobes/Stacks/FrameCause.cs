namespace Uprobes.Stacks;

/// <summary>Why a thread is where a frame of its stack says.</summary>
internal enum FrameCause
{
    /// <summary>It is to go on there: the innermost frame. The instruction at the address is the next one.</summary>
    Stopped,

    /// <summary>A signal handler returns there, to what was interrupted: perhaps in the middle of its calls.</summary>
    Interrupted,

    /// <summary>A call returns there: the instruction before the address is where it is.</summary>
    Called,
}
