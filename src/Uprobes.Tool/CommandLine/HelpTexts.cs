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

    /// <summary>What hist does.</summary>
    public const string HistogramDescription = "Shows how a value of the calls of some functions is distributed: an argument, what they return, what is in memory behind it.";

    /// <summary>What latency does.</summary>
    public const string LatencyDescription = "Shows how long the calls of some functions take, from entry to return, as a distribution.";

    /// <summary>What top does.</summary>
    public const string TopDescription = "Shows what functions are doing now: calls and time of each, in a table that is made anew every second.";

    /// <summary>What stack does.</summary>
    public const string StackDescription = "Shows from where functions are called: their stacks, counted or with a sum for each, the hottest first.";

    /// <summary>What flame does.</summary>
    public const string FlameDescription = "Draws from where functions are called as a flame graph: one SVG file to open in a browser.";
    /// <summary>What record does.</summary>
    public const string RecordDescription = "Records the calls of some functions as a timeline for Perfetto's viewer (ui.perfetto.dev): a slice a call on the track of its thread, with arguments and result.";

    /// <summary>What list does.</summary>
    public const string ListDescription = "Lists functions that can be probed: file offset, size in bytes, name. No process is stopped for it.";

    /// <summary>What run does.</summary>
    public const string RunDescription = "Runs a script of the bpftrace language on functions and static probes of running programs: BEGIN, END, uprobe, uretprobe, usdt, interval.";

    /// <summary>What completion does.</summary>
    public const string CompletionDescription = "Prints what a shell reads to complete commands, options, processes and functions with the Tab key.";

    /// <summary>What man does.</summary>
    public const string ManualDescription = "Prints the manual page.";

    /// <summary>Below the help of all commands.</summary>
    public const string RootTasks = """
        Tasks:
          See the calls of a function       uprobe trace -p PID libc:malloc
          With return values and times      uprobe trace -p PID libc:malloc -r
          From a program's very start       uprobe trace -c 'sqlite3 :memory: "select 1"' 'libsqlite3:sqlite3_*'
          Find what is called most          uprobe count -p PID 'libssl:SSL_*' -d 5
          How large are the arguments       uprobe hist -p PID libc:malloc arg0 -d 5
          How long calls take               uprobe latency -p PID 'libsqlite3:sqlite3_*' -d 5
          What is going on now              uprobe top -p PID 'libsqlite3:sqlite3_*'
          From where it is called           uprobe stack -p PID libc:malloc -d 5
          The same as a picture             uprobe flame -o out.svg -p PID libc:malloc -d 5
          A timeline to look at             uprobe record -p PID 'libsqlite3:sqlite3_*' -d 5 -o out.pftrace
          Only some of the calls            uprobe trace -p PID libc:write --where 'arg2 > 4096'
          Run a bpftrace script             uprobe run -p PID -e 'uprobe:libc:malloc { @bytes = hist(arg0); }'
          Find a function's name            uprobe list -p PID '*alloc*'
          Which static probes (USDT)        uprobe list --usdt -p PID
          Names with the Tab key            source <(uprobe completion bash)
          Feed another program              uprobe trace -p PID libc:open --format s -f json | jq .

        Notes:
          IMAGE is a library as you call it (libc, libssl.so.3) or a path. FUNCTION may be a pattern with * ? [...]; quote it.
          IMAGE@FILE:LINE is a line of the source, where the image has debug information: ./app@list.c:120.
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
          uprobe trace -p 4242 libc:read -r --where 'retval < 0 || duration > 10ms'
              only the calls that failed or took long
          uprobe trace -p 4242 ./server:handle_request+0x1c -n 10
              an instruction inside a function, ten times
          uprobe trace -p 4242 usdt:python3:python:import__find__load__done --format sd
              a static probe (USDT) with its two arguments

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
          uprobe count -p 4242 libc:malloc --where 'arg0 > 64K'
              only those that ask for more than 64 KiB
          uprobe count -p 4242 'libc:*alloc' -i 1
              the counts so far, every second
          uprobe count -c 'sqlite3 :memory: "select 1"' 'libsqlite3:sqlite3_*' -f json
              a command from start to end, as JSON
          uprobe count -p 4242 'usdt:libstdc++:*'
              static probes (USDT), here: exceptions that are thrown and caught
          uprobe count -p 4242 libc:malloc --detach
              without staying attached: no stop between arming and the end, and a debugger can have the process

        Notes:
          Functions that were not called are hidden unless --all is given.
          Functions that a pattern matches but that cannot be probed are told on standard error; -v tells each.
          Exit code: that of the command with -c; 0 after Ctrl-C; 1 when a probe is refused; 2 for a wrong command line.

        """;

    /// <summary>Below the help of hist.</summary>
    public const string Histogram = """
        Examples:
          uprobe hist -p 4242 libc:malloc arg0
              how many bytes are asked for, until Ctrl-C
          uprobe hist -p 4242 libc:read libc:write retval -d 5 --where 'retval >= 0'
              how many bytes come and go, of each function by itself
          uprobe hist -p 4242 libc:write '(int32)arg0' --linear 0,32,1
              to which file descriptors
          uprobe hist -c 'sqlite3 :memory: "select 1"' 'libsqlite3:sqlite3_prepare*' '(int32)arg2' -f json
              a command from start to end, as JSON

        Notes:
          Functions that were not called are hidden; the one that is called most comes first.
          C's int has 32 bits, and the upper half of its register may be anything: write (int32)arg0.
          The values are taken by a program inside of the process, without stopping it, wherever that can be done (--engine).
          Exit code: that of the command with -c; 0 after Ctrl-C; 1 when a probe is refused; 2 for a wrong command line.

        """;

    /// <summary>Below the help of latency.</summary>
    public const string Latency = """
        Examples:
          uprobe latency -p 4242 libsqlite3:sqlite3_step
              how long the steps of queries take, until Ctrl-C
          uprobe latency -p 4242 'libssl:SSL_*' -d 10
              in which functions of a library the time is spent; the longest in total comes first
          uprobe latency -p 4242 libc:read --where 'retval > 0 && (int32)arg0 == 7'
              only reads of one file that brought something
          uprobe latency -p 4242 ./server:handle_request --linear 0,10ms,500us -i 1
              ranges of one width, every second

        Notes:
          A call counts when it returns. Calls that had begun before the probes were there do not count, nor those that never return.
          A function's time contains that of the functions that it calls, and the time during which its thread did not run.
          The probes take time themselves, which is part of what is measured: some ten nanoseconds where jumps are used, some
          microseconds where breakpoints are (--engine).
          Exit code: that of the command with -c; 0 after Ctrl-C; 1 when a probe is refused; 2 for a wrong command line.

        """;

    /// <summary>Below the help of top.</summary>
    public const string Top = """
        Examples:
          uprobe top -p 4242 'libsqlite3:sqlite3_*'
              what a library is asked for, until q or Ctrl-C
          uprobe top -p 4242 'libssl:SSL_*' libc:read libc:write --sort time -n 10
              where the time goes, the ten functions that take most
          uprobe top -p 4242 libc:malloc -i 5 > log.txt
              without a terminal: a table every five seconds, one below the other

        Notes:
          CALLS/S, TIME/S, AVERAGE and 99% <= are of the last interval; CALLS and TIME are of all since the start.
          A call counts when it returns. A function's time contains that of the functions that it calls, and the time during which its thread did not run;
          that of several threads adds up, so that TIME/S may be more than a second.
          The table at the end stays on the terminal.
          Exit code: that of the command with -c; 0 after Ctrl-C; 1 when a probe is refused; 2 for a wrong command line.

        """;

    /// <summary>Below the help of stack.</summary>
    public const string Stack = """
        Examples:
          uprobe stack -p 4242 libc:malloc
              who calls malloc, until Ctrl-C
          uprobe stack -p 4242 libc:malloc --by arg0 -n 5 -d 10
              the five places that ask for the most bytes
          uprobe stack -p 4242 libc:write --where '(int32)arg0 == 2' --depth 6
              who writes to standard error, six calls of each stack
          uprobe stack -p 4242 libc:malloc --one-of 100 -d 10
              of a function that is called very often, one call of a hundred
          uprobe stack 'libsqlite3:sqlite3_prepare*' -f json -- sqlite3 :memory: 'select 1'
              a command from start to end, as JSON

        Notes:
          A stack begins with the probed function; each line below is the call that led to the one above.
          Functions are found in symbol tables and debug information, calls by the unwind information that programs carry for exceptions.
          A call without a name is IMAGE+0xN. Where ... ends a stack, it goes on but was not captured (8 KiB are).
          The stack is copied inside of the process, which is not stopped for it, wherever that can be done (--engine); calls that come
          faster than stacks can be read are counted, and told at the end.
          Exit code: that of the command with -c; 0 after Ctrl-C; 1 when a probe is refused; 2 for a wrong command line.

        """;

    /// <summary>Below the help of flame.</summary>
    public const string Flame = """
        Examples:
          uprobe flame -o out.svg -p 4242 libc:malloc -d 10
              who calls malloc
          uprobe flame -o bytes.svg -p 4242 libc:malloc --by arg0 --one-of 100 -d 10
              who asks for how many bytes, by one call of a hundred
          uprobe flame -o query.svg --inverted 'libsqlite3:sqlite3_*' -- sqlite3 :memory: 'select 1'
              a command from start to end, its first call at the top
          uprobe flame --folded -p 4242 libc:malloc -d 10 > stacks.txt
              lines of 'outermost;...;innermost N' for other programs

        Notes:
          The width of a call is its share: of calls, or of the sum with --by. Colours tell files apart. Calls of one function by the same way are one.
          In a browser a click zooms, Esc shows all again, / searches; the pointer shows name, file and share. Without scripts the picture reads the same.
          That the file can be written is found out before anything is probed; it gets its contents at the end, all at once.
          What is missing (calls that came too fast) is told at the end and in the picture. See uprobe stack --help for the stacks themselves.
          Exit code: that of the command with -c; 0 after Ctrl-C; 1 when a probe is refused; 2 for a wrong command line.

        """;

    /// <summary>Below the help of record.</summary>
    public const string Record = """
        Examples:
          uprobe record -p 4242 'libsqlite3:sqlite3_*' -d 5 -o sql.pftrace
              what calls what, on which thread, and how long each takes
          uprobe record -c 'sqlite3 :memory: "select 1"' libsqlite3:sqlite3_prepare_v2 libsqlite3:sqlite3_step --format xs=i
              a command from start to end, with the SQL
          uprobe record -p 4242 libc:malloc --instants --where 'arg0 > 1M'
              when large blocks are asked for

        Notes:
          Open the file at https://ui.perfetto.dev, which reads it in the browser. A file that Ctrl-C ended is whole.
          A call is recorded when it returns: those that are running at the end are not there.
          Exit code: that of the command with -c; 0 after Ctrl-C; 1 when a probe is refused; 2 for a wrong command line.

        """;

    /// <summary>Below the help of all commands that take conditions and values.</summary>
    public const string Conditions = """

        Conditions and values:
          arg0 to arg9, retval, duration    arguments, what the call returned, its nanoseconds
          pid, tid, reg("rax")              process, thread, a register
          *ADDRESS, (int32)*ADDRESS         memory: 8 bytes, or as many as the type has; what cannot be read is 0
          str(ADDRESS) == "text"            a string in memory
          42  0x2a  64K 3M 2G  'a'  10us    numbers; K, M and G are powers of 1024; times are ns, us, ms and s
          || && | ^ & == != < <= > >= << >> + - * / % ! ~ -    as in C; (int8) to (uint64) are casts

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
          uprobe list --usdt /usr/bin/python3 'python:gc*'
              static probes (USDT), with the places of their arguments; uprobe run probes them

        Notes:
          The offset is a position in the file; IMAGE:0xOFFSET probes it.
          (indirect) marks functions that pick their implementation when first called; probe the implementation.

        """;

    /// <summary>Below the help of completion.</summary>
    public const string Completion = """
        Examples:
          source <(uprobe completion bash)
              for this shell; in ~/.bashrc, for all that come
          uprobe completion zsh > ~/.zfunc/_uprobe
              where ~/.zfunc is in fpath
          uprobe completion fish > ~/.config/fish/completions/uprobe.fish

        Notes:
          Behind `libc:mal` and Tab come the functions whose names begin so, with -p PID those of the library that the process has.

        """;

    /// <summary>Below the help of man.</summary>
    public const string Manual = """
        Examples:
          uprobe man | man -l -
              read it
          uprobe man > ~/.local/share/man/man1/uprobe.1
              install it: `man uprobe` finds it from then on

        """;

    /// <summary>Below the help of run.</summary>
    public const string Script = """
        Examples:
          uprobe run -p 4242 -e 'uprobe:libc:malloc { @bytes = hist(arg0); }'
              how many bytes are asked for, until Ctrl-C
          uprobe run -c 'sqlite3 :memory: "select 1"' -e 'uprobe:libsqlite3:sqlite3_prepare_v2 { printf("%s\n", str(arg1)); }'
              the SQL of a command, from its start to its end
          uprobe run -p 4242 -e 'uprobe:libc:read { @t[tid] = nsecs; } uretprobe:libc:read /@t[tid]/ { @ns = hist(nsecs - @t[tid]); delete(@t, tid); }'
              how long a call takes: its entry and its return are joined by the thread
          uprobe run script.bt -p 4242 8192
              a script from a file; $1 in it is 8192
          uprobe run -c ./app -e 'uprobe:./app:visit { printf("%s %d\n", str(args.node->name), args.node->next->size); }'
              parameters and fields by their names, where the program has debug information (compile it with -g)
          uprobe run -c ./app -e 'uprobe:./app@src/list.c:120 { print(ustack); }'
              a line of the source
          uprobe run -e 'BEGIN { printf("%d\n", 6 * 7); exit(); }'
              a script that probes nothing needs no process
          uprobe run -l 'uprobe:libc:*alloc*'
              the probes that a pattern means; with -lv also what the functions take and return
          uprobe run -p 4242 -e 'usdt:python3:gc__start { @generation[arg0] = count(); }'
              a static probe (USDT); uprobe list --usdt FILE shows them

        Notes:
          Maps are printed at the end: after Ctrl-C, exit(), or when the process has ended.
          Options after -- belong to the script: uprobe run script.bt -- --limit=10 is getopt("limit", 0).
          Actions run inside the process where they can, for some nanoseconds a hit; -v tells. Otherwise, which is told, the thread that
          hit the probe waits for them, some microseconds a hit.
          Errors of the script come with their place; the exit code is then 1, and otherwise that of exit(CODE), or 0.

        """;
}
