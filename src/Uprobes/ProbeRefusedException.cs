using Uprobes.Registry;

namespace Uprobes;

/// <summary>A probe could not be registered. <see cref="Refusal"/> says which error it was; nothing was left behind.</summary>
public sealed class ProbeRefusedException : Exception
{
    /// <summary>Creates the exception from a refusal.</summary>
    public ProbeRefusedException(ProbeRefusal refusal)
        : base(refusal?.ToString()) => Refusal = refusal ?? throw new ArgumentNullException(nameof(refusal));

    /// <summary>The reason and what it concerns.</summary>
    public ProbeRefusal Refusal { get; }
}
