namespace Uprobes.Arming;

/// <summary>What is put at sites.</summary>
[Flags]
internal enum SiteKinds
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>Breakpoints: the trap engine.</summary>
    Breakpoint = 1,

    /// <summary>Jumps: the inline engine.</summary>
    Jump = 2,
}
