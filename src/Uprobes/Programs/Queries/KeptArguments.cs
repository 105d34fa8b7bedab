namespace Uprobes.Programs.Queries;

/// <summary>The arguments of a call that the entry program keeps for the return program.</summary>
internal sealed class KeptArguments
{
    /// <summary>As many words as <see cref="FollowCall"/> keeps.</summary>
    internal const int Most = ProgramLimits.FollowWords;

    private readonly List<int> _arguments = [];

    /// <summary>The words to keep, for <see cref="FollowCall"/>.</summary>
    internal IReadOnlyList<Expression> Words => [.. _arguments.Select(index => new Argument(index))];

    /// <summary>The word of an argument in the return program; null when no word is left for it.</summary>
    internal EntryWord? WordOf(int argument)
    {
        int word = _arguments.IndexOf(argument);
        if (word < 0)
        {
            if (_arguments.Count == Most)
                return null;
            word = _arguments.Count;
            _arguments.Add(argument);
        }

        return new EntryWord(word);
    }
}
