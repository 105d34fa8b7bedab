using System.Runtime.InteropServices;
using System.Text;
using Uprobes.Linux;

namespace Uprobes.LiveTests.Kit;

/// <summary>
/// A program started by a test, with pipes on its three streams. Every wait has a deadline and says what the program has
/// written so far when it passes. Nothing here waits on the process before its end is certain (a pidfd tells), so a tracer
/// in the same test process gets every one of its stops. Not thread-safe; disposing kills the program and reaps it.
/// </summary>
public sealed class TargetProcess : IDisposable
{
    private const int SIGKILL = 9;
    private const nint PidfdOpen = 434;
    private readonly string command;
    private readonly LineBuffer output, errors;
    private readonly int pidDescriptor;
    private int input;
    private ExitStatus? exit;
    private bool disposed;

    private TargetProcess(int pid, string command, int pidDescriptor, int input, int output, int errors)
    {
        Pid = pid;
        this.command = command;
        this.pidDescriptor = pidDescriptor;
        this.input = input;
        this.output = new LineBuffer(output);
        this.errors = new LineBuffer(errors);
    }

    public int Pid { get; }

    /// <summary>All of standard output that has been read so far.</summary>
    public string Output => output.Text;

    /// <summary>All of standard error that has been read so far.</summary>
    public string Errors => errors.Text;

    /// <summary>Starts a program and returns at once. A name without a slash is looked for in PATH.</summary>
    public static TargetProcess Start(string path, params string[] arguments) => Start(new StartOptions(), path, arguments);

    /// <inheritdoc cref="Start(string, string[])"/>
    public static unsafe TargetProcess Start(StartOptions options, string path, params string[] arguments)
    {
        int* ends = stackalloc int[6];
        for (int i = 0; i < 6; i++)
            ends[i] = -1;
        try
        {
            for (int stream = 0; stream < 3; stream++)
            {
                if (Native.Pipe(ends + (2 * stream), Native.O_CLOEXEC) != 0)
                    throw new SyscallException("pipe2", Marshal.GetLastPInvokeError());
            }

            string command = string.Join(' ', [path, .. arguments]);
            int pid = Spawner.Start(path, arguments, options, ends[0], ends[3], ends[5]);
            Ledger.Started(pid, command);
            int pidDescriptor = (int)Native.SystemCall(PidfdOpen, pid, 0);
            if (pidDescriptor < 0)
                throw new SyscallException($"pidfd_open {pid}", Marshal.GetLastPInvokeError());
            TargetProcess process = new(pid, command, pidDescriptor, ends[1], ends[2], ends[4]);
            ends[1] = ends[2] = ends[4] = -1;
            return process;
        }
        finally
        {
            for (int i = 0; i < 6; i++)
            {
                if (ends[i] >= 0)
                    Native.Close(ends[i]);
            }
        }
    }

    /// <summary>Starts a target of tests/targets by its name and waits until it is ready for commands.</summary>
    public static TargetProcess StartTarget(string name, params string[] arguments) =>
        StartTarget(new StartOptions(), name, arguments);

    /// <inheritdoc cref="StartTarget(string, string[])"/>
    public static TargetProcess StartTarget(StartOptions options, string name, params string[] arguments)
    {
        TargetProcess process = Start(options, Targets.Path(name), arguments);
        try
        {
            process.WaitForLine("ready ");
            return process;
        }
        catch
        {
            process.Dispose(); // the caller never gets it
            throw;
        }
    }

    /// <summary>Writes a line to standard input.</summary>
    public unsafe void Send(string line)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(line + "\n");
        fixed (byte* start = bytes)
        {
            for (nint done = 0; done < bytes.Length;)
            {
                nint written = Native.Write(input, start + done, (nuint)(bytes.Length - done));
                int error = Marshal.GetLastPInvokeError();
                if (written < 0 && error != Native.EINTR)
                    throw Failure($"could not take '{line}': {Errno.Name(error)}");
                done += Math.Max(written, 0);
            }
        }
    }

    /// <summary>Closes standard input; targets take that as <c>quit</c>.</summary>
    public void CloseInput()
    {
        if (input >= 0)
            Native.Close(input);
        input = -1;
    }

    /// <summary>Sends a command to a target and returns its answer: what follows <c>result </c>.</summary>
    public string Ask(string commandLine, TimeSpan? deadline = null)
    {
        Send(commandLine);
        return WaitForLine("result ", deadline)["result ".Length..];
    }

    /// <summary>The next line of standard output that starts with the prefix; lines before it are passed over.</summary>
    public string WaitForLine(string prefix, TimeSpan? deadline = null) =>
        WaitForLine(line => line.StartsWith(prefix, StringComparison.Ordinal), deadline, $"a line '{prefix}...'");

    /// <summary>The next line of standard output that the predicate takes.</summary>
    public string WaitForLine(Predicate<string> wanted, TimeSpan? deadline = null, string what = "a certain line") =>
        WaitForLine(output, wanted, deadline, what);

    /// <summary>The next line of standard error that starts with the prefix.</summary>
    public string WaitForErrorLine(string prefix, TimeSpan? deadline = null) =>
        WaitForLine(errors, line => line.StartsWith(prefix, StringComparison.Ordinal), deadline, $"a line '{prefix}...' on standard error");

    private string WaitForLine(LineBuffer stream, Predicate<string> wanted, TimeSpan? time, string what)
    {
        Deadline deadline = Deadline.In(time);
        while (true)
        {
            while (stream.TryTakeLine(out string line))
            {
                if (wanted(line))
                    return line;
            }

            if (stream.Ended)
                throw Failure($"ended its output without {what}");
            if (deadline.HasPassed)
                throw Failure($"did not write {what} in time");
            Pump(deadline, untilExit: false);
        }
    }

    /// <summary>Waits for the end of the process and reads its streams while it does; an answer repeated gives the same.</summary>
    public ExitStatus WaitForExit(TimeSpan? deadline = null)
    {
        Deadline end = Deadline.In(deadline);
        while (exit is null)
        {
            if (Pump(end, untilExit: true))
                exit = Reap();
            else if (end.HasPassed)
                throw Failure("did not end in time");
        }

        // What it wrote last. A child that lives on may hold the pipes open, so nothing waits here for their end.
        while (Pump(Deadline.In(TimeSpan.Zero), untilExit: false))
        {
        }

        return exit.Value;
    }

    /// <summary>Whether the process has ended, as the kernel sees it now.</summary>
    public unsafe bool HasExited
    {
        get
        {
            if (exit is not null)
                return true;
            Native.PollDescriptor poll = new() { Descriptor = pidDescriptor, Events = Native.POLLIN };
            return Native.Poll(&poll, 1, 0) > 0;
        }
    }

    /// <summary>Sends a signal to the process.</summary>
    public void Signal(int signal)
    {
        if (Native.Kill(Pid, signal) != 0)
            throw new SyscallException($"kill {Pid} {signal}", Marshal.GetLastPInvokeError());
    }

    /// <summary>Sends <c>quit</c> and waits for the end.</summary>
    public ExitStatus Quit(TimeSpan? deadline = null)
    {
        Send("quit");
        return WaitForExit(deadline);
    }

    /// <summary>Reads whatever there is, or waits for something to read (or for the end of the process) until the deadline.</summary>
    /// <returns>True if something was read, or, with <paramref name="untilExit"/>, if the process has ended.</returns>
    private unsafe bool Pump(Deadline deadline, bool untilExit)
    {
        Native.PollDescriptor* polls = stackalloc Native.PollDescriptor[3];
        polls[0] = new() { Descriptor = output.Ended ? -1 : output.Descriptor, Events = Native.POLLIN };
        polls[1] = new() { Descriptor = errors.Ended ? -1 : errors.Descriptor, Events = Native.POLLIN };
        polls[2] = new() { Descriptor = untilExit ? pidDescriptor : -1, Events = Native.POLLIN };
        if (Native.Poll(polls, 3, deadline.Milliseconds) < 0)
        {
            int error = Marshal.GetLastPInvokeError();
            return error == Native.EINTR ? false : throw new SyscallException("poll", error);
        }

        if (polls[0].Returned != 0)
            output.Fill();
        if (polls[1].Returned != 0)
            errors.Fill();
        return untilExit ? polls[2].Returned != 0 : (polls[0].Returned | polls[1].Returned) != 0;
    }

    /// <summary>
    /// Takes the exit status of a process that has ended. A tracer in this very process may have taken it with its own wait;
    /// the pidfd still knows it then (Linux 6.15 and later).
    /// </summary>
    private unsafe ExitStatus Reap()
    {
        // A tracer in this process waits for the same status. It is its due: taken from it here, it would never hear of the end.
        SpinWait.SpinUntil(() => !IsTraced(), TimeSpan.FromSeconds(10));
        int status, got;
        do
            got = Native.WaitPid(Pid, &status, 0);
        while (got < 0 && Marshal.GetLastPInvokeError() == Native.EINTR);
        if (got == Pid)
        {
            Ledger.Reaped(Pid);
            return ExitStatus.FromWaitStatus(status);
        }

        int error = Marshal.GetLastPInvokeError();
        if (error != Native.ECHILD)
            throw new SyscallException($"waitpid {Pid}", error);
        Ledger.Reaped(Pid);
        Native.PidInfo info = new() { Mask = Native.PIDFD_INFO_EXIT };
        if (Native.GetPidInfo(pidDescriptor, Native.PIDFD_GET_INFO, &info) != 0 || (info.Mask & Native.PIDFD_INFO_EXIT) == 0)
            throw Failure("was reaped by somebody else, and this kernel does not tell its exit status");
        return ExitStatus.FromWaitStatus(info.ExitCode);
    }

    private bool IsTraced()
    {
        try
        {
            return ProcessSnapshot.Status(Pid)["TracerPid"] != "0";
        }
        catch (IOException)
        {
            return false; // The tracer has reaped it.
        }
    }

    private InvalidOperationException Failure(string what)
    {
        string state = exit is { } status ? status.ToString() : HasExited ? "it has ended" : ProcessSnapshot.StateOf(Pid);
        return new($"Process {Pid} ({command}) {what}; {state}.\n--- output:\n{Output}\n--- errors:\n{Errors}");
    }

    /// <summary>Kills the process and its group, reaps it and closes the pipes; what it has written stays readable.</summary>
    public void Dispose()
    {
        if (disposed)
            return;
        disposed = true;
        try
        {
            // The group first, while the process still holds its number: children that it left over go with it.
            Native.Kill(-Pid, SIGKILL);
            if (exit is null)
            {
                Native.Kill(Pid, SIGKILL); // setpriv and others may have left the group
                WaitForExit();
            }
        }
        finally
        {
            CloseInput();
            Native.Close(output.Descriptor);
            Native.Close(errors.Descriptor);
            Native.Close(pidDescriptor);
        }
    }
}
