using Uprobes.LiveTests.Kit;

namespace Uprobes.LiveTests.Torture;

/// <summary>The programs that nobody wrote for these tests, each with a script that is short enough for a stop at every call.</summary>
internal static class Workloads
{
    private const string Libraries = "/lib/x86_64-linux-gnu/";

    /// <summary>
    /// Python keeps what it looks up by the addresses of objects, so that these must be the same each time: the heap alone gives
    /// memory then, and no mapping, whose place depends on what else is mapped; and it loads no extension modules.
    /// </summary>
    private const string PythonEnvironment = "PYTHONHOME=/usr PYTHONHASHSEED=0 PYTHONMALLOC=malloc MALLOC_MMAP_THRESHOLD_=33554432";

    /// <summary>Runs that make the same calls each time.</summary>
    public static PrivateProgram Create(string name) => name switch
    {
        // When a child ends is chance, and with it how often the shell looks for it: so no children.
        "bash" => Bash(("i < 20000", "i < 100"), ("i < 40", "i < 0"), ("( exit 7 )", "false"),
            ("printf '%s\\n' \"${text//1/one}\" | { read -r line; echo \"${#line} $sum\"; }", "printf '%s %s\\n' \"${text//1/one}\" \"$sum\"")),
        "python3" => new PrivateProgram("/usr/bin/python3.11", [Libraries + "libc.so.6"], "-S -B {script}",
            Script("workload.py", ("40000", "100"), ("5000", "50"), ("fibonacci(23)", "fibonacci(9)"),
            ("import hashlib\n", "import sys\nsys.modules['_hashlib'] = sys.modules['_json'] = None\nimport hashlib\n")), PythonEnvironment),
        "sqlite3" => new PrivateProgram("/usr/bin/sqlite3", [Libraries + "libc.so.6", "/usr/lib/x86_64-linux-gnu/libsqlite3.so.0"],
            "-batch -init {script} :memory: .quit", Script("workload.sql", ("60000", "400"), ("a.id < 3000", "a.id < 30"), ("b.id > 50000", "b.id > 300"))),
        _ => throw new ArgumentException($"no workload {name}", nameof(name)),
    };

    /// <summary>The shell with subshells, pipes and command substitutions: its output is always the same, its calls are not.</summary>
    public static PrivateProgram BashWithChildren() => Bash(("i < 20000", "i < 50"), ("i < 40", "i < 10"));

    /// <summary>The small shell, which starts programs with vfork.</summary>
    public static PrivateProgram DashWithPrograms() => new("/bin/dash", [Libraries + "libc.so.6"], "{script}", """
        for i in 1 2 3; do /bin/echo $i; done
        /bin/cat $0 | /usr/bin/wc -c
        x=$(/bin/echo seven) && echo $x
        /bin/false || exit 3
        """);

    /// <summary>Programs with several threads that always write the same.</summary>
    public static PrivateProgram CreateThreaded(string name) => name switch
    {
        "xz" => new PrivateProgram("/usr/bin/xz", [Libraries + "libc.so.6", Libraries + "liblzma.so.5"], "-T4 --block-size=4KiB -c {script}",
            string.Concat(Enumerable.Range(0, 4000).Select(i => $"{i * 7919 % 10007} "))),
        "python3" => new PrivateProgram("/usr/bin/python3.11", [Libraries + "libc.so.6"], "-S -B {script}", """
            import queue, threading, zlib
            todo, done = queue.Queue(), {}
            def work():
                while (n := todo.get()) is not None:
                    done[n] = zlib.crc32(b'%d' % n * 100)
            threads = [threading.Thread(target=work) for _ in range(8)]
            for t in threads: t.start()
            for n in range(400): todo.put(n)
            for t in threads: todo.put(None)
            for t in threads: t.join()
            print(len(done), sum(done.values()))
            """, "PYTHONHOME=/usr"),
        _ => throw new ArgumentException($"no workload {name}", nameof(name)),
    };

    /// <summary>Test cases of python's own suite: each says in a line how it ended.</summary>
    /// <param name="names">Modules, classes and methods, with blanks between; see <c>suite.py</c>.</param>
    public static PrivateProgram PythonSuite(string names) =>
        new("/usr/bin/python3.11", [Libraries + "libc.so.6"], "-B {script} " + names, File.ReadAllText(Targets.Script("suite.py")), "PYTHONHOME=/usr PYTHONHASHSEED=0");

    private static PrivateProgram Bash(params (string Long, string Short)[] replacements) =>
        new("/bin/bash", [Libraries + "libc.so.6"], "--norc {script}", Script("workload.sh", replacements));

    private static string Script(string file, params (string Long, string Short)[] replacements)
    {
        string text = File.ReadAllText(Targets.Script(file));
        foreach ((string full, string small) in replacements)
        {
            Assert.Contains(full, text, StringComparison.Ordinal);
            text = text.Replace(full, small, StringComparison.Ordinal);
        }

        return text;
    }
}
