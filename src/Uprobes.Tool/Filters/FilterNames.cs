using System.Globalization;
using Uprobes.Programs;

namespace Uprobes.Tool.Filters;

/// <summary>What names mean in a filter: that depends on whether it runs at a call's entry or at its return.</summary>
internal sealed class FilterNames
{
    /// <summary>arg0 to arg9.</summary>
    internal const int Arguments = 10;

    private static readonly string[] RegisterNames =
        ["rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"];

    private readonly Dictionary<string, Expression> _values = new(StringComparer.Ordinal)
    {
        ["pid"] = new Builtin(BuiltinKind.ProcessId),
        ["tid"] = new Builtin(BuiltinKind.ThreadId),
    };

    private readonly Dictionary<string, string> _reasons = new(StringComparer.Ordinal);

    private FilterNames(bool isReturn) => IsReturn = isReturn;

    /// <summary>For filters in entry programs: arguments, pid, tid, registers.</summary>
    internal static FilterNames Entry { get; } = MakeEntry();

    /// <summary>Whether the names are those of a return program.</summary>
    internal bool IsReturn { get; }

    /// <summary>The names that have a value, in no order.</summary>
    internal IEnumerable<string> Known => _values.Keys;

    /// <summary>The registers, by the processor's numbers.</summary>
    internal static IReadOnlyList<string> Registers => RegisterNames;

    /// <summary>For filters in return programs: retval, duration, pid, tid, registers, and the arguments that the entry program keeps.</summary>
    /// <param name="kept">Which argument each of the entry program's words is, at most 6 (<see cref="FilterExpression.ArgumentsIn"/>).</param>
    internal static FilterNames Return(IReadOnlyList<int> kept)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(kept.Count, ProgramLimits.FollowWords);
        FilterNames names = new(isReturn: true);
        names._values["retval"] = new ReturnValue();
        names._values["duration"] = new Builtin(BuiltinKind.Duration);
        for (int i = 0; i < Arguments; i++)
            names._reasons[ArgumentName(i)] = $"not kept from the entry; expected at most {ProgramLimits.FollowWords} different arguments";

        for (int word = 0; word < kept.Count; word++)
            names._values[ArgumentName(kept[word])] = new EntryWord(word);

        return names;
    }

    /// <summary>The value of a name; where it has none, why not, or null where there is no such name.</summary>
    internal bool TryGet(string name, out Expression? value, out string? reason)
    {
        _reasons.TryGetValue(name, out reason);
        return _values.TryGetValue(name, out value);
    }

    /// <summary>Whether a name has its value only when the call returns.</summary>
    internal static bool IsOfReturn(string name) => name is "retval" or "duration";

    internal static string ArgumentName(int index) => string.Create(CultureInfo.InvariantCulture, $"arg{index}");

    private static FilterNames MakeEntry()
    {
        FilterNames names = new(isReturn: false);
        for (int i = 0; i < Arguments; i++)
            names._values[ArgumentName(i)] = new Argument(i);

        names._reasons["retval"] = names._reasons["duration"] = "known only when the call returns";
        return names;
    }
}
