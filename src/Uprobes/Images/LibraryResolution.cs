namespace Uprobes.Images;

/// <summary>How the search for a file went.</summary>
public enum LibraryResolutionOutcome
{
    /// <summary>One file was found.</summary>
    Found,

    /// <summary>No place has such a file.</summary>
    NotFound,

    /// <summary>Different files of the first place that has any match equally well.</summary>
    Ambiguous,
}

/// <summary>What a name that a user wrote stands for.</summary>
/// <param name="Name">The name.</param>
/// <param name="Outcome">How the search went.</param>
/// <param name="Path">The file, the resolver's root included, or null unless one was found.</param>
/// <param name="Candidates">The files that match where several do; otherwise the one, or none.</param>
/// <param name="LookedAt">The places that were searched, in order, for a message to the user.</param>
public sealed record LibraryResolution(
    string Name, LibraryResolutionOutcome Outcome, string? Path, IReadOnlyList<string> Candidates, IReadOnlyList<string> LookedAt)
{
    /// <summary>A sentence for users.</summary>
    public override string ToString() => Outcome switch
    {
        LibraryResolutionOutcome.Found => $"{Name} is {Path}",
        LibraryResolutionOutcome.Ambiguous => $"{Name} could be any of {string.Join(", ", Candidates)}",
        _ => $"{Name} was not found in {string.Join(", ", LookedAt)}",
    };
}
