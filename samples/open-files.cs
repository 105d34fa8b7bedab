#:project ../src/Uprobes/Uprobes.csproj
// Which files does a program open, and how did it end? Starts the program and follows it and its children from their first instruction.
// usage: dotnet run samples/open-files.cs -- PROGRAM ARGUMENT...
using Uprobes;

using var session = UprobeSession.Launch(args[0], args[1..]);
session.RegisterReturn(ProbePoint.At("libc", "open64"), new ReturnHandlers
{
    Entry = call => call.ReadString(new(call.Arg(0))),
    Return = call => Console.Error.WriteLine($"{call.ProcessId}: {call.State} = {(int)call.ReturnValue}"),
});
session.Start();
await session.Completion;
return session.LaunchedExitCode ?? 0;
