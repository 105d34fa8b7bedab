using System.Globalization;
using Uprobes.Images;
using Uprobes.Images.StaticProbes;
using Uprobes.Script.Diagnostics;
using Uprobes.Script.Lowering;
using Uprobes.Script.Probes;
using Uprobes.Script.Semantics;

namespace Uprobes.Script.Running;

/// <summary>Static probes.</summary>
internal sealed partial class SiteResolver
{
    /// <summary>All places that a static probe has in the files that are meant: the compiler copies code, and its marks with it.</summary>
    private void Resolve(TypedProbe probe, StaticProbe place)
    {
        StaticProbeSearch search = new(place.Provider, place.Name);
        bool isPattern = IsPattern(place.File);
        List<ElfImage> images = Open(place, place.File);
        int before = _sites.Count, errors = _diagnostics.ErrorCount, leftOut = 0;
        ArgumentExpression[] used = [.. ArgumentUses.In(probe)];
        foreach (ElfImage image in images)
        {
            try
            {
                foreach (StaticProbeNote note in search.In(image.StaticProbes))
                {
                    string name = $"{place.TypeName}:{image.Path}:{note}";
                    if (MayRead(place, name, note, used, search.IsNamed && !isPattern))
                        _sites.Add(new ScriptSite(probe, place, image, note.Offset, "") { Name = name, IsNamed = search.IsNamed && !isPattern, IsEntry = false, StaticProbe = note });
                    else
                        leftOut++;
                }
            }
            catch (ImageException e)
            {
                Missing(place, $"the static probes of {image.Path} cannot be read: {e.Problem}", null);
            }
        }

        if (_sites.Count == before && _diagnostics.ErrorCount == errors && leftOut > 0)
            Missing(place, $"every match of {place.TypeName} {place.File}:{Wanted(place)} is left out", "the warnings say why; an action that uses no arguments runs at all of them");
        else if (_sites.Count == before && _diagnostics.ErrorCount == errors && (images.Count > 0 || isPattern))
            TellMissing(place, images);
    }

    /// <summary>Whether the probe has the arguments that the action uses. Of those that a pattern finds, those that lack one are left out.</summary>
    private bool MayRead(StaticProbe place, string name, StaticProbeNote note, ArgumentExpression[] used, bool isNamed)
    {
        foreach (ArgumentExpression argument in used)
        {
            string? problem = argument.Index >= note.Arguments.Count ? Lacking(argument.Index, note)
                : note.Arguments[argument.Index] is { Problem: { } unreadable } described ? string.Create(CultureInfo.InvariantCulture, $"its arg{argument.Index}, `{described.Text}`, cannot be read: {unreadable}")
                : null;
            if (problem is null)
                continue;
            if (isNamed)
                _diagnostics.Error(DiagnosticId.AttachPoint, argument.Span, $"{name}: {problem}");
            else
                _diagnostics.Warning(DiagnosticId.AttachPoint, place.Span, $"{name} is left out: {problem}");
            return false;
        }

        return true;
    }

    private static string Lacking(int index, StaticProbeNote note) => note.Arguments.Count switch
    {
        0 => string.Create(CultureInfo.InvariantCulture, $"it has no arguments, and so no arg{index}"),
        1 => string.Create(CultureInfo.InvariantCulture, $"it has one argument, arg0, and no arg{index}"),
        var count => string.Create(CultureInfo.InvariantCulture, $"it has {count} arguments, arg0 to arg{count - 1}, and no arg{index}"),
    };

    private static string Wanted(StaticProbe place) => place.Provider is null ? place.Name : $"{place.Provider}:{place.Name}";

    private void TellMissing(StaticProbe place, List<ElfImage> images)
    {
        string wanted = Wanted(place);
        StaticProbeNote[] known = [.. images.SelectMany(image => image.StaticProbes)];
        if (known.Length == 0)
        {
            Missing(place, images is [var only] ? $"{only.Path} has no static probes" : $"no file that `{place.File}` means has static probes",
                images.Count == 1 && !IsPattern(place.File) ? "its functions can be probed: uprobe:FILE:FUNCTION" : null);
            return;
        }

        string? hint = known.FirstOrDefault(note => note.Name == place.Name) is { } same ? $"did you mean `{same}`?"
            : IsPattern(wanted) ? null
            : Suggestion.Sentence(place.Name, known.Select(note => note.Name).Distinct());
        Missing(place, $"No matches for {place.TypeName} {place.File}:{wanted}", hint ?? $"they are listed by: uprobe run -l 'usdt:{place.File}:*'");
    }
}
