using Uprobes.Arming;
using Uprobes.Arming.Inline;
using Uprobes.Arming.Trap;
using Uprobes.Images;
using Uprobes.Processes;
using Uprobes.Registry;

namespace Uprobes;

/// <summary>Registering and unregistering.</summary>
internal sealed partial class SessionCore
{
    private readonly Dictionary<Uprobe, (ProbeRefusal Refusal, int ProcessId)> _refusedNow = [];
    private bool _registering;

    internal RegistrationResult Register(UprobeSession session, IReadOnlyList<ProbeRequest> requests)
    {
        // Files are read and names looked up while the processes run (rule 5).
        List<ProbeRefusal> refusals = [];
        List<ResolvedRequest> resolved = [];
        Dictionary<string, ElfImage> opened = [];
        foreach (ProbeRequest request in requests)
        {
            if ((request.Handlers is null ? 0 : 1) + (request.Returns is null ? 0 : 1) + (request.Program is null ? 0 : 1) != 1)
                throw new ArgumentException($"{request.Point}: give either handlers or return handlers", nameof(requests));
            if (Resolve(request, opened, out ProbeRefusal? refusal) is { } found)
                resolved.Add(found);
            else
                refusals.Add(refusal!);
        }

        try
        {
            return _notices.Run(() => RegisterResolved(session, resolved, refusals));
        }
        catch (ObjectDisposedException)
        {
            return Ended(resolved, refusals, Disposed); // Disposed meanwhile.
        }
    }

    /// <summary>Removes consumers. Never fails: what cannot be undone in a process is told by a notice.</summary>
    internal void Unregister(IReadOnlyList<Consumer> consumers)
    {
        foreach (Consumer consumer in consumers)
            consumer.Deactivate();
        try
        {
            _notices.Run(() =>
            {
                Remove(consumers);
                _engine.LeaveAll();
            });
        }
        catch (ObjectDisposedException)
        {
            // The session ended meanwhile and has removed them.
        }
    }

    /// <summary>Switches consumers on or off. Their sites stay armed and no thread is stopped.</summary>
    internal void SetEnabled(IReadOnlyList<Consumer> consumers, bool isEnabled)
    {
        HashSet<ProgramSwitch> thrown = [];
        foreach (Consumer consumer in consumers)
        {
            consumer.IsEnabled = isEnabled;
            if (consumer.Program is { } program)
                thrown.Add(program.Switch);
        }

        if (thrown.Count == 0)
            return;
        try
        {
            _notices.Run(() => _engine.FollowSwitches(thrown));
        }
        catch (ObjectDisposedException)
        {
            // The session ended meanwhile, and with it all programs.
        }
    }

    public void OnHandlerFailed(Consumer consumer, Exception error)
    {
        Tell(NoticeKind.HandlerFailed, $"a handler of {consumer.Uprobe.Point.Name} failed and was removed: {error.GetType().Name}: {error.Message}");
        Remove([consumer]);
    }

    public void OnReturnLost(Consumer consumer, string reason, int processId) =>
        Tell(NoticeKind.ReturnLost, $"{consumer.Uprobe.Point.Name}: returns are not seen where {reason}", processId == 0 ? null : processId);

    public void OnArmingRefused(Uprobe uprobe, ProbeRefusal refusal, int processId)
    {
        if (_registering)
        {
            _refusedNow[uprobe] = (refusal, processId);
            return;
        }

        uprobe.NoteRefusal(refusal);
        TellRefused(refusal, processId);
    }

    private void TellRefused(ProbeRefusal refusal, int? processId) =>
        _notices.Add(new SessionNotice(NoticeKind.Refused, refusal.ToString(), processId) { Refusal = refusal });

    public void OnSiteLost(Uprobe uprobe, string reason, int processId) => Tell(NoticeKind.SiteLost, $"{uprobe.Point.Name}: {reason}", processId);

    private static RegistrationResult Ended(List<ResolvedRequest> resolved, List<ProbeRefusal> refusals, string why) =>
        new([], [.. refusals, .. resolved.Select(r => new ProbeRefusal(ProbeRefusalReason.SessionEnded, r.Request.Point.ToString(), why))]);

    private RegistrationResult RegisterResolved(UprobeSession session, List<ResolvedRequest> resolved, List<ProbeRefusal> refusals)
    {
        if (WhyEnded() is { } why)
            return Ended(resolved, refusals, why);
        List<ProbeRegistration> made = [];
        try
        {
            Make(session, resolved, made, refusals);
        }
        catch
        {
            Remove([.. made.Select(m => m.Consumer)]); // The caller gets no registration to remove them by.
            throw;
        }
        finally
        {
            _engine.LeaveAll();
        }

        return new RegistrationResult(made, refusals);
    }

    private void Make(UprobeSession session, List<ResolvedRequest> resolved, List<ProbeRegistration> made, List<ProbeRefusal> refusals)
    {
        bool hasNew = false;
        FileWindow? text = null;
        foreach (ResolvedRequest request in resolved)
        {
            ProbedImage image = _table.GetOrAdd(request.Elf);
            if (text?.Elf != image.Elf)
                text = new FileWindow(image.Elf);
            Uprobe? uprobe = null;
            ProbeRefusal? refusal;
            try
            {
                uprobe = image.GetOrAdd(request.Offset, request.IsFunctionEntry, request.Request.Point.ToString(), text, out refusal);
            }
            catch (ImageException e)
            {
                refusal = new ProbeRefusal(ImageCache.ReasonOf(e), request.Request.Point.ToString(), e.Problem);
            }

            if (uprobe is null)
            {
                _table.RemoveIfEmpty(image);
                refusals.Add(refusal!);
                continue;
            }

            if (request.Request.Point.StaticProbe is { } mark)
            {
                uprobe.NoteMark();
                if (mark.SemaphoreProblem is { } problem && !uprobe.HasConsumers)
                    Tell(NoticeKind.Tracee, $"{request.Request.Point}: its semaphore cannot be counted up, since {problem}; programs may not come by the probe");
            }

            Consumer consumer = new(uprobe, Callbacks(request.Request), request.Request.Filter, this) { Semaphore = SemaphorePlace.Of(request.Request.Point.StaticProbe) };
            hasNew |= !uprobe.HasConsumers || uprobe.Programs is not null || consumer.Semaphore is not null;
            uprobe.Add(consumer);
            made.Add(new ProbeRegistration(session, request.Request.Point, consumer));
        }

        if (hasNew)
            ArmNew(made, refusals);
    }

    private void ArmNew(List<ProbeRegistration> made, List<ProbeRefusal> refusals)
    {
        GuardImages();
        _table.Changed();
        if (_allowed.HasFlag(SiteKinds.Jump))
            PlanPatches(made);
        if (!_allowed.HasFlag(SiteKinds.Breakpoint))
            RefuseUnpatchable(made, refusals);
        _refusedNow.Clear();
        _registering = true;
        try
        {
            _engine.ReturnToAll();
            foreach (TracedProcess process in _tracer.Processes.ToArray())
                _engine.ArmProcess(process);
        }
        finally
        {
            _registering = false;
        }

        if (_refusedNow.Count == 0)
            return;
        TellOfOthers(made);
        IReadOnlySet<ArmedPoint> armed = _engine.ArmedPoints();
        List<Consumer> failed = [];
        foreach (ProbeRegistration registration in made)
        {
            if (!_refusedNow.TryGetValue(registration.Consumer.Uprobe, out (ProbeRefusal Refusal, int ProcessId) refused))
                continue;
            if (armed.Contains(registration.Consumer.Uprobe.Point))
            {
                TellRefused(refused.Refusal, refused.ProcessId);
                continue;
            }

            failed.Add(registration.Consumer);
            refusals.Add(refused.Refusal);
        }

        if (failed.Count == 0)
            return;
        HashSet<Consumer> gone = [.. failed];
        made.RemoveAll(registration => gone.Contains(registration.Consumer));
        Remove(failed);
    }

    private static void PlanPatches(List<ProbeRegistration> made)
    {
        foreach (ProbedImage image in made.Select(m => m.Consumer.Uprobe.Image).Distinct())
            image.PlanPatches();
    }

    /// <summary>Where nothing but a jump is wanted, what the file alone speaks against is refused before any process maps it.</summary>
    private void RefuseUnpatchable(List<ProbeRegistration> made, List<ProbeRefusal> refusals)
    {
        List<Consumer> failed = [];
        foreach (ProbeRegistration registration in made)
        {
            if (InlineSpace.WhyNotPatchable(registration.Consumer.Uprobe, _detaches) is not { } reason)
                continue;
            failed.Add(registration.Consumer);
            refusals.Add(new ProbeRefusal(ProbeRefusalReason.NotPatchable, registration.Point.ToString(), reason));
        }

        if (failed.Count == 0)
            return;
        HashSet<Consumer> gone = [.. failed];
        made.RemoveAll(registration => gone.Contains(registration.Consumer));
        Remove(failed);
    }

    /// <summary>Tells what was refused to uprobes that were registered before: no result of a registration says it.</summary>
    private void TellOfOthers(List<ProbeRegistration> made)
    {
        HashSet<Uprobe> own = [.. made.Select(m => m.Consumer.Uprobe)];
        foreach ((Uprobe uprobe, (ProbeRefusal refusal, int processId)) in _refusedNow)
        {
            if (!own.Contains(uprobe) && uprobe.NoteRefusal(refusal))
                TellRefused(refusal, processId);
        }
    }

    private void Remove(IReadOnlyList<Consumer> consumers)
    {
        HashSet<ArmedPoint> points = new(ReferenceEqualityComparer.Instance);
        HashSet<IReturnSink> sinks = [];
        bool hadSemaphore = false;
        foreach (Consumer consumer in consumers)
        {
            Uprobe uprobe = consumer.Uprobe;
            if (!uprobe.Consumers.Contains(consumer))
                continue;
            uprobe.Remove(consumer);
            sinks.Add(consumer);
            hadSemaphore |= consumer.Semaphore is not null;
            if (uprobe.HasConsumers)
                continue;
            points.Add(uprobe.Point);
            if (_table.Remove(uprobe) && uprobe.Image.IsGuarded)
                _guard.Release(uprobe.Image.Id);
        }

        if (sinks.Count > 0)
            _engine.DropReturns(sinks);
        if (points.Count > 0)
            _engine.DisarmPoints(points);
        else if (hadSemaphore)
            _engine.SettleSemaphores();
    }

    private void GuardImages()
    {
        foreach (ProbedImage image in _table.Images)
        {
            if (image.Guard is not null)
                continue;
            image.Guard = _guard.Protect(image.Id, image.Elf.Handle, image.Path);
            image.IsGuarded = image.Guard.IsGuarded;
            if (!image.IsGuarded && image.Guard.Obstacle != WriteGuardObstacle.PolicyNone)
                Tell(NoticeKind.WriteGuard, image.Guard.Message);
        }
    }

    private void OnWriteGuardBreak(ImageId id, WriteGuardBreak guardBreak)
    {
        try
        {
            _notices.Run(() =>
            {
                if (!_table.TryGetImage(id, out ProbedImage? image))
                    return;
                image!.IsGuarded = false; // The guard gives its lease up by itself.
                Remove([.. image.Uprobes.SelectMany(u => u.Consumers)]);
            });
            Tell(NoticeKind.WriteGuard, guardBreak.Message);
        }
        catch (ObjectDisposedException)
        {
            // The session ended just now: its probes are gone.
        }
    }

    private ConsumerCallbacks Callbacks(ProbeRequest request)
    {
        if (request.Program is { } program)
            return program;
        if (request.Handlers is { } handlers)
            return new ConsumerCallbacks
            {
                Pre = handlers.Pre is { } pre ? hit => pre(Wrap(hit)) : null,
                Post = handlers.Post is { } post ? hit => post(Wrap(hit)) : null,
                Fault = handlers.Fault is { } fault ? (hit, signal) => fault(Wrap(hit), signal) == FaultAction.Deliver : null,
            };
        ReturnHandlers returns = request.Returns!;
        return new ConsumerCallbacks
        {
            Entry = hit =>
            {
                object? state = returns.Entry?.Invoke(Wrap(hit));
                return (!ReferenceEquals(state, ReturnHandlers.SkipReturn), state);
            },
            Return = returns.Return is { } returned ? context => returned(new ReturnHit(context)) : null,
        };
    }

    /// <summary>The engine has one context for all hits, and so there is one view of it.</summary>
    private ProbeHit Wrap(HitContext hit) => _probeHit ??= new ProbeHit(hit);

    private ResolvedRequest? Resolve(ProbeRequest request, Dictionary<string, ElfImage> opened, out ProbeRefusal? refusal)
    {
        refusal = null;
        ProbePoint point = request.Point;
        try
        {
            ElfImage? elf = point.Opened;
            if (elf is null && !opened.TryGetValue(point.Image, out elf))
                opened.Add(point.Image, elf = OpenImage(point.Image));
            ProbeTarget target = ProbeTarget.Find(point, elf);
            if (point.StaticProbe is { Semaphore: { } semaphore, SemaphoreOffset: null })
            {
                refusal = new ProbeRefusal(ProbeRefusalReason.MalformedImage, point.ToString(), $"its semaphore at address {semaphore} is not among the bytes of the file");
                return null;
            }

            if (request.Returns is null || target.IsFunctionEntry)
                return new ResolvedRequest(request, elf, target.Offset, target.IsFunctionEntry);
            refusal = new ProbeRefusal(ProbeRefusalReason.ReturnNotTraceable, point.ToString(),
                "the return of a function can be followed from its first instruction only");
        }
        catch (ProbeRefusedException e)
        {
            refusal = e.Refusal;
        }
        catch (ImageException e)
        {
            refusal = new ProbeRefusal(ImageCache.ReasonOf(e), point.ToString(), e.Problem);
        }

        return null;
    }

    private sealed record ResolvedRequest(ProbeRequest Request, ElfImage Elf, FileOffset Offset, bool IsFunctionEntry);
}
