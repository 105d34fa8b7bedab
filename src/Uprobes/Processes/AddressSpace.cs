namespace Uprobes.Processes;

/// <summary>
/// One memory that one or more traced processes run in. It is let go of with its last process. Used on the tracer thread
/// only.
/// </summary>
internal sealed class AddressSpace(int liveThreadId)
{
    private int _users;

    internal TraceeMemory Memory { get; } = new(liveThreadId);

    /// <summary>What the engine keeps about the address space; opaque to this layer.</summary>
    internal IDisposable? EngineState { get; set; }

    /// <summary>Room for the code that remote system calls run from, once the engine has mapped some; until then slack at the end of a text page serves.</summary>
    internal RemoteAddress? CallArea { get; set; }

    /// <summary>Whether a thread may still run in a <see cref="CallArea"/> that was given up: the engine's memory around it must stay mapped.</summary>
    internal bool KeepsCallArea { get; set; }

    /// <summary>Whether several processes run in it: between vfork and exec.</summary>
    internal bool IsShared => _users > 1;

    internal void AddUser() => _users++;

    internal void RemoveUser()
    {
        if (--_users > 0)
            return;
        EngineState?.Dispose(); // First: it may still name the memory file.
        EngineState = null;
        Memory.Dispose();
    }
}
