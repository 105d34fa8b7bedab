using Uprobes.Images;
using Uprobes.Images.StaticProbes;
using Uprobes.Tool.CommandLine;
using Uprobes.Tool.Messages;

namespace Uprobes.Tool.Probing;

/// <summary>
/// Comes from specifications to probes: looks functions up, lets one name stand for all aliases of a function, and drops
/// what two specifications name both.
/// </summary>
internal sealed class ProbeSelector(Func<string, IReadOnlyList<IFunctionSource>> openImages)
{
    private readonly List<PlannedProbe> _probes = [];
    private readonly List<RefusedProbe> _refused = [];
    private readonly List<string> _notices = [];
    private readonly HashSet<(object Image, ulong Offset)> _taken = [];
    private bool _severalImages;

    /// <summary>Selects the probes of all specifications.</summary>
    /// <exception cref="ToolException">A specification names no image or no function.</exception>
    public static ProbeSelection Select(IEnumerable<ProbeSpec> specs, Func<string, IReadOnlyList<IFunctionSource>> openImages)
    {
        var selector = new ProbeSelector(openImages);
        // Named probes first: a pattern that covers one of them must not make it an unnamed one.
        foreach (var spec in specs.OrderBy(s => s is FunctionSpec { MayBePattern: true } or StaticSpec))
            selector.Add(spec);
        return new ProbeSelection(selector._probes, selector._refused) { Notices = selector._notices };
    }

    private void Add(ProbeSpec spec)
    {
        var images = openImages(spec.Image);
        _severalImages = images.Count > 1;
        ToolException? failure = null;
        var failures = 0;
        foreach (var image in images)
        {
            try
            {
                Add(spec, image);
            }
            catch (ToolException e)
            {
                failure ??= e;
                failures++;
            }
        }
        // Another version of a library may lack the function; one must have it.
        if (failure is not null && failures == images.Count)
            throw failure;
    }

    private void Add(ProbeSpec spec, IFunctionSource image)
    {
        switch (spec)
        {
            case FileOffsetSpec { Offset: var offset }:
                Take(spec, image, NameOf(image, offset), offset, isNamed: true, isEntry: image.All.Any(f => f.Offset == offset));
                break;
            case FunctionOffsetSpec { Function: var name, Bytes: var bytes }:
                foreach (var function in Direct(spec, image, name, Exactly(spec, image, name)))
                    Take(spec, image, $"{function.Name}+0x{bytes:x}", function.Offset + bytes, isNamed: true, isEntry: bytes == 0);
                break;
            case SourceLineSpec line:
                AddLine(line, image);
                break;
            case FunctionSpec function:
                AddFunctions(function, image);
                break;
            case StaticSpec mark:
                AddStatic(mark, image);
                break;
        }
    }

    private void AddLine(SourceLineSpec spec, IFunctionSource image)
    {
        var found = image.FindLine(spec.File, spec.Line);
        if (found.Problem is { } problem)
            throw new ToolException(problem, found.Hint ?? NearNames.Hint(Path.GetFileName(spec.File), found.OtherNames));
        if (found.Notice is { } notice)
            _notices.Add(notice);
        foreach (var place in found.Places)
        {
            var name = $"{Path.GetFileName(place.Path)}:{place.Line}";
            // Several are told apart by where they are.
            Take(spec, image, found.Places.Count == 1 ? name : $"{name} ({NameOf(image, place.Offset.Value)})", place.Offset.Value, isNamed: true,
                isEntry: image.All.Any(f => f.Offset == place.Offset.Value));
        }
    }

    private void AddFunctions(FunctionSpec spec, IFunctionSource image)
    {
        var exact = image.Named(spec.Pattern);
        if (exact.Count > 0 || !spec.MayBePattern)
        {
            foreach (var function in Direct(spec, image, spec.Pattern, Exactly(spec, image, spec.Pattern)))
                Take(spec, image, function.Name, function.Offset, isNamed: true);
            return;
        }
        var matches = image.Matching(spec.Pattern);
        if (matches.Count == 0)
            throw new ToolException($"no function of {image.Path} matches '{spec.Pattern}'", image.WhyWithoutNames ?? $"see its functions with: uprobe list {spec.Image}") { Function = spec.Pattern };
        foreach (var aliases in matches.GroupBy(m => m.Offset))
        {
            var best = aliases.OrderByDescending(a => a.IsPreferred).ThenBy(a => a.Name.Length).ThenBy(a => a.Name, StringComparer.Ordinal).First();
            // Debug symbols may call a resolver by a name of its own; it stays a resolver.
            if (aliases.Any(a => a.IsIndirect))
                Refuse(Indirect(new PlannedProbe(spec.Image, image.Path, best.Name, best.Offset, IsNamed: false, SourceOf(image)), hint: null), image);
            else
                Take(spec, image, best.Name, best.Offset, isNamed: false);
        }
    }

    private void AddStatic(StaticSpec spec, IFunctionSource image)
    {
        var search = new StaticProbeSearch(spec.Provider, spec.Name);
        var known = KnownStatic(image);
        var found = search.In(known);
        if (found.Count == 0)
        {
            throw known.Count == 0
                ? new ToolException($"{image.Path} has no static probes", $"see its functions with: uprobe list {spec.Image}") { Function = spec.Name }
                : new ToolException($"{image.Path} has no such static probe: {spec.Text}", NearNames.Hint(spec.Name, known.Select(k => k.Name)) ?? $"see them with: uprobe list --usdt {spec.Image}") { Function = spec.Name };
        }
        foreach (var mark in found)
        {
            if (_taken.Add((image.Identity, mark.Offset.Value)))
                _probes.Add(new PlannedProbe(spec.Image, image.Path, mark.ToString(), mark.Offset.Value, search.IsNamed, image, IsEntry: false, mark));
        }
    }

    private static IReadOnlyList<StaticProbeNote> KnownStatic(IFunctionSource image)
    {
        try
        {
            return image.StaticProbes;
        }
        catch (ImageException e)
        {
            throw new ToolException($"the static probes of {image.Path} cannot be read: {e.Problem}", inner: e);
        }
    }

    private static List<FunctionInfo> Exactly(ProbeSpec spec, IFunctionSource image, string name)
    {
        var functions = image.Named(name);
        if (functions.Count > 0)
        {
            List<FunctionInfo> distinct = [.. functions.OrderByDescending(f => f.IsPreferred).DistinctBy(f => (f.Offset, f.IsIndirect))];
            // The version tells several apart; where there is one, it is called as the user calls it.
            return distinct is [var only] && only.Name.StartsWith($"{name}@", StringComparison.Ordinal) ? [only with { Name = name }] : distinct;
        }
        var hint = NearNames.Hint(name, image.All.Select(f => f.Name)) ?? image.WhyWithoutNames ?? $"see its functions with: uprobe list {spec.Image}";
        throw new ToolException($"{image.Path} has no function {name}", hint) { Function = name };
    }

    // Those that are functions. Where the one that programs link to today is a resolver, the probe is refused, also when an
    // old version is a function: its few calls would not be what was asked for.
    private List<FunctionInfo> Direct(ProbeSpec spec, IFunctionSource image, string name, List<FunctionInfo> functions)
    {
        var direct = functions.Where(f => !f.IsIndirect).ToList();
        if (direct.Count == functions.Count || direct.Exists(f => f.IsPreferred))
            return direct;
        var probe = new PlannedProbe(spec.Image, image.Path, name, functions.First(f => f.IsIndirect).Offset, IsNamed: true, SourceOf(image));
        Refuse(Indirect(probe, ImplementationsHint(spec, image, name)), image);
        return [];
    }

    private static RefusedProbe Indirect(PlannedProbe probe, string? hint) => new(
        probe,
        "indirect function (IFUNC)",
        $"{probe.Function} is an indirect function: the symbol is a resolver that runs once and picks the implementation that calls then go to",
        hint);

    private static string ImplementationsHint(ProbeSpec spec, IFunctionSource image, string name)
    {
        const int Shown = 4;
        var implementations = image.All.Where(f => !f.IsIndirect && f.Name.StartsWith($"__{name}_", StringComparison.Ordinal))
            .Select(f => f.Name).Distinct().Order(StringComparer.Ordinal).ToList();
        return implementations.Count == 0
            ? $"probe the implementation instead; look for it with: uprobe list {spec.Image} '*{name}*'"
            : $"probe the implementations instead: '{spec.Image}:__{name}_*' ({string.Join(", ", implementations.Take(Shown))}{(implementations.Count > Shown ? ", ..." : "")})";
    }

    private static string NameOf(IFunctionSource image, ulong offset)
    {
        FunctionInfo? best = null;
        foreach (var function in image.All)
        {
            var contains = function.Offset <= offset && (offset < function.Offset + function.Size || offset == function.Offset);
            if (contains && (best is null || function.Offset > best.Value.Offset
                || (function.Offset == best.Value.Offset && function.Name.Length < best.Value.Name.Length)))
                best = function;
        }
        if (best is null)
            return $"0x{offset:x}";
        return best.Value.Offset == offset ? best.Value.Name : $"{best.Value.Name}+0x{offset - best.Value.Offset:x}";
    }

    private void Take(ProbeSpec spec, IFunctionSource image, string name, ulong offset, bool isNamed, bool isEntry = true)
    {
        if (_taken.Add((image.Identity, offset)))
            _probes.Add(new PlannedProbe(spec.Image, image.Path, name, offset, isNamed, SourceOf(image), isEntry));
    }

    private IFunctionSource? SourceOf(IFunctionSource image) => _severalImages ? image : null;

    private void Refuse(RefusedProbe refused, IFunctionSource image)
    {
        if (_taken.Add((image.Identity, refused.Probe.Offset)))
            _refused.Add(refused);
    }
}
