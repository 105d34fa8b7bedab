namespace Uprobes.Stacks;

/// <summary>Knows the code that return addresses were replaced by, so that calls are seen to return where they really do.</summary>
internal interface IReturnThunks
{
    /// <summary>The return address that was replaced.</summary>
    /// <param name="found">What the stack holds.</param>
    /// <param name="place">Where on the stack it was found.</param>
    /// <returns>Null where <paramref name="found"/> is no thunk, or nothing is known of the call.</returns>
    ulong? Original(ulong found, ulong place);
}
