namespace Uprobes.Programs;

/// <summary>Where a check is, how much it has seen, and what it found: shared by the checks of a program's statements and expressions.</summary>
internal sealed class CheckState
{
    private const int ShownNodes = 12;
    private readonly List<ProgramProblem> _problems;
    private readonly List<string> _way = [];
    private readonly int _before;

    /// <summary>Begins a program.</summary>
    /// <param name="program">Its name in messages.</param>
    /// <param name="problems">Where problems go.</param>
    internal CheckState(string program, List<ProgramProblem> problems)
    {
        _problems = problems;
        _before = problems.Count;
        _way.Add(program);
    }

    /// <summary>Whether nothing was found in this program.</summary>
    internal bool IsGood => _problems.Count == _before;

    /// <summary>Statements and expressions seen so far.</summary>
    internal int Nodes { get; private set; }

    /// <summary>
    /// Goes on to a node, until <see cref="Leave"/>. False once there are too many, so that a program that shares its parts and would
    /// be endless when written out is not walked through.
    /// </summary>
    internal bool Enter(string step)
    {
        _way.Add(step);
        return ++Nodes <= ProgramLimits.Nodes && _problems.Count < ProgramChecker.MostProblems;
    }

    /// <summary>Goes back.</summary>
    internal void Leave() => _way.RemoveAt(_way.Count - 1);

    /// <summary>The node that the check is at is wrong.</summary>
    internal void Add(string what) => Add(null, what);

    /// <summary>An expression is wrong.</summary>
    internal void Add(Expression? node, string what)
    {
        if (_problems.Count >= ProgramChecker.MostProblems)
            return;

        string where = string.Concat(_way);
        _problems.Add(new(node is null ? where : $"{where} `{ExpressionPrinter.Print(node, ShownNodes)}`", what));
    }
}
