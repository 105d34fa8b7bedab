using System.Buffers;
using System.Globalization;
using Uprobes.Tool.Stacks;

namespace Uprobes.Tool.Output;

/// <summary>Stacks as lines of <c>outermost;...;innermost N</c>, which many programs for flame graphs read.</summary>
internal static class FoldedStacks
{
    /// <summary>Writes the stacks whose sum is positive, equal ones as one, in the order of their text.</summary>
    public static void Write(ArrayBufferWriter<byte> output, StackResults results)
    {
        var sums = new SortedDictionary<string, Int128>(StringComparer.Ordinal);
        foreach (var stack in results.Stacks.Where(s => s.Sum > 0))
        {
            var line = string.Join(';', FlameStacks.Calls(stack).Select(call => Escaping.Text(call.Name).Replace(';', ',')));
            sums[line] = sums.GetValueOrDefault(line) + stack.Sum;
        }
        foreach (var (line, sum) in sums)
            output.WriteText(string.Create(CultureInfo.InvariantCulture, $"{line} {sum}\n"));
    }
}
