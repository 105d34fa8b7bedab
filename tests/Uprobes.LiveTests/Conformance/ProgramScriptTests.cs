using System.Text.RegularExpressions;
using Uprobes.LiveTests.Kit;

namespace Uprobes.LiveTests.Conformance;

/// <summary>Scripts in the manner of those that are passed around, from tests/conformance/programs, on programs that everybody has.</summary>
public sealed class ProgramScriptTests
{
    private const string Python = "/usr/bin/python3", Sqlite = "/usr/bin/sqlite3", Bash = "/bin/bash";

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
        string path = Path.Combine(Checkout.Root, "tests", "conformance", "programs", script + ".bt");
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
