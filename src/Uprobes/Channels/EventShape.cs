namespace Uprobes.Channels;

/// <summary>Where an event's fields are, reckoned once.</summary>
internal sealed class EventShape
{
    internal EventShape(EventDefinition definition)
    {
        Types = [.. definition.Fields];
        Offsets = new int[Types.Length];
        for (int i = 0; i < Types.Length; i++)
            Offsets[i] = StoredValue.OffsetOf(definition.Fields, i);
        RecordSize = definition.RecordSize;
        Texts = [.. Enumerable.Range(0, Types.Length).Where(i => Types[i].IsText)];
    }

    internal DataType[] Types { get; }

    /// <summary>Of each field behind the record's header, in words.</summary>
    internal int[] Offsets { get; }

    /// <summary>Bytes, with the header.</summary>
    internal int RecordSize { get; }

    /// <summary>The fields that are texts.</summary>
    internal int[] Texts { get; }
}
