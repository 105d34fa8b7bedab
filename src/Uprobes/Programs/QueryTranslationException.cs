namespace Uprobes.Programs;

/// <summary>
/// A part of a query cannot become a program that runs at a probe's hits. Thrown when the query is made, before anything is probed.
/// The message names the part, says why and what can be written instead.
/// </summary>
public sealed class QueryTranslationException : Exception
{
    internal QueryTranslationException(string subexpression, string reason, string alternative, Exception? inner = null)
        : base($"'{subexpression}' cannot run at a probe's hits: {reason}. {alternative}", inner)
    {
        (Subexpression, Reason, Alternative) = (subexpression, reason, alternative);
    }

    /// <summary>The smallest part that cannot be translated, written about as in the source: <c>p.Arg(0).ToString()</c>.</summary>
    public string Subexpression { get; }

    /// <summary>Why, without the part and without a full stop.</summary>
    public string Reason { get; }

    /// <summary>What is possible instead, as a sentence.</summary>
    public string Alternative { get; }
}
