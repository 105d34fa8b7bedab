using System.Text.RegularExpressions;
using Uprobes.LiveTests.Kit;

namespace Uprobes.LiveTests.Conformance;

/// <summary>bpftrace's own tools that probe programs, as Debian's package installs them, run as they are.</summary>
public sealed class PublicScriptTests
{
    private const string Python = "/usr/bin/python3", Bash = "/bin/bash", Terminal = "/usr/bin/script", Time = @"\d\d:\d\d:\d\d",
        Threads = "'import threading; t = [threading.Thread(target=print) for i in range(3)]; [x.start() for x in t]; [x.join() for x in t]'",
        Rows = @"([\[(][^|\n]* \d+ \|@* *\|\n)+", Numbers = @"\{ \.count = 3, \.average = \d+, \.total = \d+ \}";

    private static readonly StartOptions WhatThereIs = new() { Environment = new Dictionary<string, string?> { ["BPFTRACE_MISSING_PROBES"] = "ignore" } };

    private static string Handshake => Path.Combine(Checkout.Root, "tests", "conformance", "programs", "handshake.py");

    public static TheoryData<string, string, string, string> Runs => new()
    {
        {
            "bashreadline", Terminal, $"sh -c \"printf 'echo one\\nfalse | cat\\nexit\\n' | HISTFILE= {Terminal} -qec '{Bash} --norc -i' /dev/null\"",
            $@"^Tracing bash commands\.\.\. Hit Ctrl-C to end\.\nTIME      PID    COMMAND\n{Time}  (\d+) +echo one\n{Time}  \1 +false \| cat\n{Time}  \1 +exit\n\n\n$"
        },
        {
            "gethostlatency", Python, $"{Python} -c 'import socket; [socket.getaddrinfo(h, 80, flags=socket.AI_NUMERICHOST) for h in (\"127.0.0.1\", \"::1\")]'",
            $@"^Tracing getaddr/gethost calls\.\.\. Hit Ctrl-C to end\.\nTIME      PID    COMM              LATms HOST\n{Time}  (\d+) +python3 +\d+ 127\.0\.0\.1\n{Time}  \1 +python3 +\d+ ::1\n\n\n$"
        },
        {
            "threadsnoop", Python, $"{Python} -c {Threads}",
            @"^TIME\(ms\)   PID    COMM             FUNC\n(\d+ +\d+ +python3 +\S+\n){3}\n\n$"
        },
        {
            "sslsnoop", Python, $"{Python} {Handshake}",
            @"^Tracing SSL/TLS handshake\.\.\. Hit Ctrl-C to end\.\nTIME\(us\)   TID      COMM     LAT\(us\)   RET FUNC\n(\d+ +\d+ +python3 +\d+ +-1 SSL_do_handshake\n){3}(\d+ +\d+ +python3 +\d+ +1 SSL_do_handshake\n){3}\n\n$"
        },
        {
            "ssllatency", Python, $"{Python} {Handshake}",
            $@"^Tracing SSL/TLS handshake\.\.\. Hit Ctrl-C to end\.\n\nLatency distribution in microsecond:\n\n@hist\[SSL_do_handshake\]:\n{Rows}\n@histF\[SSL_do_handshake\]:\n{Rows}\n@stat\[SSL_do_handshake\]: {Numbers}\n@statF\[SSL_do_handshake\]: {Numbers}\n$"
        },
    };

    /// <remarks>The last two name functions that libraries without symbol tables do not show, which both tools refuse unless they are told not to.</remarks>
    [Theory]
    [MemberData(nameof(Runs))]
    public void They_run_unchanged(string name, string program, string command, string expected)
    {
        Require.InstalledFile(program);
        string script = Require.InstalledFile($"/usr/sbin/{name}.bt");
        string output = Path.GetTempFileName(); // the command has its own output
        try
        {
            foreach (string engine in (string[])["auto", "trap"])
            {
                CommandResult result = UprobeCommand.Run(WhatThereIs, "run", "-q", "--engine", engine, "-o", output, script, "-c", command);
                Assert.True(result.Exit == new ExitStatus(0, null), $"{engine}: {result.Exit}: {result.Errors}");
                string written = File.ReadAllText(output);
                Assert.True(Regex.IsMatch(written, expected), $"{engine} writes:\n{written}\n{result.Errors}");
            }
        }
        finally
        {
            File.Delete(output);
        }
    }

    /// <summary>Functions of threads moved into the C library; scripts that name both places mean the one that there is.</summary>
    [Theory]
    [InlineData("uprobe:libpthread:pthread_create { @++; }")]
    [InlineData("uprobe:libpthread:pthread_create, uprobe:libc:pthread_create { @++; }")]
    [InlineData("uprobe:libc:pthread_create { @++; } uprobe:/lib/x86_64-linux-gnu/libpthread.so.0:pthread_create { @++; }")]
    public void A_function_that_may_be_in_either_of_two_libraries_is_counted_once(string script)
    {
        Require.InstalledFile(Python);
        CommandResult result = UprobeCommand.Run(WhatThereIs, "run", "-q", "-e", script, "-c", $"{Python} -c {Threads}");
        Assert.True(result.Exit == new ExitStatus(0, null), result.Errors);
        Assert.Contains("@: 3\n", result.Output, StringComparison.Ordinal);
    }
}
