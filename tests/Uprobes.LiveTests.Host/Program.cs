using Microsoft.Win32.SafeHandles;
using Uprobes;
using Uprobes.Arming.Trap.X64;
using Uprobes.Linux;
using Uprobes.LiveTests.Host;
using Uprobes.Processes;

// A process for tests to kill, or to look at undisturbed by other tests.
//
//   trap COUNT PID...           starts a guardian, writes COUNT traps 16 bytes apart into each process's text at
//                               0x10000000, says "armed GUARDIAN", and waits
//   dispose ROUNDS              starts and disposes guardians; says what is left
//   stop PID                    traces the process until its first SIGTRAP, says "stopped SIGNAL", and waits with the
//                               process in that stop
//   probe PID IMAGE FUNCTION    probes a function of a running process and lets go again; says "probed 1", or
//                               "refused REASON MESSAGE", and how many descriptors are left that were not there
//   hold PATH                   launches a program that is never released, says "held PID", and waits
//
// and with a session, as SessionVerbs says:
//
//   arm PID HANDLERS   IMAGE:FUNCTION...         attaches and registers, says "armed COUNT", and waits
//   cycle PID HANDLERS IMAGE:FUNCTION...         does that and takes it back for ever; says "cycle N" each time
//   steps PID HANDLERS STEP:TIME IMAGE:FUNCTION  does that once and kills itself at the given time of a step, or says "steps NAME=COUNT,..."
//   launch START PROGRAM IMAGE:FUNCTION...       launches and registers; with START "start" lets it run; says "launched PID" and waits
//   guard PID HANDLERS IMAGE:FUNCTION...         as arm, and says "guardian PID" for the first and each later guardian
// and with programs that run in the targets, as InlineVerbs says:
//
//   inline PID,... STEP:TIME ROUNDS IMAGE:PATTERN...   arms and disarms over and over, and kills itself at the given time of a step
//   detached PID,... STEP:TIME ROUNDS IMAGE:PATTERN... the same, without staying attached
switch (args[0])
{
    case "trap":
        using (Guardian guardian = Guardian.Start())
        {
            foreach (string process in args[2..])
                Trap(guardian, process, int.Parse(args[1]));
            Console.WriteLine($"armed {guardian.ProcessId}");
            Console.ReadLine();
        }
        return 0;

    case "dispose":
        string before = "";
        for (int round = -1; round < int.Parse(args[1]); round++)
        {
            using (Guardian guardian = Guardian.Start())
            {
                if (!guardian.IsAlive || !Directory.Exists($"/proc/{guardian.ProcessId}"))
                    return 1;
                guardian.Remove(guardian.Add(0, 0x1000, 0x90));
            }
            if (round == -1)
                before = Belongings(); // Whatever the runtime sets up by a first use is there by now.
        }
        string after = Belongings(); // Before anything is written, for which the runtime opens descriptors.
        Console.WriteLine(before);
        Console.WriteLine(after);
        return 0;

    case "stop":
        int traced = int.Parse(args[1]);
        if (HostNative.ptrace(HostNative.PTRACE_SEIZE, traced, 0, 0) != 0)
            return 1;
        Console.WriteLine("tracing 1");
        LibC.waitpid(traced, out int stop, LibC.__WALL);
        Console.WriteLine($"stopped {stop >> 8}");
        Console.ReadLine();
        return 0;

    case "probe":
        Probe(int.Parse(args[1]), args[2], args[3]);
        return 0;

    case "hold":
        using (LaunchedTarget held = TargetLauncher.Fork(new LaunchRequest { Path = args[1], Arguments = [args[1]] }))
        {
            Console.WriteLine($"held {held.ProcessId}");
            Console.ReadLine();
        }
        return 0;

    case "arm" or "cycle" or "steps" or "launch" or "guard":
        return SessionVerbs.Run(args[0], args[1..]);

    case "inline":
        return InlineVerbs.Run(args[1], args[2], int.Parse(args[3]), args[4..], TracerPresence.Attached);

    case "detached":
        return InlineVerbs.Run(args[1], args[2], int.Parse(args[3]), args[4..], TracerPresence.Detached);

    default:
        return 2;
}

static void Probe(int process, string image, string function)
{
    string answer;
    try
    {
        using UprobeSession session = UprobeSession.Attach(process);
        session.Register(ProbePoint.At(image, function), new ProbeHandlers { Pre = static _ => { } }).Dispose();
        answer = "probed 1";
    }
    catch (AttachException e)
    {
        answer = $"refused {e.Reason} {e.Message} {e.Hint}";
    }
    catch (ProbeRefusedException e)
    {
        answer = $"refused {e.Refusal.Reason} {e.Message}";
    }

    int left = new DirectoryInfo("/proc/self/fd").GetFiles()
        .Count(file => file.LinkTarget is { } link && (link.StartsWith("/proc", StringComparison.Ordinal) || link.EndsWith(image, StringComparison.Ordinal)));
    Console.WriteLine(answer);
    Console.WriteLine($"left {left}");
}

// The descriptor of the process's memory stays open, as the guardian needs it.
static void Trap(Guardian guardian, string process, int count)
{
    SafeFileHandle memory = File.OpenHandle($"/proc/{process}/mem", FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
    byte[] original = new byte[1];
    for (int index = 0; index < count; index++)
    {
        ulong address = 0x1000_0000 + 16 * (ulong)index;
        RandomAccess.Read(memory, original, (long)address);
        guardian.Add((int)memory.DangerousGetHandle(), address, original[0]);
        RandomAccess.Write(memory, [0xCC], (long)address);
    }
}

// Descriptors but for those of assemblies that the runtime loads when it pleases, shared anonymous mappings, and children, as one line of numbers.
static string Belongings()
{
    int descriptors = new DirectoryInfo("/proc/self/fd").GetFiles()
        .Count(file => file.LinkTarget?.EndsWith(".dll", StringComparison.Ordinal) != true);
    int mappings = File.ReadLines("/proc/self/maps").Count(line => line.Contains("/dev/zero", StringComparison.Ordinal));
    string children = string.Join(' ', Directory.GetDirectories("/proc/self/task").Select(task => File.ReadAllText(task + "/children")));
    return $"{descriptors} descriptors, {mappings} mappings, children: {children.Trim()}";
}
