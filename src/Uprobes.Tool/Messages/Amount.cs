using System.Globalization;

namespace Uprobes.Tool.Messages;

/// <summary>A number and what it counts, as people write it.</summary>
internal static class Amount
{
    /// <summary>As <c>1 probe</c> or <c>2 probes</c>.</summary>
    public static string Of(long count, string one, string? many = null) =>
        string.Create(CultureInfo.InvariantCulture, $"{count} {(count == 1 ? one : many ?? one + "s")}");
}
