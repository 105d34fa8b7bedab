namespace Uprobes.Images.Inlining;

/// <summary>What an image's debug information may still take to be gone through: when it is used up, what was not seen by then is not shown as inlined.</summary>
internal sealed class InlineBudget
{
    // Some seconds of work, and some hundred megabytes: several times what the largest programs take whose every unit is asked for.
    private long _attributes = 1L << 30;
    private int _rows = 1 << 22;
    private bool _isTooDeep;

    /// <summary>What was given up; null for nothing.</summary>
    internal string? Problem => _attributes < 0 ? "the entries of its debug information are too many to go through"
        : _rows < 0 ? "its inlined calls are too many to keep"
        : _isTooDeep ? "functions are one within another too often in its debug information" : null;

    /// <summary>Says that functions were one within another so often that a unit was not read to its end.</summary>
    internal void EndTooDeep() => _isTooDeep = true;

    /// <summary>Takes an entry to read.</summary>
    /// <param name="attributes">How many attributes it has.</param>
    internal bool TryRead(int attributes) => (_attributes -= attributes + 1) >= 0;

    /// <summary>Takes a row to keep.</summary>
    internal bool TryKeep() => --_rows >= 0;
}
