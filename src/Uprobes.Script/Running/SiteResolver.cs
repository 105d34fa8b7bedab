using System.Globalization;
using Uprobes.Images;
using Uprobes.Registry;
using Uprobes.Script.Diagnostics;
using Uprobes.Script.Probes;
using Uprobes.Script.Semantics;

namespace Uprobes.Script.Running;

/// <summary>Finds the places that a script's attach points name, patterns expanded.</summary>
/// <param name="openImages">All files that a name means to the target; throws <see cref="ProbeRefusedException"/>.</param>
/// <param name="listFiles">Paths of the files that a pattern of files means.</param>
/// <param name="config">The script's options.</param>
internal sealed partial class SiteResolver(Func<string, IReadOnlyList<ElfImage>> openImages, Func<string, IReadOnlyList<string>> listFiles, ScriptConfig config)
{
    /// <summary>How many source files are named where none is near.</summary>
    private const int ShownNames = 12;

    private const string CLibrary = "libc.so.6";

    /// <summary>Libraries whose functions are in the C library since its version 2.34.</summary>
    private static readonly string[] Merged = ["libpthread.so.0", "libdl.so.2", "librt.so.1", "libutil.so.1", "libanl.so.1"];

    private readonly DiagnosticBag _diagnostics = [];
    private readonly List<ScriptSite> _sites = [];

    /// <summary>Libraries whose functions are probed elsewhere, which is told once.</summary>
    private readonly HashSet<string> _toldMerged = new(StringComparer.Ordinal);

    /// <summary>What the script probes in the C library by its name, and how.</summary>
    private readonly HashSet<(string Type, string Function)> _inCLibrary = [];

    /// <summary>Whether to say how a script runs without some of its probes: once, and where it has others.</summary>
    private bool _tellsOfOthers;

    /// <summary>What was found wrong; errors where the run cannot begin.</summary>
    internal DiagnosticBag Diagnostics => _diagnostics;

    /// <summary>Finds all sites of a script, in its order.</summary>
    internal IReadOnlyList<ScriptSite> Resolve(TypedScript script)
    {
        _tellsOfOthers = script.Probes.SelectMany(probe => probe.AttachPoints).Count(place => place.IsInTarget) > 1;
        foreach (UserProbe place in script.Probes.SelectMany(probe => probe.AttachPoints).OfType<UserProbe>())
        {
            if (place.Target is FunctionTarget { IsPattern: false } function && Path.GetFileName(place.File) is CLibrary or "libc.so" or "libc")
                _inCLibrary.Add((place.TypeName, function.Name));
        }

        foreach (TypedProbe probe in script.Probes)
        {
            foreach (AttachPoint place in probe.AttachPoints)
            {
                if (place is StaticProbe marked)
                    Resolve(probe, marked);
                else if (place is UserProbe user)
                    Resolve(probe, user);
            }
        }

        if (_sites.Count > config.MaxProbes)
        {
            _diagnostics.Error(DiagnosticId.Limit, _sites[^1].AttachPoint.Span,
                string.Create(CultureInfo.InvariantCulture, $"the script has {_sites.Count} probes, and at most {config.MaxProbes} are attached"),
                "a narrower pattern, or more of them: config = { max_probes = N }");
        }

        return _sites;
    }

    private void Resolve(TypedProbe probe, UserProbe place)
    {
        int before = _sites.Count;
        int errors = _diagnostics.ErrorCount;
        List<ElfImage> images = Open(place, place.File);
        if (MergedFile(place, images) is { } merged)
            images = merged;
        foreach (ElfImage image in images)
        {
            switch (place.Target)
            {
                case FunctionTarget { IsPattern: true } function:
                    AddMatching(probe, place, image, function);
                    break;
                case FunctionTarget function:
                    AddNamed(probe, place, image, function);
                    break;
                case AddressTarget address:
                    AddAddress(probe, place, image, address);
                    break;
                case LineTarget line:
                    AddLine(probe, place, image, line);
                    break;
            }
        }

        if (_sites.Count == before && _diagnostics.ErrorCount == errors)
            TellMissing(place);
    }

    private List<ElfImage> Open(AttachPoint place, string file)
    {
        bool isPattern = IsPattern(file);
        List<ElfImage> images = [];
        foreach (string name in isPattern ? listFiles(file) : [file])
        {
            try
            {
                foreach (ElfImage image in openImages(name))
                {
                    if (!images.Contains(image))
                        images.Add(image);
                }
            }
            catch (ProbeRefusedException e)
            {
                if (!isPattern)
                    Missing(place, e.Refusal.Reason == ProbeRefusalReason.NoSuchFile ? $"no file called `{name}` was found" : e.Refusal.Detail, null);
            }
        }

        return images;
    }

    /// <summary>
    /// The C library where it took a function over from a library that is empty since: threads, <c>dlopen</c> and others moved there in
    /// version 2.34, and scripts name the old place. Null where the place is as it should be, or where the script names both places and takes
    /// what there is: each call is one hit.
    /// </summary>
    private List<ElfImage>? MergedFile(UserProbe place, List<ElfImage> images)
    {
        if (images is not [var image] || place.Target is not FunctionTarget { IsPattern: false } function || !Merged.Contains(Path.GetFileName(image.Path))
            || image.Functions.Named(function.Name).Any() || (config.MissingProbes != MissingProbes.Error && _inCLibrary.Contains((place.TypeName, function.Name))))
        {
            return null;
        }

        string libc = place.File.Contains('/', StringComparison.Ordinal) ? Path.Combine(Path.GetDirectoryName(place.File)!, CLibrary) : CLibrary;
        List<ElfImage> found;
        try
        {
            found = [.. openImages(libc)];
        }
        catch (ProbeRefusedException)
        {
            return null; // what is told then is that the function is not where the script says
        }

        if (!found.Exists(one => one.Functions.Named(function.Name).Any()))
            return null;
        string library = Path.GetFileName(image.Path);
        if (_toldMerged.Add(library))
            _diagnostics.Warning(DiagnosticId.AttachPoint, place.Span, $"the functions of {library} are probed in {CLibrary}, which has them since version 2.34");
        return found;
    }

    private static bool IsPattern(string name) => name.AsSpan().IndexOfAny('*', '?', '[') >= 0;

    private void AddNamed(TypedProbe probe, UserProbe place, ElfImage image, FunctionTarget function)
    {
        List<FunctionSymbol> named = [.. image.Functions.Named(function.Name)];
        if (named.Count > 1 && named.Exists(symbol => symbol.IsDefaultVersion))
            named.RemoveAll(symbol => !symbol.IsDefaultVersion);
        foreach (FunctionSymbol symbol in named.DistinctBy(symbol => symbol.Offset))
        {
            if (symbol.IsIndirect)
            {
                Missing(place, $"`{function.Name}` is an indirect function: a resolver that runs once and picks the implementation that calls then go to",
                    $"its implementations can be probed: uprobe:{place.File}:*{function.Name}*");
                continue;
            }

            if (function.Offset > 0 && symbol.Size == 0)
            {
                Missing(place, $"Could not determine boundary for {function.Name} (symbol has size 0).", null);
                continue;
            }

            if (function.Offset > 0 && function.Offset >= symbol.Size)
            {
                Missing(place, string.Create(CultureInfo.InvariantCulture, $"Offset outside the function bounds ('{function.Name}' size is {symbol.Size})"), null);
                continue;
            }

            string shown = function.Offset == 0 ? function.Name : string.Create(CultureInfo.InvariantCulture, $"{function.Name}+{function.Offset}");
            Add(probe, place, image, symbol.Offset + function.Offset, ShownName(symbol.Name), shown, isNamed: true);
        }
    }

    /// <summary>One site for all names of a function; of these the default version's, then the shortest. Resolvers are left out.</summary>
    private void AddMatching(TypedProbe probe, UserProbe place, ElfImage image, FunctionTarget function)
    {
        GlobPattern pattern = new(function.Name);
        IEnumerable<FunctionSymbol> matching = function.IsDemangled
            ? image.Functions.All.Where(symbol => pattern.IsMatch(symbol.DisplayName))
            : image.Functions.All.Where(symbol => pattern.IsMatch(symbol.Name));
        foreach (IGrouping<FileOffset, FunctionSymbol> names in matching.GroupBy(symbol => symbol.Offset).OrderBy(group => group.Key))
        {
            if (names.Any(symbol => symbol.IsIndirect))
                continue;
            FunctionSymbol best = names.OrderByDescending(symbol => symbol.IsDefaultVersion).ThenBy(symbol => symbol.Name.Length).ThenBy(symbol => symbol.Name, StringComparer.Ordinal).First();
            string name = function.IsDemangled ? best.DisplayName : best.Name;
            Add(probe, place, image, names.Key, ShownName(best.Name), name, isNamed: false);
        }
    }

    private void AddAddress(TypedProbe probe, UserProbe place, ElfImage image, AddressTarget address)
    {
        if (!image.TryGetOffset(new LinkAddress(address.Address), out FileOffset offset) || !image.IsExecutable(offset))
        {
            Missing(place, string.Create(CultureInfo.InvariantCulture, $"Could not resolve address: {image.Path}:0x{address.Address:x}"), null);
            return;
        }

        string function = image.Functions.TryFind(offset, out FunctionBounds bounds) && bounds.Name is { } name ? ShownName(name) : "";
        Add(probe, place, image, offset, function, string.Create(CultureInfo.InvariantCulture, $"{address.Address}"), isNamed: true);
    }

    /// <summary>A site for each function that the line is part of, and for each inlined copy.</summary>
    private void AddLine(TypedProbe probe, UserProbe place, ElfImage image, LineTarget line)
    {
        SourceLookup found = SourceLookup.Find(image, line.File, line.Line, line.Column);
        if (found.Problem is { } problem)
        {
            string? near = Suggestion.Sentence(Path.GetFileName(line.File), found.OtherNames.Order(StringComparer.Ordinal));
            Missing(place, problem, found.Hint ?? near ?? (found.OtherNames.Count is > 0 and <= ShownNames ? $"its files are {string.Join(", ", found.OtherNames.Order(StringComparer.Ordinal))}" : null));
            return;
        }

        if (found.Notice is { } notice)
            _diagnostics.Warning(DiagnosticId.AttachPoint, place.Span, notice, null);
        foreach (SourcePlace one in found.Places)
        {
            string function = image.Functions.TryFind(one.Offset, out FunctionBounds bounds) && bounds.Name is { } name ? ShownName(name) : "";
            _sites.Add(new ScriptSite(probe, place, image, one.Offset, function)
            {
                Name = string.Create(CultureInfo.InvariantCulture, $"{place.TypeName}:{image.Path}@{line.File}:{one.Line}"),
                IsNamed = true,
                IsEntry = IsEntry(place, image, one.Offset),
            });
        }
    }

    /// <summary>A function's name as <c>func</c> and stacks give it.</summary>
    private string ShownName(string symbol) => config.Demangles ? Demangler.Demangle(symbol) : symbol;

    private void Add(TypedProbe probe, UserProbe place, ElfImage image, FileOffset offset, string function, string shown, bool isNamed) =>
        _sites.Add(new ScriptSite(probe, place, image, offset, function) { Name = $"{place.TypeName}:{image.Path}:{shown}", IsNamed = isNamed, IsEntry = IsEntry(place, image, offset) });

    private static bool IsEntry(UserProbe place, ElfImage image, FileOffset offset) => place.Target switch
    {
        FunctionTarget function => function.Offset == 0,
        _ => image.Functions.TryFind(offset, out FunctionBounds bounds) && bounds.Start == offset,
    };

    private void TellMissing(UserProbe place)
    {
        string? name = (place.Target as FunctionTarget)?.Name;
        string message = $"No matches for {place.TypeName} {place.File}:{name}";
        string? hint = null;
        if (name is not null && place.Target is FunctionTarget { IsPattern: false } && !IsPattern(place.File))
        {
            IReadOnlyList<ElfImage> images = [.. openImages(place.File)];
            hint = Suggestion.Sentence(name, images.SelectMany(image => image.Functions.All).Select(symbol => symbol.Name).Distinct())
                ?? (images is [ElfImage only] ? MissingDebugInformation.RemedyForNames(only) : null);
        }

        Missing(place, message, hint);
    }

    /// <summary>Tells that a place does not exist, as the script wants it told.</summary>
    private void Missing(AttachPoint place, string message, string? hint)
    {
        if (config.MissingProbes == MissingProbes.Error)
        {
            if (_tellsOfOthers)
                hint = (hint is null ? "" : hint + (hint.EndsWith('?') ? " " : "; ")) + "BPFTRACE_MISSING_PROBES=warn in the environment runs the script without the probes that are not there";
            _tellsOfOthers = false;
            _diagnostics.Error(DiagnosticId.AttachPoint, place.Span, message, hint);
        }
        else if (config.MissingProbes == MissingProbes.Warn)
            _diagnostics.Warning(DiagnosticId.AttachPoint, place.Span, message.EndsWith('.') ? message : message + ". Skipping.", hint);
    }
}
