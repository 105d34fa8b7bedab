namespace Uprobes.Tool.Stacks;

/// <summary>A call in a flame graph: all stacks that go through it by the same way have come together in it.</summary>
/// <param name="name">The function, or the file in brackets where no function is known.</param>
/// <param name="image">The path of the file, or null.</param>
internal sealed class FlameNode(string name, string? image)
{
    private readonly Dictionary<(string Name, string? Image), FlameNode> _children = [];

    /// <summary>The function, or the file in brackets where no function is known.</summary>
    public string Name => name;

    /// <summary>The path of the file that it is in, or null.</summary>
    public string? Image => image;

    /// <summary>The sum over all stacks that go through it.</summary>
    public Int128 Value { get; private set; }

    /// <summary>What it has called, by name, so that two graphs of one program look alike.</summary>
    public IEnumerable<FlameNode> Children => _children.Values.OrderBy(c => c.Name, StringComparer.Ordinal).ThenBy(c => c.Image, StringComparer.Ordinal);

    /// <summary>Calls within calls, itself counted.</summary>
    public int Height => 1 + (_children.Count == 0 ? 0 : _children.Values.Max(c => c.Height));

    /// <summary>Adds a stack that goes through this and then, outermost first, through others.</summary>
    public void Add(IEnumerable<(string Name, string? Image)> calls, Int128 value)
    {
        var node = this;
        node.Value += value;
        foreach (var call in calls)
        {
            if (!node._children.TryGetValue(call, out var child))
                node._children.Add(call, child = new FlameNode(call.Name, call.Image));
            node = child;
            node.Value += value;
        }
    }
}
