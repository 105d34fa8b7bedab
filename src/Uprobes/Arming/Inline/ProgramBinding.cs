using Uprobes.Programs;

namespace Uprobes.Arming.Inline;

/// <summary>A program at a probe point.</summary>
/// <param name="Run">The group that it belongs to.</param>
/// <param name="Probe">The probe's index in the group.</param>
/// <param name="Switch">Whether it runs.</param>
internal sealed record ProgramBinding(ProgramRun Run, int Probe, ProgramSwitch Switch)
{
    /// <summary>The group as this probe sees it.</summary>
    internal ProgramGroup Group { get; } = Run.GroupOf(Probe);
}

/// <summary>Whether a program at a probe point runs; read in the target without anybody being stopped.</summary>
internal sealed class ProgramSwitch
{
    private volatile bool _isOn = true;

    internal bool IsOn
    {
        get => _isOn;
        set => _isOn = value;
    }
}
