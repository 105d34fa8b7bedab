using Uprobes.Images;
using Uprobes.Images.Types;
using Uprobes.Images.Types.X64;
using Uprobes.Script.Diagnostics;
using Uprobes.Script.Probes;
using Uprobes.Script.Running;
using Uprobes.Script.Semantics;

namespace Uprobes.Script.Types;

/// <summary>The types of the files that a script probes, by their debug information. Read when the script first asks for one. Thread-safe.</summary>
/// <param name="openImages">
/// The files that a name of an attach point means; none where there are none, or where that cannot be known before the script runs. They stay open as long as this is used.
/// </param>
/// <param name="headers">The C headers that the script includes; null for none. They are asked last: what a probed file says of itself is what it was built with.</param>
internal sealed class ImageTypes(Func<string, IReadOnlyList<ElfImage>> openImages, Headers? headers = null) : ITypeSource
{
    private const string WithoutTypes = "arg0, arg1 and so on need none";
    private const int MostFunctions = 4096;
    private readonly Lock _gate = new();
    private readonly TypeBinding _binding = new();
    private readonly Dictionary<string, IReadOnlyList<ElfImage>> _images = new(StringComparer.Ordinal);
    private readonly Dictionary<(string File, Probes.ProbeTarget Target), IReadOnlyList<ProbedFunction>> _functions = [];
    private readonly List<string> _files = [];

    /// <inheritdoc/>
    public void Announce(IEnumerable<AttachPoint> places)
    {
        lock (_gate)
        {
            foreach (AttachPoint place in places)
            {
                if (FileOf(place) is { } file && !_files.Contains(file))
                    _files.Add(file);
            }
        }
    }

    /// <inheritdoc/>
    public StructLayout? FindStruct(string name, AttachPoint? probe)
    {
        lock (_gate)
        {
            foreach ((TypeTable table, FunctionSignature? near) in TablesFor(probe))
            {
                foreach (NamedKind kind in (NamedKind[])[NamedKind.Struct, NamedKind.Typedef])
                {
                    if (table.Find(name, kind, near) is { } found && _binding.Convert(table, found) is StructType type && _binding.LayoutOf(type) is { } layout)
                        return layout;
                }
            }

            return null;
        }
    }

    /// <inheritdoc/>
    public StructLayout? LayoutOf(StructType type)
    {
        lock (_gate)
            return _binding.LayoutOf(type);
    }

    /// <inheritdoc/>
    public ScriptType? FindType(string name, AttachPoint? probe)
    {
        lock (_gate)
        {
            foreach ((TypeTable table, FunctionSignature? near) in TablesFor(probe))
            {
                foreach (NamedKind kind in (NamedKind[])[NamedKind.Typedef, NamedKind.Base, NamedKind.Enum])
                {
                    if (table.Find(name, kind, near) is { } found && _binding.Convert(table, found) is var type && !(type is StructType named && _binding.LayoutOf(named) is not null))
                        return type;
                }
            }

            return null;
        }
    }

    /// <inheritdoc/>
    public (ScriptType Type, long Value)? FindConstant(string name, AttachPoint? probe)
    {
        lock (_gate)
        {
            foreach ((TypeTable table, FunctionSignature? near) in TablesFor(probe))
            {
                if (table.FindConstant(name, near) is { } found)
                    return (_binding.Convert(table, found.Enum), found.Value);
            }

            return headers?.FindConstant(name) is { } value ? (TypePromotion.Smallest(value, isUnsigned: false), value) : null;
        }
    }

    /// <inheritdoc/>
    public string? NameOf(EnumType type, long value)
    {
        lock (_gate)
            return _binding.NameOf(type, value);
    }

    /// <inheritdoc/>
    public IReadOnlyList<FunctionParameter>? FindParameters(AttachPoint probe)
    {
        lock (_gate)
        {
            List<FunctionParameter>? common = null;
            foreach (ProbedFunction function in FunctionsOf(probe))
            {
                if (function.Description is not { } description)
                    return null;
                List<FunctionParameter> own = [.. description.Parameters.Where(parameter => parameter.Name is not null).Select(parameter => Convert(function, parameter))];
                // Of several functions, what all of them have.
                common = common is null ? own : [.. common.Where(own.Contains)];
            }

            return common;
        }
    }

    /// <inheritdoc/>
    public FunctionResult? FindResult(AttachPoint probe)
    {
        lock (_gate)
        {
            FunctionResult? common = null;
            foreach (ProbedFunction function in FunctionsOf(probe))
            {
                if (function.Description is not { } description)
                    return null;
                ScriptType type = _binding.Convert(function.Image.Types, description.Result);
                var own = new FunctionResult(type, description.ResultPlace.Kind == PlaceKind.Address) { Reason = description.ResultPlace.Reason };
                if (type is VoidType || (common is not null && common != own))
                    return null;
                common = own;
            }

            return common;
        }
    }

    /// <inheritdoc/>
    public int? FindSymbolSize(string symbol, AttachPoint probe)
    {
        lock (_gate)
        {
            if (FileOf(probe) is not { } file || IsPattern(file))
                return null;
            return ImagesOf(file) is [var image, ..] && SymbolSearch.Find(image, symbol) is { Size: var size and <= int.MaxValue } ? (int)size : null;
        }
    }

    /// <inheritdoc/>
    public TypeObstacle Explain(AttachPoint probe)
    {
        lock (_gate)
        {
            if (FileOf(probe) is not { } file || IsPattern(file))
                return new TypeObstacle("which files are probed is not known yet", WithoutTypes);
            IReadOnlyList<ElfImage> images = ImagesOf(file);
            if (images.Count == 0)
                return new TypeObstacle($"no file called `{file}` was found", null);
            ElfImage image = images[0];
            IReadOnlyList<ProbedFunction> functions = FunctionsOf(probe);
            if (functions.Count == 0)
                return new TypeObstacle(probe is UserProbe { Target: FunctionTarget target } ? $"{image.Path} has no function `{target.Name}`" : "no function begins there", Near(image, probe));
            if (image.Types.Problems is [var problem, ..])
                return new TypeObstacle($"{image.Path}: {problem}", WithoutTypes);
            if (!image.Types.IsPresent)
                return new TypeObstacle($"{image.Path} has no debug information", $"{MissingDebugInformation.Remedy(image)}; {WithoutTypes}");
            string name = functions.FirstOrDefault(function => function.Description is null)?.Name ?? functions[0].Name;
            return new TypeObstacle($"the debug information of {image.Path} says nothing of `{name}`", $"its source file was compiled without -g, or is assembly; {WithoutTypes}");
        }
    }

    private static string? FileOf(AttachPoint place) => place switch
    {
        UserProbe user => user.File,
        StaticProbe known => known.File,
        _ => null,
    };

    private static string? Near(ElfImage image, AttachPoint probe) =>
        probe is UserProbe { Target: FunctionTarget { IsPattern: false } target } ? Suggestion.Sentence(target.Name, image.Functions.All.Select(symbol => symbol.Name).Distinct()) : null;

    private static bool IsPattern(string file) => file.AsSpan().IndexOfAny('*', '?', '[') >= 0;

    private IReadOnlyList<ElfImage> ImagesOf(string file)
    {
        if (!_images.TryGetValue(file, out IReadOnlyList<ElfImage>? images))
            _images.Add(file, images = IsPattern(file) ? [] : openImages(file));
        return images;
    }

    /// <summary>Where a name is looked for: in the probed file, then in those of other probes.</summary>
    private IEnumerable<(TypeTable Table, FunctionSignature? Near)> TablesFor(AttachPoint? probe)
    {
        string? own = probe is null ? null : FileOf(probe);
        if (own is not null)
        {
            foreach (ElfImage image in ImagesOf(own))
                yield return (image.Types, FunctionsOf(probe!).FirstOrDefault(function => function.Image == image)?.Description);
        }

        foreach (string file in _files.Where(file => file != own))
        {
            foreach (ElfImage image in ImagesOf(file))
                yield return (image.Types, null);
        }

        if (headers?.Types is { } included)
            yield return (included, null);
    }

    private IReadOnlyList<ProbedFunction> FunctionsOf(AttachPoint probe)
    {
        if (probe is not UserProbe user)
            return [];
        if (_functions.TryGetValue((user.File, user.Target), out IReadOnlyList<ProbedFunction>? known))
            return known;
        List<ProbedFunction> found = [];
        foreach (ElfImage image in ImagesOf(user.File))
        {
            foreach (FunctionSymbol symbol in SymbolsOf(image, user.Target).Where(symbol => !symbol.IsIndirect).DistinctBy(symbol => symbol.Offset).Take(MostFunctions))
                found.Add(new ProbedFunction(image, symbol.Name, image.Types.FindFunction(symbol.Address)));
        }

        _functions.Add((user.File, user.Target), found);
        return found;
    }

    private static IEnumerable<FunctionSymbol> SymbolsOf(ElfImage image, Probes.ProbeTarget target)
    {
        switch (target)
        {
            case FunctionTarget { IsPattern: true } function:
                GlobPattern pattern = new(function.Name);
                return image.Functions.All.Where(symbol => pattern.IsMatch(function.IsDemangled ? symbol.DisplayName : symbol.Name));
            case FunctionTarget { Offset: 0 } function:
                IReadOnlyList<FunctionSymbol> named = image.Functions.Named(function.Name);
                return named.Any(symbol => symbol.IsDefaultVersion) ? named.Where(symbol => symbol.IsDefaultVersion) : named;
            case AddressTarget address:
                return image.Functions.All.Where(symbol => symbol.Address.Value == address.Address);
            default:
                return [];
        }
    }

    private FunctionParameter Convert(ProbedFunction function, ParameterDescription parameter)
    {
        ScriptType type = _binding.Convert(function.Image.Types, parameter.Type);
        ValuePlace place = function.IsChanged ? new ValuePlace(PlaceKind.Nowhere, 0, "may be elsewhere or left out: the compiler has made this function of another one") : parameter.Place;
        return new FunctionParameter(parameter.Name!, type, place.Kind is PlaceKind.Word or PlaceKind.Address ? place.Index : null)
        {
            IsAddress = place.Kind == PlaceKind.Address,
            StackWord = place.Kind == PlaceKind.Stack ? place.Index : null,
            Reason = place.Reason,
        };
    }
}
