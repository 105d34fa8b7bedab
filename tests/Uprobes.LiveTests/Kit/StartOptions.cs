namespace Uprobes.LiveTests.Kit;

/// <summary>How <see cref="TargetProcess"/> starts a program.</summary>
public sealed record StartOptions
{
    /// <summary>Run as this user and group, without supplementary groups; only root can. Null: as the tester.</summary>
    public int? User { get; init; }

    /// <summary>Added to the tester's environment; a null value removes the variable.</summary>
    public IReadOnlyDictionary<string, string?> Environment { get; init; } = new Dictionary<string, string?>();

    /// <summary>The working folder; null: the tester's.</summary>
    public string? Folder { get; init; }

    /// <summary>The user that stands for "somebody else" in tests: nobody.</summary>
    public const int Nobody = 65534;
}
