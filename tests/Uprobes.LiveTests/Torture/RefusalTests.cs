using Uprobes.Images;
using Uprobes.LiveTests.Kit;
using Uprobes.Registry;

namespace Uprobes.LiveTests.Torture;

/// <summary>Of all functions of the machine's large libraries, which cannot be probed, and why.</summary>
public sealed class RefusalTests(ITestOutputHelper output)
{
    private static readonly string[] Files =
    [
        "/bin/bash", "/usr/bin/python3.11", "/usr/bin/sqlite3", "/usr/bin/xz", "/lib64/ld-linux-x86-64.so.2",
        .. new[] { "libc.so.6", "libm.so.6", "libstdc++.so.6", "libsqlite3.so.0", "libcrypto.so.3", "libssl.so.3", "libz.so.1", "liblzma.so.5", "libgcc_s.so.1", "libtinfo.so.6" }
            .Select(name => "/usr/lib/x86_64-linux-gnu/" + name),
    ];

    [Fact]
    public void Of_all_functions_of_large_libraries_only_the_signal_return_is_refused()
    {
        using TargetProcess target = TargetProcess.StartTarget("calls-pie");
        using UprobeSession session = UprobeSession.Attach(target.Pid);
        int functions = 0;
        foreach (string file in Files.Where(File.Exists))
        {
            using ElfImage image = ElfImage.Open(file);
            ProbeRequest[] requests = [.. image.Functions.All.DistinctBy(f => f.Offset)
                .Select(f => new ProbeRequest(ProbePoint.At(file, f.Offset, f.Name), Handlers: new ProbeHandlers { Pre = _ => { } }))];
            RegistrationResult result = session.RegisterAll(requests);
            session.UnregisterAll(result.Registrations);
            functions += requests.Length;
            output.WriteLine($"{file}: {requests.Length} functions, {result.Refusals.Count} refused");
            foreach (ProbeRefusal refusal in result.Refusals)
            {
                output.WriteLine($"  {refusal}");
                Assert.Equal(ProbeRefusalReason.UnsafeLocation, refusal.Reason);
                Assert.EndsWith("__restore_rt", refusal.Point, StringComparison.Ordinal);
            }
        }

        Assert.InRange(functions, 5000, int.MaxValue);
        target.Quit();
    }
}
