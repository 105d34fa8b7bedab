using System.Globalization;
using System.Text;
using Uprobes.Programs.Queries;

namespace Uprobes.Tests.Programs.Queries;

/// <summary>What a channel might hold.</summary>
internal sealed class HandMadeValues(params object[] parts) : StoredValues
{
    internal int Thread { get; init; }

    internal long Time { get; init; }

    internal int Cell { get; init; } = -1;

    internal override int ThreadId => Thread;

    internal override long Timestamp => Time;

    internal override int Probe => Cell;

    internal override long Integer(int part) => parts[part] is ulong number ? (long)number : Convert.ToInt64(parts[part], CultureInfo.InvariantCulture);

    internal override ReadOnlySpan<byte> Text(int part) => Encoding.UTF8.GetBytes((string)parts[part]);
}
