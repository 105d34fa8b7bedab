using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Uprobes.Linux;

namespace Uprobes.Arming.Trap.X64;

/// <summary>
/// Starts a program that waits before its execve until it is released, so that the tracer can seize it first and miss
/// none of its instructions.
/// </summary>
/// <remarks>
/// System.Diagnostics.Process cannot do this: the runtime waits for its own children and would take the tracer's stop
/// reports (traps.md N1). The child is in our process group, so that a terminal's signals reach both; it has our
/// descriptors but for those that are close-on-exec, an empty signal mask, default actions for signals that we
/// handle, and SIGPIPE at its default, which the runtime ignores.
///
/// <para>The runtime raises the soft limit of open files to the hard limit when it starts; the child inherits that.</para>
/// </remarks>
internal static class TargetLauncher
{
    /// <summary>
    /// Starts the child, which waits. Call this on the tracer's thread: the child is that thread's, and waitpid with
    /// __WNOTHREAD finds it nowhere else. Before it executes its program the child's exit signal is 0, so waiting for
    /// it takes __WALL.
    /// </summary>
    /// <exception cref="ArgumentException">A string holds a NUL, or there are no arguments.</exception>
    /// <exception cref="SyscallException">A process, descriptor or memory could not be had; nothing is left behind.</exception>
    internal static LaunchedTarget Fork(LaunchRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        var strings = new LaunchData(request);
        (SafeFileHandle releaseRead, SafeFileHandle releaseWrite) = Descriptors.Pipe(nonBlocking: false);
        SafeFileHandle? errorRead = null;
        try
        {
            using (releaseRead)
            {
                (errorRead, SafeFileHandle errorWrite) = Descriptors.Pipe(nonBlocking: true);
                using (errorWrite)
                    return Start(request, strings, releaseRead, releaseWrite, errorRead, errorWrite);
            }
        }
        catch
        {
            releaseWrite.Dispose();
            errorRead?.Dispose();
            throw;
        }
    }

    private static LaunchedTarget Start(LaunchRequest request, LaunchData strings, SafeFileHandle releaseRead,
        SafeFileHandle releaseWrite, SafeFileHandle errorRead, SafeFileHandle errorWrite)
    {
        using SafeFileHandle? input = Copy(request.StandardInput);
        using SafeFileHandle? output = Copy(request.StandardOutput);
        using SafeFileHandle? error = Copy(request.StandardError);
        using AnonymousMapping block = BareProcess.Map(strings.Size);
        strings.WriteTo(block);
        nint data = BareProcess.DataOf(block);
        Marshal.WriteInt32(data + LauncherCode.ReleaseRead, Number(releaseRead));
        Marshal.WriteInt32(data + LauncherCode.ReleaseWrite, Number(releaseWrite));
        Marshal.WriteInt32(data + LauncherCode.ErrorWrite, Number(errorWrite));
        Marshal.WriteInt32(data + LauncherCode.Standard0, Number(input));
        Marshal.WriteInt32(data + LauncherCode.Standard1, Number(output));
        Marshal.WriteInt32(data + LauncherCode.Standard2, Number(error));
        int processId = BareProcess.Start(block, sharesDescriptors: false, LauncherCode.EmitBody);
        return new LaunchedTarget(processId, releaseWrite, errorRead);
    }

    private static SafeFileHandle? Copy(int? descriptor) => descriptor is int number ? Descriptors.Duplicate(number) : null;

    private static int Number(SafeFileHandle? handle) => handle is null ? -1 : (int)handle.DangerousGetHandle();
}
