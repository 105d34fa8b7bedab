using CsCheck;
using Uprobes.Script.Diagnostics;
using Uprobes.Script.Semantics;
using Uprobes.Script.Syntax;

namespace Uprobes.Script.Tests.Semantics;

/// <summary>Scripts as people write them for user-space probes, in old and in new style; all of them our own.</summary>
public class RealScriptTests
{
    public static TheoryData<string> Scripts { get; } =
    [
        """
        #!/usr/bin/env bpftrace
        /* Lines that shells read. */
        BEGIN
        {
        	printf("Tracing commands... Hit Ctrl-C to end.\n");
        	printf("%-9s %-6s %s\n", "TIME", "PID", "COMMAND");
        }

        uretprobe:/bin/bash:readline
        {
        	time("%H:%M:%S  ");
        	printf("%-6d %s\n", pid, str(retval));
        }
        """,
        """
        // Latency of malloc by size class.
        uprobe:libc:malloc { @start[tid] = nsecs; @size[tid] = arg0; }
        uretprobe:libc:malloc
        /@start[tid]/
        {
            $took = nsecs - @start[tid];
            $class = @size[tid] < 64 ? "small" : @size[tid] < 4096 ? "medium" : "large";
            @latency_ns[$class] = hist($took);
            @slowest[comm, $class] = max($took);
            delete(@start[tid]);
            delete(@size, tid);
        }
        interval:s:10 { print(@slowest, 5); clear(@slowest); }
        END { clear(@start); clear(@size); }
        """,
        """
        #ifndef BPFTRACE_HAVE_BTF
        #include <linux/sched.h>
        #endif
        struct request { uint32_t id; char path[64]; struct request *next; unsigned int flags : 4, kind : 2; };
        enum kind { GET, POST = 2 };
        config = { stack_mode = perf; max_strlen = 200 }
        let @hits = lruhash(1000);
        macro is_post(r) { r.kind == POST }
        uprobe:./server:handle_*
        {
            $r = (struct request *)arg0;
            if (is_post($r) && strcontains($r.path, "login")) { @hits[$r.path] = count(); }
            else if ($r->next != 0) { @next[$r->next->id]++; }
            printf("%s %d %x\n", $r->path, $r->id, $r->flags);
        }
        """,
        "usdt:/usr/bin/python3:python:function__entry { @[str(arg0), str(arg1), arg2] = count(); }",
        "usdt::gc__start /arg0 > 0/ { @gc[pid] = nsecs; } usdt::gc__done /@gc[pid]/ { @ms = lhist((nsecs - @gc[pid]) / 1000000, 0, 100, 5); delete(@gc[pid]); }",
        "uprobe:/usr/lib/libssl.so.3:SSL_write { @bytes = sum(arg2); @calls = count(); @avg = avg(arg2); @all = stats(arg2); @least = min(arg2); }",
        "uprobe:libpthread:pthread_mutex_lock { @lock[tid] = arg0; @t[tid] = nsecs; } uretprobe:libpthread:pthread_mutex_lock /@t[tid]/ { @wait[usym(@lock[tid]), ustack(5)] = hist(nsecs - @t[tid]); delete(@t[tid]); delete(@lock[tid]); }",
        "u:libc:getaddrinfo { @host[tid] = arg0; @s[tid] = nsecs } ur:libc:getaddrinfo /@s[tid]/ { printf(\"%-16s %6d.%03d %s\\n\", comm, (nsecs - @s[tid]) / 1000000, (nsecs - @s[tid]) / 1000 % 1000, str(@host[tid])); delete(@s[tid]); delete(@host[tid]); }",
        "BEGIN { @limit = $1; @name = str($2); printf(\"%d args\\n\", $#); } uprobe:/bin/x:f /arg0 > $1 && comm == str($2)/ { exit(); }",
        "BEGIN { $i = 0; while ($i < 10) { $i++; if ($i % 2) { continue; } @even[$i] = 1; } for ($kv : @even) { print(($kv.0, $kv.1)); } for ($i2 : 0..5) { unroll(2) { @n = count(); } } exit(3); }",
        "self:signal:SIGUSR1 { print(@); zero(@); } u:a.out:f { @ = count(); } END { printf(\"bye %s\\n\", probe); }",
        "BEGIN { @a = (1, \"x\", (2, 3)); @b = @a.2.1; $r = (id = 1, name = comm); print($r.name); @c[(1, 2)] = true; @d = !@c[1, 2]; }",
        "u:a.out:f { @[ustack(perf)] = count(); @[ustack(perf, 10)] = count(); } i:1s { print(@); clear(@); }",
        "u:a.out:f { $s = str(arg0); if ($s == \"quit\") { exit(1); } else { @seen[$s] = count(); } join(arg1); print(buf(arg2, 16)); printf(\"%r %s %p\\n\", buf(arg2, arg3), usym(reg(\"ip\")), arg0); }",
        Exercise,
    ];

    private const string Exercise = "bench:hash { for ($i : 0..100) { @a[$i] = $i; } } test:one { assert(1 == 1, \"no\"); return 0; }";

    [Theory]
    [MemberData(nameof(Scripts))]
    public void A_script_as_people_write_it_is_understood(string text)
    {
        if (text == Exercise)
            Assert.Equal(["1:1-11: WARNING: `bench:hash` never runs: tests and benchmarks of scripts are not offered here", "1:51-59: WARNING: `test:one` never runs: tests and benchmarks of scripts are not offered here"], Checking.Messages(text));
        else
            Assert.NotEmpty(Checking.Script(text, new AnalysisOptions { Positional = ["10", "bash"] }).Probes);
    }

    private static void Check(string text)
    {
        ScriptSource source = new("stdin", text);
        DiagnosticBag diagnostics = [];
        TypedScript? script = Analyzer.Analyze(Parser.Parse(source, diagnostics), new AnalysisOptions { AllowsUnsafe = true }, diagnostics);
        Assert.Equal(diagnostics.HasErrors, script is null);
        string rendered = DiagnosticRenderer.Render(diagnostics, source);
        Assert.DoesNotContain(rendered, c => char.IsControl(c) && c is not '\n' and not '\t');
    }

    [Fact]
    public void No_tree_brings_the_analyzer_down() => Uprobes.Script.Tests.Syntax.TreeGenerator.Script.Select(SyntaxPrinter.Print).Sample(Check, iter: 700);

    [Fact]
    public void No_change_of_a_script_brings_the_analyzer_down() => Gen.Select(
            Gen.OneOf([.. Scripts.Select(row => row.Data)]), Gen.Select(Gen.Int[0, 1200], Gen.Int[0, 6], Gen.OneOf("", "1", "@x", "$y", "\"s\"", "arg0", "comm", "+", ".0", "[1]", "count()", "(", ")", "}", "struct request *", "&&", "=", "pid", "ustack", "-", "*", "(1, 2)", "str(arg0)")).Array[1, 4])
        .Select((seed, changes) =>
        {
            foreach ((int at, int removed, string added) in changes)
            {
                int start = at % (seed.Length + 1);
                seed = seed[..start] + added + seed[Math.Min(seed.Length, start + removed)..];
            }

            return seed;
        })
        .Sample(Check, iter: 2_000);

    [Fact]
    public void What_macros_would_grow_to_is_bounded()
    {
        string text = string.Concat(Enumerable.Range(1, 18).Select(i => $"macro m{i}(x) {{ m{i - 1}(x) + m{i - 1}(x) }}\n")) + "macro m0(x) { x }\nBEGIN { print(m18(1)); }";
        Assert.Contains(Checking.Messages(text), message => message.Contains("macros are used more than 2000 times", StringComparison.Ordinal));
    }
}
