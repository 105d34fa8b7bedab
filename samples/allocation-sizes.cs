#:project ../src/Uprobes/Uprobes.csproj
// Which sizes does a program ask malloc for, and how often does it call what? Prints both to standard error when the program has ended.
// usage: dotnet run samples/allocation-sizes.cs -- PROGRAM ARGUMENT...
using Uprobes;

using var session = UprobeSession.Launch(args[0], args[1..]);
using var sizes = session.Entry("libc", "malloc").Histogram(p => p.Arg(0));
using var calls = session.Entry("libc", "[cm]alloc").GroupBy(p => p.Function).Count();
session.Start();
await session.Completion;
Console.Error.Write(sizes.Value);
foreach ((string function, long count) in calls.Value.OrderBy(c => c.Key))
    Console.Error.WriteLine($"{function} {count}");
return session.LaunchedExitCode ?? 0;
