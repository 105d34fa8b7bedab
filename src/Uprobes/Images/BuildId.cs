namespace Uprobes.Images;

/// <summary>The linker's fingerprint of a file (NT_GNU_BUILD_ID): equal in a stripped file and its debug file.</summary>
/// <param name="Hex">The bytes as lower-case hexadecimal digits.</param>
public sealed record BuildId(string Hex)
{
    /// <summary>The id of these bytes.</summary>
    public static BuildId FromBytes(ReadOnlySpan<byte> bytes) => new(Convert.ToHexStringLower(bytes));

    /// <summary>The hexadecimal digits.</summary>
    public override string ToString() => Hex;
}
