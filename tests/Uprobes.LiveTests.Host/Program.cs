using Microsoft.Win32.SafeHandles;
using Uprobes.Arming.Trap.X64;

// A process for tests to kill, or to look at undisturbed by other tests.
//
//   trap PID COUNT ADDRESS...   starts a guardian, writes COUNT traps 16 bytes apart from each address into the
//                               process, says "armed GUARDIAN", and waits
//   dispose ROUNDS              starts and disposes guardians; says what is left
//   hold PATH                   launches a program that is never released, says "held PID", and waits
switch (args[0])
{
    case "trap":
        using (SafeFileHandle memory = File.OpenHandle($"/proc/{args[1]}/mem", FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite))
        using (Guardian guardian = Guardian.Start())
        {
            byte[] original = new byte[1];
            foreach (string first in args[3..])
            {
                for (int index = 0; index < int.Parse(args[2]); index++)
                {
                    ulong address = Convert.ToUInt64(first, 16) + 16 * (ulong)index;
                    RandomAccess.Read(memory, original, (long)address);
                    guardian.Add((int)memory.DangerousGetHandle(), address, original[0]);
                    RandomAccess.Write(memory, [0xCC], (long)address);
                }
            }
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
        Console.WriteLine(before);
        Console.WriteLine(Belongings());
        return 0;

    case "hold":
        using (LaunchedTarget held = TargetLauncher.Fork(new LaunchRequest { Path = args[1], Arguments = [args[1]] }))
        {
            Console.WriteLine($"held {held.ProcessId}");
            Console.ReadLine();
        }
        return 0;

    default:
        return 2;
}

// Descriptors, shared anonymous mappings, and children, as one line of numbers.
static string Belongings()
{
    int descriptors = Directory.GetFiles("/proc/self/fd").Length;
    int mappings = File.ReadLines("/proc/self/maps").Count(line => line.Contains("/dev/zero", StringComparison.Ordinal));
    string children = string.Join(' ', Directory.GetDirectories("/proc/self/task").Select(task => File.ReadAllText(task + "/children")));
    return $"{descriptors} descriptors, {mappings} mappings, children: {children.Trim()}";
}
