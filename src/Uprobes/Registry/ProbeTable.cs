using Uprobes.Arming;
using Uprobes.Images;
using Uprobes.Linux;
using Uprobes.Processes;

namespace Uprobes.Registry;

/// <summary>
/// All that is probed in a session: finds a uprobe by (inode, offset), and the probe points of a mapping. On the tracer thread only.
/// </summary>
internal sealed class ProbeTable(IRegistryEvents events) : IProbeCatalog
{
    private readonly Dictionary<ImageId, ProbedImage> _images = [];
    private readonly Dictionary<(ulong Device, ulong Inode, string Path), ImageId?> _identities = [];

    public bool IsEmpty => _images.Count == 0;

    public bool FollowsReturns => _images.Values.Any(i => i.Uprobes.Any(u => u.Consumers.Any(c => c.WantsReturns)));

    public bool HasSemaphores => _images.Values.Any(i => i.Uprobes.Any(u => u.Semaphores.Count > 0));

    public int Version { get; private set; }

    internal IEnumerable<ProbedImage> Images => _images.Values;

    internal bool TryGetImage(ImageId id, out ProbedImage? image) => _images.TryGetValue(id, out image);

    /// <summary>The probed image of a file, taken in if it is not there. The caller removes it again if it stays without a uprobe.</summary>
    internal ProbedImage GetOrAdd(ElfImage elf)
    {
        if (_images.TryGetValue(elf.Id, out ProbedImage? image))
            return image;
        image = new ProbedImage(elf);
        _images.Add(elf.Id, image);
        _identities.Clear();
        return image;
    }

    internal void Changed() => Version++;

    /// <summary>Removes a uprobe that has no consumers, and its image with its last one.</summary>
    /// <returns>Whether the image went too.</returns>
    internal bool Remove(Uprobe uprobe)
    {
        uprobe.Image.Remove(uprobe);
        Version++;
        return uprobe.Image.IsEmpty && _images.Remove(uprobe.Image.Id);
    }

    /// <summary>Takes back an image that got no uprobe.</summary>
    internal void RemoveIfEmpty(ProbedImage image)
    {
        if (image.IsEmpty)
            _images.Remove(image.Id);
    }

    public IReadOnlyList<ArmedPoint> Find(in Mapping mapping, int tid)
    {
        if (_images.Count == 0 || !MayBeProbed(mapping))
            return [];
        return IdentityOf(mapping, tid) is { } id && _images.TryGetValue(id, out ProbedImage? image) ? image.Points : [];
    }

    public bool HasImageChanged(ArmedPoint point)
    {
        ProbedImage image = ((Uprobe)point.Sink).Image;
        return !image.IsGuarded && image.HasChanged();
    }

    public void OnArmingRefused(ArmedPoint point, ArmingRefusal refusal, int processId) =>
        events.OnArmingRefused((Uprobe)point.Sink, new ProbeRefusal(ReasonOf(refusal.Reason), point.Name, refusal.Message), processId);

    public void OnSiteLost(ArmedPoint point, string reason, int processId) => events.OnSiteLost((Uprobe)point.Sink, reason, processId);

    /// <summary>A look that costs nothing and lets most mappings pass: no inode number, path or name of a probed file.</summary>
    private bool MayBeProbed(in Mapping mapping)
    {
        foreach (ProbedImage image in _images.Values)
        {
            if (mapping.Inode == image.Id.Inode || mapping.Path == image.Path
                || Path.GetFileName(mapping.Path.AsSpan()).SequenceEqual(Path.GetFileName(image.Path.AsSpan())))
                return true;
        }

        return false;
    }

    /// <summary>
    /// The identity of a mapped file. The numbers in the maps line are not those of fstat(2) on overlay and btrfs (traps M6), so
    /// the file itself is looked at: through map_files for those who may, otherwise by its path in the process's own root.
    /// </summary>
    private ImageId? IdentityOf(in Mapping mapping, int tid)
    {
        (ulong, ulong, string) key = (mapping.Device, mapping.Inode, mapping.Path);
        if (_identities.TryGetValue(key, out ImageId? known))
            return known;
        ImageId? id = null;
        if (FileStatus.TryOf($"/proc/{tid}/map_files/{mapping.Start:x}-{mapping.End:x}", out FileStatus status, out _)
            || (!mapping.IsDeleted && FileStatus.TryOf($"/proc/{tid}/root{mapping.Path}", out status, out _)))
            _identities[key] = id = new ImageId(status.Device, status.Inode);
        return id; // Not remembered where the thread may just have ended.
    }

    private static ProbeRefusalReason ReasonOf(ArmingRefusalReason reason) => reason switch
    {
        ArmingRefusalReason.UnsupportedInstruction or ArmingRefusalReason.ShadowStack => ProbeRefusalReason.UnsupportedInstruction,
        ArmingRefusalReason.MemoryDiffers or ArmingRefusalReason.ImageChanged => ProbeRefusalReason.ImageChanged,
        ArmingRefusalReason.SharedMapping => ProbeRefusalReason.SharedMapping,
        ArmingRefusalReason.NoMemoryNearImage => ProbeRefusalReason.NoMemoryNearImage,
        ArmingRefusalReason.Seccomp => ProbeRefusalReason.Seccomp,
        ArmingRefusalReason.TextNotWritable => ProbeRefusalReason.TextNotWritable,
        ArmingRefusalReason.RestartableSequence => ProbeRefusalReason.UnsafeLocation,
        ArmingRefusalReason.ThreadsDidNotStop => ProbeRefusalReason.ThreadsDidNotStop,
        ArmingRefusalReason.NotPatchable => ProbeRefusalReason.NotPatchable,
        ArmingRefusalReason.OutOfReach => ProbeRefusalReason.OutOfReach,
        _ => ProbeRefusalReason.SessionEnded,
    };
}
