using Uprobes.Channels;

namespace Uprobes.Programs.Queries;

/// <summary>The parts of a map's key.</summary>
internal sealed class KeyValues(MapKey key) : StoredValues
{
    internal override int Probe => key.Probe;

    internal override long Integer(int part) => key.Integer(part);

    internal override ReadOnlySpan<byte> Text(int part) => key.Text(part);
}
