namespace Uprobes.Tool.CommandLine;

/// <summary>What --help says beyond the options: tasks, examples, notes.</summary>
internal static class HelpTexts
{
    /// <summary>What the tool is.</summary>
    public const string RootDescription =
        "Asks a running program which functions it calls, with what and for how long, without root and without a restart.";

    /// <summary>What trace does.</summary>
    public const string TraceDescription = "Shows every call of some functions: when, by which thread, with which arguments; with -r also what it returned and how long it took.";

    /// <summary>What count does.</summary>
    public const string CountDescription = "Counts the calls of some functions, and shows the counts at the end.";

    /// <summary>What list does.</summary>
    public const string ListDescription = "Lists functions that can be probed: file offset, size in bytes, name. No process is stopped for it.";

    /// <summary>Below the help of all commands.</summary>
    public const string RootTasks = """
        Tasks:
          See the calls of a function       uprobe trace -p PID libc:malloc
          With return values and times      uprobe trace -p PID libc:malloc -r
          From a program's very start       uprobe trace -c 'sqlite3 :memory: "select 1"' 'libsqlite3:sqlite3_*'
          Find what is called most          uprobe count -p PID 'libssl:SSL_*' -d 5
          Find a function's name            uprobe list -p PID '*alloc*'
          Feed another program              uprobe trace -p PID libc:open --format s -f json | jq .

        Notes:
          IMAGE is a library as you call it (libc, libssl.so.3) or a path. FUNCTION may be a pattern with * ? [...]; quote it.
          Processes of the same user can be probed without root where the kernel lets a debugger attach to them.
          Ctrl-C removes all probes. `uprobe COMMAND --help` tells more.

        """;

    /// <summary>Below the help of trace.</summary>
    public const string Trace = """
        Examples:
          uprobe trace -p 4242 libc:malloc
              every malloc of process 4242, with three arguments in hexadecimal
          uprobe trace -p 4242 libc:malloc libc:free -r --format x
              one argument each, return values and durations
          uprobe trace -c 'sqlite3 :memory: "select 1"' 'libsqlite3:sqlite3_*'
              start a command and see its calls from the first on
          uprobe trace libc:getenv -r --format s=s -- ls -l
              the strings that getenv is asked for and what it gives
          uprobe trace -p 4242 ./server:handle_request+0x1c -n 10
              an instruction inside a function, ten times

        Notes:
          A line is: seconds since the start, process/thread, function(arguments), with -r = value <duration>.
          With -r a line appears when the call returns, and its time is that of the entry.
          Results go to standard output, everything else to standard error.
          Exit code: that of the command with -c; 0 after Ctrl-C; 1 when a probe is refused; 2 for a wrong command line.

        """;

    /// <summary>Below the help of count.</summary>
    public const string Count = """
        Examples:
          uprobe count -p 4242 libc:malloc
              count until Ctrl-C
          uprobe count -p 4242 'libssl:SSL_*' -d 10
              which functions of a library are called within ten seconds
          uprobe count -p 4242 'libc:*alloc' -i 1
              the counts so far, every second
          uprobe count -c 'sqlite3 :memory: "select 1"' 'libsqlite3:sqlite3_*' -f json
              a command from start to end, as JSON

        Notes:
          Functions that were not called are hidden unless --all is given.
          Functions that a pattern matches but that cannot be probed are told on standard error; -v tells each.
          Exit code: that of the command with -c; 0 after Ctrl-C; 1 when a probe is refused; 2 for a wrong command line.

        """;

    /// <summary>Below the help of list.</summary>
    public const string List = """
        Examples:
          uprobe list /usr/bin/python3 'PyDict_*'
              functions of a program by pattern
          uprobe list libc 'mem*'
              functions of a library
          uprobe list -p 4242 '*ssl*'
              in everything that process 4242 maps; names come as IMAGE:FUNCTION
          uprobe list -p 4242 libc:malloc -f json
              one function of one library of a process, as JSON

        Notes:
          The offset is a position in the file; IMAGE:0xOFFSET probes it.
          (indirect) marks functions that pick their implementation when first called; probe the implementation.

        """;
}
