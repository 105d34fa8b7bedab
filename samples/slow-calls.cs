#:project ../src/Uprobes/Uprobes.csproj
// Which calls of a function take longer than a time? Starts a program and prints them to standard error as they return.
// usage: dotnet run samples/slow-calls.cs -- IMAGE FUNCTION MICROSECONDS PROGRAM ARGUMENT...
using Uprobes;

long limit = long.Parse(args[2], null) * 1000;
using var session = UprobeSession.Launch(args[3], args[4..]);
using var slow = session.Calls(args[0], args[1])
    .Where(c => c.DurationNanoseconds >= limit)
    .Select(c => new Call(c.ThreadId, c.Function, c.Arg(0), c.SignedReturnValue, c.DurationNanoseconds))
    .Start();
session.Start();
await foreach (Call call in slow)
    Console.Error.WriteLine($"{call.Thread}: {call.Function}({call.Argument}) = {call.Result} in {call.Nanoseconds / 1000} us");
if (slow.Losses.Missing > 0)
    Console.Error.WriteLine($"{slow.Losses.Missing} calls were lost");
return session.LaunchedExitCode ?? 0;

internal sealed record Call(int Thread, string Function, ulong Argument, long Result, long Nanoseconds);
