using Uprobes.Processes;
using Uprobes.Programs;
using Uprobes.Programs.X64;

namespace Uprobes.Arming.Inline;

/// <summary>
/// The kernel numbers users, groups and parents for a process as its namespaces do. Programs that ask for them are left to the tracer, who sees
/// them as everything else does, where the process has other namespaces than the tracer.
/// </summary>
internal sealed partial class InlineSpace
{
    /// <summary>Why programs at a probe would be given other numbers in a process than the tracer is; null where they would not.</summary>
    private static string? WhyOtherwiseNumbered(TracedProcess process, IReadOnlyList<ProgramBinding> programs)
    {
        if (programs.Any(p => ProgramNeeds.Users(p.Group)) && !Namespaces.AreShared(process.ProcessId, NamespaceKind.User))
            return $"process {process.ProcessId} is in another user namespace, which has other numbers for users and groups";
        if (programs.Any(p => ProgramNeeds.Parent(p.Group)) && !Namespaces.AreShared(process.ProcessId, NamespaceKind.Process))
            return $"process {process.ProcessId} is in another process namespace, which has another number for its parent";
        return null;
    }

    /// <summary>In a forked child that begins with namespaces of its own, takes out what its parent could run. Returns whether there was any.</summary>
    private bool RemoveOtherwiseNumbered(TracedProcess child)
    {
        // The child waits for this: what is the same for all sites is asked once.
        List<InlineSite> asking = [.. _sites.Values.Where(s => s.Bindings.Any(b => ProgramNeeds.Users(b.Group) || ProgramNeeds.Parent(b.Group)))];
        if (asking.Count == 0 || (Namespaces.AreShared(child.ProcessId, NamespaceKind.User) && Namespaces.AreShared(child.ProcessId, NamespaceKind.Process)))
            return false;
        List<InlineSite> others = asking.FindAll(s => WhyOtherwiseNumbered(child, s.Bindings) is not null);
        Remove(child, others);
        return others.Count > 0;
    }
}
