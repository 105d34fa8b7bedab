using System.Text.RegularExpressions;
using Uprobes.LiveTests.Kit;

namespace Uprobes.LiveTests.Conformance;

/// <summary>Scripts in the manner of those that are passed around, from tests/conformance/programs, on programs that everybody has.</summary>
public sealed class ProgramScriptTests
{
    private const string Python = "/usr/bin/python3", Sqlite = "/usr/bin/sqlite3", Bash = "/bin/bash", Script = "/usr/bin/script", Rows = @"([\[(][^|]* \d+ \|@* *\|\n)+";

    private static string Folder => Path.Combine(Checkout.Root, "tests", "conformance", "programs");

    public static TheoryData<string, string, string, string> Runs
    {
        get
        {
            (string Script, string Program, string Command, string Output)[] runs =
            [
                ("hosts", Python, $"{Python} -c 'import socket; socket.getaddrinfo(\"127.0.0.1\", 80); socket.getaddrinfo(\"::1\", 443)'",
                    @"^PID    PROGRAM         HOST\n\d+ +python3 +127\.0\.0\.1 answered\n\d+ +python3 +::1 answered\n\n\n$"),
                ("blocks", Sqlite, $"{Sqlite} :memory: 'select 6*7'",
                    @"^some blocks are alive\n\n\n@frees: \d+\n@mallocs: \d+\n@most: \d+\n@sizes:\n(\[.*\) +\d+ \|@* *\|\n|\[[01]\] +\d+ \|@* *\|\n)+\n$"),
                ("statements", Sqlite, $"{Sqlite} :memory: 'create table t(a)' 'insert into t values (1), (2), (3)' 'select a from t'",
                    @"^insert into t values \(1\), \(2\), \(3\)\n\n\n@done: \d+\n(@kinds\[[A-Za-z]{4}\]: \d+\n)+@rows: \d+\n$"),
                ("commands", Bash, $"{Bash} --norc -c 'f() {{ :; }}; f; f; true; f'", @"^\n\n@found: 3\n(@looked\[(true|f|:)\]: \d+\n)+$"),
                ("threads", Python, $"{Python} -c 'import threading; t = [threading.Thread(target=print) for i in range(3)]; [x.start() for x in t]; [x.join() for x in t]'",
                    @"^(python3 starts a thread in \S+\n){3}\n\n@begun\[\S+\]: 3\n$"),
                ("typed", Script, $"sh -c \"printf 'echo one\\nfalse | cat\\nexit\\n' | HISTFILE= {Script} -qec '{Bash} --norc -i' /dev/null\"",
                    $@"^LINE   TEXT\n1      echo one\n2      false \| cat\n3      exit\n\n\n@thought_ms:\n{Rows}\n$"),
                ("lookups", Python, $"{Python} -c 'import socket; [socket.getaddrinfo(h, 80, flags=socket.AI_NUMERICHOST) for h in (\"127.0.0.1\", \"::1\", \"127.0.0.1\")]; socket.getaddrinfo(\"no address\", 80, flags=socket.AI_NUMERICHOST)'",
                    @"^\n\n@failed\[no address, -2\]: 1\n(@us\[(127\.0\.0\.1|::1)\]: \{ \.count = [12], \.average = \d+, \.total = \d+ \}\n){2}$"),
                ("locks", Sqlite, $"{Sqlite} :memory: 'select 6*7'",
                    $@"^locks of all\n@holders\[\n( +\S+\n){{1,3}}\]: \d+\n\n\n@held_ns\[sqlite3\]:\n{Rows}\n$"),
                ("secrets", Python, $"{Python} {Path.Combine(Folder, "handshake.py")}",
                    $@"^python3: GET /secret\n\n\n@bytes: 11\n(@results\[-?1\]: 3\n){{2}}@us\[SSL_do_handshake\]:\n{Rows}\n$"),
                ("imports", Python, $"{Python} -c 'import gc, colorsys; gc.collect()'",
                    $@"^colorsys is there\n\n\n(@generations\[\d\]: \d+\n)+(@us\[(found|missing)\]:\n{Rows}\n)+$"),
            ];
            TheoryData<string, string, string, string> data = [];
            foreach ((string script, string program, string command, string output) in runs)
                data.Add(script, program, command, output);
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Runs))]
    public void Scripts_tell_of_real_programs(string script, string program, string command, string expected)
    {
        Require.InstalledFile(program);
        string path = Path.Combine(Folder, script + ".bt");
        string output = Path.GetTempFileName(); // the command has its own output
        try
        {
            foreach (string engine in (string[])["auto", "trap"])
            {
                CommandResult result = UprobeCommand.Run("run", "-q", "--engine", engine, "-o", output, path, "-c", command);
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
}
