using Uprobes.Processes;

namespace Uprobes.Arming.Trap;

/// <summary>
/// The stacks of one address space, as far as they are known: what tells a jump up the same stack, which leaves frames, from
/// a change to another, which does not. On the tracer thread only.
/// </summary>
internal sealed class StackMap
{
    /// <summary>More coroutines than this are taken for stacks that were given back long ago.</summary>
    private const int MostCoroutines = 1 << 17;

    /// <summary>Lowest addresses and ends of the coroutines' stacks, ascending; they do not overlap.</summary>
    private readonly SortedSet<StackExtent> _coroutines = new(Comparer<StackExtent>.Create((a, b) => a.Low.CompareTo(b.Low)));

    /// <summary>Notes that a coroutine was made, whose stack takes the place of all that were there.</summary>
    internal void AddCoroutine(ulong low, ulong size)
    {
        if (size == 0 || low + size < low)
            return;
        if (_coroutines.Count >= MostCoroutines)
            _coroutines.Clear();
        StackExtent added = new(low, low + size, StackOwner.Coroutine);
        if (Below(low) is { } before && before.High > low)
            _coroutines.Remove(before);
        foreach (StackExtent covered in _coroutines.GetViewBetween(added, At(low + size - 1)).ToArray())
            _coroutines.Remove(covered);
        _coroutines.Add(added);
    }

    /// <summary>Whether a stack pointer is on a coroutine's stack.</summary>
    internal bool IsInCoroutine(ulong stackPointer) => TryFindCoroutine(stackPointer, out _);

    /// <summary>Finds the stack that a stack pointer is on.</summary>
    /// <param name="stackPointer">The stack pointer.</param>
    /// <param name="own">The own stack of the thread that is looked at; null when it is not known.</param>
    /// <param name="mappings">Reads the process's mappings, ascending.</param>
    /// <param name="extent">The stack.</param>
    /// <returns>False where it is not known how far a stack reaches.</returns>
    internal bool TryFind(ulong stackPointer, StackExtent? own, Func<IReadOnlyList<Mapping>> mappings, out StackExtent extent)
    {
        if (TryFindKnown(stackPointer, own, out extent))
            return true;
        foreach (Mapping mapping in mappings())
        {
            if (!mapping.Contains(stackPointer - 1))
                continue;
            // The heap, or memory that is known to hold coroutines' stacks, may hold several.
            extent = new StackExtent(mapping.Start, mapping.End, StackOwner.Other);
            return mapping is { HasFile: false, Path: "", Permissions: var allowed } && allowed.HasFlag(MappingPermissions.Write)
                && _coroutines.GetViewBetween(At(mapping.Start), At(mapping.End)).Count == 0;
        }

        return false;
    }

    /// <summary>As <see cref="TryFind"/>, by what is known without a look at the mappings.</summary>
    internal bool TryFindKnown(ulong stackPointer, StackExtent? own, out StackExtent extent)
    {
        if (TryFindCoroutine(stackPointer, out extent))
            return true;
        extent = own.GetValueOrDefault();
        return extent.Holds(stackPointer);
    }

    /// <summary>
    /// The stack that a thread was started with. The main thread's has its name; others have their control block, to which
    /// FS points, at the upper end of theirs, in glibc and in musl. Null when there is no such stack.
    /// </summary>
    internal static StackExtent? OwnStack(IReadOnlyList<Mapping> mappings, bool isMain, ulong fsBase)
    {
        ulong below = 0;
        foreach (Mapping mapping in mappings)
        {
            if (isMain && mapping.Path == "[stack]")
                return new StackExtent(below, mapping.End, StackOwner.Thread); // It grows downwards.
            if (!isMain && mapping.Contains(fsBase))
                return mapping is { HasFile: false, Path: "" } ? new StackExtent(mapping.Start, fsBase, StackOwner.Thread) : null;
            below = mapping.End;
        }

        return null;
    }

    internal StackMap Copy()
    {
        StackMap copy = new();
        copy._coroutines.UnionWith(_coroutines);
        return copy;
    }

    private bool TryFindCoroutine(ulong stackPointer, out StackExtent extent)
    {
        extent = default;
        if (_coroutines.Count == 0 || stackPointer == 0 || Below(stackPointer) is not { } found)
            return false;
        extent = found;
        return found.Holds(stackPointer);
    }

    /// <summary>The last stack that begins below an address.</summary>
    private StackExtent? Below(ulong address)
    {
        if (address == 0 || _coroutines.Count == 0)
            return null;
        SortedSet<StackExtent> lower = _coroutines.GetViewBetween(At(0), At(address - 1));
        StackExtent last = lower.Max;
        return last.High == 0 ? null : last;
    }

    private static StackExtent At(ulong low) => new(low, 0, StackOwner.Coroutine);
}
