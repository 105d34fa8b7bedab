using System.Text;
using Uprobes.Images.Types;

namespace Uprobes.Images.Inlining;

/// <summary>Names of functions in debug information. Used by one thread at a time.</summary>
/// <param name="units">All units.</param>
/// <param name="scopesOf">What the functions of a unit are declared in.</param>
internal sealed class FunctionNames(DebugUnits units, Func<DebugUnit, ScopeIndex> scopesOf)
{
    // A damaged file may have any number of long names: those beyond this are made anew each time, and what a name has too much is left out.
    private const int MostKept = 1 << 24, DeepestScope = 32, LongestScoped = 4096;

    // A copy stands for an abstract function, and that for a declaration; more is no compiler's.
    private const int MostOrigins = 8;
    private readonly Dictionary<int, string?> _kept = [];
    private int _charactersKept;

    /// <summary>The name of what an entry is, or is a copy of: the linker's where it has one, otherwise its own with its namespaces; null for none.</summary>
    internal string? Of(DebugEntry entry)
    {
        DebugEntry origin = entry;
        for (int i = 0; i < MostOrigins && units.TryFollow(origin.Find(units.Sections, DwarfAttribute.AbstractOrigin), out DebugEntry next); i++)
            origin = next;
        if (_kept.TryGetValue(origin.Offset, out string? known))
            return known;
        string? made = units.Sections.Text(units.FindInherited(origin, DwarfAttribute.LinkageName))
            ?? units.Sections.Text(units.FindInherited(origin, DwarfAttribute.MipsLinkageName))
            ?? Scoped(origin);
        int characters = 1 + (made?.Length ?? 0);
        if (_charactersKept <= MostKept - characters)
        {
            _charactersKept += characters;
            _kept.Add(origin.Offset, made);
        }

        return made;
    }

    private string? Scoped(DebugEntry entry)
    {
        // What is defined outside of its class is declared in it, and has its place there.
        DebugEntry declared = entry;
        for (int i = 0; i < MostOrigins && units.TryFollow(declared.Find(units.Sections, DwarfAttribute.Specification), out DebugEntry next); i++)
            declared = next;
        if (declared.Name(units.Sections) is not { } own || declared.Unit.IsC)
            return declared.Name(units.Sections);
        StringBuilder name = new(own);
        foreach (int scope in scopesOf(declared.Unit).Around(declared.Offset).Take(DeepestScope))
        {
            if (name.Length < LongestScoped && units.TryGet(scope, out DebugEntry around))
                name.Insert(0, (around.Name(units.Sections) ?? (around.Tag == DwarfTag.Namespace ? "(anonymous namespace)" : "{unnamed}")) + "::");
        }

        return name.ToString();
    }
}
