using Uprobes.Arming.Trap;
using Uprobes.Registry;
using Uprobes.Script.Semantics;

namespace Uprobes.Script.Running;

/// <summary>
/// Runs actions in the tracer while the thread that hit the probe waits: everything that the language has works, and every hit
/// costs a stop. Maps are in this process.
/// </summary>
/// <param name="types">The script's types.</param>
/// <param name="options">The script's options.</param>
internal sealed class HandlerEngine(TypeCatalog types, ScriptConfig options) : IScriptEngine
{
    /// <inheritdoc/>
    public IScriptMap CreateMap(MapSymbol map) => new LocalScriptMap(map, types, options.MaxMapKeys);

    /// <inheritdoc/>
    public IArmedScript Arm(ScriptArming arming)
    {
        // All actions run on the tracer's thread, one after the other.
        ScriptInterpreter interpreter = new(arming.Script, arming.Maps, arming.Host);
        TargetHit hit = new();
        ProbeRequest[] requests = [.. arming.Sites.Select(site => new ProbeRequest(site.Point) { Program = Callbacks(site, interpreter, hit, arming.Host) })];
        RegistrationResult result = arming.Session.RegisterAll(requests);
        return new ArmedHandlers(arming, result);
    }

    private static ConsumerCallbacks Callbacks(ScriptSite site, ScriptInterpreter interpreter, TargetHit hit, IActionHost host)
    {
        ActionOccasion occasion = new()
        {
            Probe = site.Name,
            ProbeType = site.AttachPoint.TypeName,
            Function = site.Function,
            Site = site,
            Hit = hit,
            Thread = hit,
        };
        if (!site.IsReturn)
        {
            return new ConsumerCallbacks
            {
                Pre = context =>
                {
                    if (host.IsEnding)
                        return;
                    hit.Begin(context);
                    interpreter.Run(site.Probe, occasion);
                },
            };
        }

        return new ConsumerCallbacks
        {
            Entry = context => (!host.IsEnding, context.SiteAddress.Value),
            Return = context =>
            {
                if (host.IsEnding)
                    return;
                hit.Begin(context, (ulong)context.State!);
                interpreter.Run(site.Probe, occasion);
            },
        };
    }

    private sealed class ArmedHandlers : IArmedScript
    {
        private readonly UprobeSession _session;
        private readonly IReadOnlyList<ProbeRegistration> _registrations;

        internal ArmedHandlers(ScriptArming arming, RegistrationResult result)
        {
            (_session, _registrations) = (arming.Session, result.Registrations);
            Refused = arming.SitesOf(result.Refusals);
        }

        public int Count => _registrations.Count;

        public IReadOnlyList<(ScriptSite Site, ProbeRefusal Refusal)> Refused { get; }

        public void Dispose() => _session.UnregisterAll(_registrations);
    }
}
