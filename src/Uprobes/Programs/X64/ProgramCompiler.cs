using Uprobes.Channels;

namespace Uprobes.Programs.X64;

/// <summary>
/// The x86-64 back end: makes machine code of the programs of a group that has been checked. The same input gives the same bytes.
/// Needs a processor with rdfsbase that the kernel lets programs use (AT_HWCAP2 bit 1), which is for the caller to see to.
/// </summary>
internal static class ProgramCompiler
{
    private const int MostRounds = 8;

    /// <summary>Code that runs at the site: <see cref="ProgramCode.OriginalStackAtEntry"/>.</summary>
    internal static ProgramCode CompileEntry(ProgramGroup group, CodeEnvironment environment) =>
        Compile(group, group.Entry, environment, isReturn: false);

    /// <summary>Code that runs when a followed call returns: <see cref="ProgramCode.OriginalStackAtReturn"/>; below that is the thunk's index.</summary>
    /// <exception cref="ArgumentException">The group has no return program, or the environment no table of calls.</exception>
    internal static ProgramCode CompileReturn(ProgramGroup group, CodeEnvironment environment)
    {
        if (group.Return is null || environment.Calls is null)
            throw new ArgumentException("The group has no return program, or there is no table of calls.", nameof(group));
        return Compile(group, group.Return, environment, isReturn: true);
    }

    private static ProgramCode Compile(ProgramGroup group, ProbeProgram program, CodeEnvironment environment, bool isReturn)
    {
        CodePlan plan = new(ProgramNeeds.Frame(program), default);
        for (int round = 0; round < MostRounds; round++)
        {
            ProgramEmitter emitter = new(group, program, environment, isReturn, plan);
            CodePlan outcome = emitter.Emit();
            if (outcome == plan)
                return emitter.Build();
            plan = outcome;
        }

        throw new InvalidOperationException("The plan of the program's code does not settle.");
    }
}
