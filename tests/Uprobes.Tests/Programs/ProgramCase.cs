using Uprobes.Programs;

namespace Uprobes.Tests.Programs;

/// <summary>A good group, and a hit for each of its programs, in one synthetic memory.</summary>
internal sealed record ProgramCase(ProgramGroup Group, SyntheticContext Entry, SyntheticContext Return)
{
    /// <summary>How many probes the group is for; a context's probe index is below.</summary>
    internal const int Probes = 3;

    public override string ToString() => $"{ProgramPrinter.Print(Group)}entry hit: {Entry}\nreturn hit: {Return}";
}
