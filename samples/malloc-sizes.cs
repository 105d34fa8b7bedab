#:project ../src/Uprobes/Uprobes.csproj
// Which sizes does a running program ask malloc for? Prints the ten most frequent after five seconds.
// usage: dotnet run samples/malloc-sizes.cs PID
using Uprobes;

Dictionary<ulong, int> sizes = [];
using (var session = UprobeSession.Attach(int.Parse(args[0], null)))
{
    // Handlers run one at a time, on the session's tracer thread: the dictionary needs no lock.
    session.Register(ProbePoint.At("libc", "malloc"), new ProbeHandlers { Pre = hit => sizes[hit.Arg(0)] = sizes.GetValueOrDefault(hit.Arg(0)) + 1 });
    await Task.WhenAny(session.Completion, Task.Delay(TimeSpan.FromSeconds(5)));
}

foreach ((ulong size, int count) in sizes.OrderByDescending(s => s.Value).Take(10))
    Console.WriteLine($"{count,8}  {size} bytes");
