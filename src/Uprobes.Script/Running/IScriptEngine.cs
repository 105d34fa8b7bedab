using Uprobes.Registry;
using Uprobes.Script.Semantics;

namespace Uprobes.Script.Running;

/// <summary>A way to have a script's actions run where its probes are.</summary>
internal interface IScriptEngine
{
    /// <summary>Makes the place where a map's entries are. Called for every map before anything runs.</summary>
    /// <param name="map">The map.</param>
    IScriptMap CreateMap(MapSymbol map);

    /// <summary>Puts the probes in place; their actions run from now on, on any thread.</summary>
    /// <param name="arming">What and where.</param>
    IArmedScript Arm(ScriptArming arming);
}

/// <summary>What an engine needs to arm a script.</summary>
/// <param name="Session">The processes.</param>
/// <param name="Script">The script.</param>
/// <param name="Sites">Where its actions are to be run, in the order of the script.</param>
/// <param name="Maps">Its maps, as the engine has made them.</param>
/// <param name="Host">The run.</param>
internal sealed record ScriptArming(
    UprobeSession Session, TypedScript Script, IReadOnlyList<ScriptSite> Sites, IReadOnlyDictionary<MapSymbol, IScriptMap> Maps, IActionHost Host)
{
    /// <summary>Which sites the registry's refusals are of: it knows them by their points.</summary>
    internal IReadOnlyList<(ScriptSite Site, ProbeRefusal Refusal)> SitesOf(IEnumerable<ProbeRefusal> refusals)
    {
        Dictionary<string, ScriptSite> sites = [];
        foreach (ScriptSite site in Sites)
            sites.TryAdd(site.Point.ToString(), site);
        return [.. refusals.Select(refusal => (sites.GetValueOrDefault(refusal.Point) ?? Sites[0], refusal))];
    }
}

/// <summary>A script's probes in place. Disposing it takes them out, and returns when no action runs any more and none will.</summary>
internal interface IArmedScript : IDisposable
{
    /// <summary>How many sites stand.</summary>
    int Count { get; }

    /// <summary>Those that do not, and why.</summary>
    IReadOnlyList<(ScriptSite Site, ProbeRefusal Refusal)> Refused { get; }
}
