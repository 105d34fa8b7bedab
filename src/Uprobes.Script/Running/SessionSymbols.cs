using Uprobes.Images;
using Uprobes.Script.Output;
using Uprobes.Script.Semantics;
using Uprobes.Stacks;

namespace Uprobes.Script.Running;

/// <summary>Names and addresses of code from the symbol tables of the files that processes map.</summary>
/// <param name="config">What of the names is wanted.</param>
/// <param name="later">Has something done soon, on a thread that no target waits for.</param>
internal sealed class SessionSymbols(ScriptConfig config, Action<Action> later) : IScriptSymbols, IDisposable
{
    // Different stacks of waiting threads whose names are kept with them.
    private const int MostKnown = 1 << 12;
    private readonly Lock _gate = new();
    private readonly Dictionary<(ImageId Image, string Symbol), ulong?> _values = [];
    private readonly Dictionary<TargetFrames, TargetFrames> _known = [];
    private (SessionStacks Reader, TargetStacks Stacks)? _reading;

    /// <summary>Whose processes they are; null where the script has none. Set before anything is asked.</summary>
    internal UprobeSession? Session { get; set; }

    /// <inheritdoc/>
    public Lazy<string?> NameOf(int processId, long timestamp, ulong address)
    {
        SessionStacks reader;
        FramePlace place;
        lock (_gate)
        {
            reader = Reading().Reader;
            place = reader.Locate(processId, timestamp, address);
        }

        return new Lazy<string?>(() => reader.FunctionAt(place).Function);
    }

    /// <inheritdoc/>
    public ulong? AddressOf(ActionOccasion occasion, string symbol)
    {
        return occasion is { Site: { } site, Hit: { } hit } && DistanceOf(site, symbol) is { } distance ? hit.SiteAddress + (ulong)distance : null;
    }

    /// <inheritdoc/>
    public long? DistanceOf(ScriptSite site, string symbol)
    {
        if (!site.Image.TryGetAddress(site.Offset, out LinkAddress linked))
            return null;
        lock (_gate)
        {
            if (!_values.TryGetValue((site.Image.Id, symbol), out ulong? value))
                _values.Add((site.Image.Id, symbol), value = SymbolSearch.Find(site.Image, symbol)?.Value);
            return (long?)(value - linked.Value);
        }
    }

    /// <inheritdoc/>
    public ScriptStack StackOf(ActionOccasion occasion, StackType type)
    {
        if (occasion is not { Hit: { } hit, Thread: { } thread })
            return new ScriptStack(type.Mode, []) { UnwindFailed = true };
        lock (_gate)
        {
            TargetFrames frames = Reading().Stacks.Of(hit, thread, occasion is { Site: { IsEntry: true, IsReturn: false } }, type);
            if (_known.TryGetValue(frames, out TargetFrames? known))
                return Stack(known, type);
            if (_known.Count == MostKnown)
                _known.Clear();
            _known.Add(frames, frames);
            // Where nothing asks before, it is named when the thread has gone on; the files may be gone at the end.
            later(() => _ = frames.Count);
            return Stack(frames, type);
        }
    }

    /// <inheritdoc/>
    public ScriptStack StackOf(int processId, long timestamp, in CapturedStack stack, StackType type)
    {
        TargetFrames frames;
        lock (_gate)
            frames = Reading().Stacks.Of(processId, timestamp, stack, type);
        _ = frames.Count;
        return Stack(frames, type);
    }

    /// <inheritdoc/>
    public void Look(IEnumerable<int> processIds)
    {
        lock (_gate)
        {
            foreach (int processId in processIds)
                Reading().Reader.Look(processId);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_gate)
        {
            _reading?.Reader.Dispose();
            _reading = null;
        }
    }

    private static ScriptStack Stack(TargetFrames frames, StackType type) => new(type.Mode, frames) { UnwindFailed = frames.Depth == 0 };

    private (SessionStacks Reader, TargetStacks Stacks) Reading()
    {
        if (_reading is { } known)
            return known;
        SessionStacks reader = new(Session);
        (SessionStacks, TargetStacks) made = (reader, new TargetStacks(reader, config));
        _reading = made;
        return made;
    }
}
