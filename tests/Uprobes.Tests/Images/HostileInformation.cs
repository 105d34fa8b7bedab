using System.Buffers.Binary;
using Uprobes.Images.Types;

namespace Uprobes.Tests.Images;

/// <summary>Debug information that no compiler writes: one unit of many small entries whose names are parts of one long text.</summary>
internal sealed class HostileInformation
{
    /// <summary>Where the first entry below the unit's is.</summary>
    internal const int First = 12;

    private const int TextBytes = 4090;

    // 1: the unit, with children. 2: a struct with children. 3: a member and 4: a base type, with DW_AT_name by DW_FORM_strp. 5: 255 times DW_FORM_flag_present.
    private static readonly byte[] Abbreviations =
    [
        1, 0x11, 1, 0, 0,
        2, 0x13, 1, 0, 0,
        3, 0x0d, 0, 0x03, 0x0e, 0, 0,
        4, 0x24, 0, 0x03, 0x0e, 0, 0,
        5, 0x13, 0, .. Enumerable.Repeat((byte[])[0x70, 0x19], 255).SelectMany(pair => pair), 0, 0,
        0,
    ];

    private readonly List<byte> _info = [0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 8, 1];

    internal DebugSections Sections
    {
        get
        {
            byte[] info = [.. _info, 0];
            BinaryPrimitives.WriteInt32LittleEndian(info, info.Length - 4);
            return new DebugSections { Info = info, Abbreviations = Abbreviations, Texts = [.. Enumerable.Repeat((byte)'n', TextBytes), 0] };
        }
    }

    /// <summary>A struct of members whose names begin at these places of the text.</summary>
    internal void Struct(IEnumerable<int> names)
    {
        _info.Add(2);
        foreach (int name in names)
            Named(3, name);
        _info.Add(0);
    }

    /// <summary>A base type whose name begins at a place of the text.</summary>
    internal void Base(int name) => Named(4, name);

    /// <summary>Structs without anything, in a byte each.</summary>
    internal void Empty(int count) => _info.AddRange(Enumerable.Repeat((byte)5, count));

    private void Named(byte code, int name) => _info.AddRange([code, (byte)name, (byte)(name >> 8), 0, 0]);
}
