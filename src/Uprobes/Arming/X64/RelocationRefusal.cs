namespace Uprobes.Arming.X64;

/// <summary>An instruction was refused as a site.</summary>
/// <param name="Reason">Why.</param>
/// <param name="Message">The same as a sentence with the address and the bytes, for the user.</param>
internal sealed record RelocationRefusal(RelocationRefusalReason Reason, string Message);
