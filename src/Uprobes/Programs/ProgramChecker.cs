namespace Uprobes.Programs;

/// <summary>
/// Looks whether a group can be run. What it finds good ends, whatever the target's memory and registers hold, within the bounds
/// of <see cref="ProgramLimits"/>, and can be run by every back end. It copes with any group at all, however deep or large.
/// </summary>
internal static class ProgramChecker
{
    /// <summary>More problems than this are not told.</summary>
    internal const int MostProblems = 50;

    /// <summary>Checks a group.</summary>
    /// <returns>What is wrong with it, in the order of the program; empty for a good one.</returns>
    internal static IReadOnlyList<ProgramProblem> Check(ProgramGroup group)
    {
        List<ProgramProblem> problems = [];
        DefinitionChecker.Check(group, problems);

        // Keys and fields are compared with definitions that make sense.
        if (problems.Count > 0)
            return problems;

        DefinitionChecker.CheckPresets(group, problems);
        CheckPrograms(group, problems);
        foreach (ProbePrograms programs in group.OfProbes.Distinct(ReferenceEqualityComparer.Instance).Cast<ProbePrograms>())
            CheckPrograms(group.Of(programs), problems);
        return problems;
    }

    private static void CheckPrograms(ProgramGroup group, List<ProgramProblem> problems)
    {
        StatementChecker entry = new(group, isReturn: false, followWords: 0, problems);
        entry.Check(group.Entry);
        if (group.Return is not null)
            new StatementChecker(group, isReturn: true, entry.LeastFollowWords ?? 0, problems).Check(group.Return);
    }
}
