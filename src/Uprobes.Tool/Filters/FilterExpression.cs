using System.Globalization;
using Uprobes.Programs;

namespace Uprobes.Tool.Filters;

/// <summary>
/// Conditions as users write them, made into expressions of programs.
/// <code>
/// values      4096  0x1f  64K 3M 2G (powers of 1024)  'a'  5ns 10us 2ms 1s (nanoseconds)
///             arg0 to arg9  retval  duration  pid  tid  reg("rdi")  *ADDRESS  str(ADDRESS) == "text"
/// operators   || &amp;&amp; | ^ &amp; == != &lt; &lt;= &gt; &gt;= &lt;&lt; &gt;&gt; + - * / %, with C's precedence; before a value ! ~ - and casts such as (uint8)
/// </code>
/// Arithmetic is done in 64 bits, signed unless an operand is uint64 (a cast, or a number that int64 cannot hold); arguments, registers and
/// memory are int64. <c>*</c> reads 8 bytes; right behind a cast it reads as many as the type has: <c>(uint8)*arg0</c>. Memory that cannot
/// be read is 0.
/// </summary>
internal static class FilterExpression
{
    /// <summary>Reads a filter.</summary>
    /// <param name="text">The filter.</param>
    /// <param name="names">What names mean where it runs.</param>
    /// <returns>An integer: 0 for hits that are not wanted. A program that evaluates it as a condition is good.</returns>
    /// <exception cref="FilterException">The text is no filter, or one that is too large.</exception>
    internal static Expression Parse(string text, FilterNames names) => FilterBinder.Bind(text, FilterGrammar.Read(text), names);

    /// <summary>Whether a text has the form of a filter, be its names known or not.</summary>
    internal static bool IsOne(string text)
    {
        try
        {
            FilterGrammar.Read(text);
            return true;
        }
        catch (FilterException)
        {
            return false;
        }
    }

    /// <summary>Which arguments a filter uses, in ascending order, so that an entry program can keep them for one that runs at the return.</summary>
    /// <exception cref="FilterException">The text is no filter.</exception>
    internal static IReadOnlyList<int> ArgumentsIn(string text)
    {
        SortedSet<int> arguments = [];
        Collect(FilterGrammar.Read(text), arguments);
        return [.. arguments];
    }

    /// <summary>Whether a filter uses what is known only when the call returns, so that it has to run there.</summary>
    /// <exception cref="FilterException">The text is no filter.</exception>
    internal static bool NeedsReturn(string text) => UsesReturn(FilterGrammar.Read(text));

    private static bool UsesReturn(FilterSyntax syntax) => syntax switch
    {
        NameSyntax name => FilterNames.IsOfReturn(name.Name),
        CallSyntax call => UsesReturn(call.Argument),
        PrefixSyntax prefix => UsesReturn(prefix.Operand),
        CastSyntax cast => UsesReturn(cast.Operand),
        InfixSyntax infix => UsesReturn(infix.Left) || UsesReturn(infix.Right),
        _ => false,
    };

    private static void Collect(FilterSyntax syntax, SortedSet<int> arguments)
    {
        switch (syntax)
        {
            case NameSyntax { Name: ['a', 'r', 'g', .. var digits] } when int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out int index):
                if (index < FilterNames.Arguments)
                    arguments.Add(index);

                break;
            case CallSyntax call:
                Collect(call.Argument, arguments);
                break;
            case PrefixSyntax prefix:
                Collect(prefix.Operand, arguments);
                break;
            case CastSyntax cast:
                Collect(cast.Operand, arguments);
                break;
            case InfixSyntax infix:
                Collect(infix.Left, arguments);
                Collect(infix.Right, arguments);
                break;
        }
    }
}
