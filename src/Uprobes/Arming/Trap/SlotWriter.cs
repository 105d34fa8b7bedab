using Uprobes.Arming.X64;
using Uprobes.Processes;

namespace Uprobes.Arming.Trap;

/// <summary>Collects the code of neighbouring slots and writes each run of them at once.</summary>
internal sealed class SlotWriter(TraceeMemory memory)
{
    private const byte Int3 = 0xCC;
    private readonly List<byte> _run = [];
    private ulong _start;
    private int _error;

    internal void Add(ulong slot, byte[] code)
    {
        if (_run.Count > 0 && slot != _start + (ulong)_run.Count)
            Flush();
        if (_run.Count == 0)
            _start = slot;
        _run.AddRange(code);
        while (_run.Count % InstructionRelocator.MaximumCodeLength != 0)
            _run.Add(Int3); // Nothing ever runs there.
    }

    /// <summary>Writes what is left. Returns 0, or the errno of the first write that failed.</summary>
    internal int Flush()
    {
        if (_run.Count > 0 && _error == 0)
            _error = memory.WriteAll(new RemoteAddress(_start), _run.ToArray());
        _run.Clear();
        return _error;
    }
}
