using Uprobes.Stacks;

namespace Uprobes.Tool.Stacks;

/// <summary>Gives each place in code a number, so that a stack is a few numbers and equal places of several processes are one.</summary>
internal sealed class FrameTable
{
    private readonly Dictionary<StackFrame, int> _numbers = [];
    private readonly List<StackFrame> _frames = [];

    /// <summary>The number of a place.</summary>
    public int NumberOf(in StackFrame frame)
    {
        // Where a file is mapped differs from process to process; what is in none has nothing but its address.
        var place = frame.Module is null && frame.Function is null ? frame : frame with { Address = 0 };
        if (!_numbers.TryGetValue(place, out var number))
        {
            _numbers.Add(place, number = _frames.Count);
            _frames.Add(place);
        }
        return number;
    }

    /// <summary>The place of a number.</summary>
    public StackFrame this[int number] => _frames[number];
}
