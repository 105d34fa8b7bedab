using System.Buffers;
using Uprobes.Tool.Events;

namespace Uprobes.Tool.Output;

/// <summary>Writes calls in one of the formats.</summary>
internal interface ICallFormatter
{
    /// <summary>Writes a call as one line.</summary>
    void Write(ArrayBufferWriter<byte> output, in CallRecord call, ReadOnlySpan<byte> payload);

    /// <summary>Writes that calls are missing, where the format has a place for it among the results. Returns whether it has.</summary>
    bool WriteLost(ArrayBufferWriter<byte> output, long count);
}
