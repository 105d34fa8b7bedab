namespace Uprobes.Tool.Filters;

/// <summary>Kinds of a filter's words.</summary>
internal enum FilterToken
{
    /// <summary>Letters, digits and underscores, beginning with no digit.</summary>
    Name,

    /// <summary>The same, beginning with a digit.</summary>
    Number,

    /// <summary>In single quotes.</summary>
    Character,

    /// <summary>In double quotes.</summary>
    Text,

    /// <summary>An operator or a parenthesis.</summary>
    Symbol,
}
