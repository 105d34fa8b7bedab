using System.Runtime.InteropServices;

namespace Uprobes.Script.Output;

/// <summary>Something that a script asked for at run time and that failed, such as a read of memory that is not there.</summary>
/// <param name="Message">What went wrong: <c>Bad address</c>.</param>
/// <param name="Helper">What failed, by the name that bpftrace's output has for it: <c>probe_read_user</c>, <c>map_update_elem</c>.</param>
/// <param name="ReturnCode">A negative errno.</param>
/// <param name="Location">The expression.</param>
public sealed record HelperError(string Message, string Helper, int ReturnCode, ScriptLocation Location)
{
    /// <summary>An error whose message is strerror(3)'s.</summary>
    /// <param name="helper">What failed.</param>
    /// <param name="errno">The error number, positive.</param>
    /// <param name="location">The expression.</param>
    public static HelperError FromErrno(string helper, int errno, ScriptLocation location) =>
        new(Marshal.GetPInvokeErrorMessage(errno), helper, -errno, location);
}
