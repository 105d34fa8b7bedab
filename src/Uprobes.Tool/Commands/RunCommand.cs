using System.Collections;
using System.Globalization;
using Uprobes.Linux;
using Uprobes.Script.Diagnostics;
using Uprobes.Script.Lowering;
using Uprobes.Script.Output;
using Uprobes.Script.Running;
using Uprobes.Script.Semantics;
using Uprobes.Script.Syntax;
using Uprobes.Script.Types;
using Uprobes.Tool.Messages;
using Uprobes.Tool.Probing;

namespace Uprobes.Tool.Commands;

/// <summary>Runs a script of the bpftrace language.</summary>
internal sealed class RunCommand(ToolEnvironment environment, IImageFinder images, RunRequest request)
{
    private const int StandardOutput = 1, StandardError = 2;
    private const int AbandonedCode = 130; // 128 + SIGINT, as a shell reports a command that Ctrl-C ended
    private const int BrokenPipe = 32; // EPIPE

    /// <summary>Runs the command; returns the exit code.</summary>
    /// <exception cref="ToolException">It cannot be done.</exception>
    public int Run()
    {
        if (request.Pattern is { } pattern)
            return new ProbeListing(environment, images, request).ListPattern(pattern);
        var source = ReadSource();
        if (!request.IsQuiet && !request.HidesWarnings)
            environment.Status.WriteSafe(string.Concat(request.Notices.Select(notice => notice + "\n")));
        using var files = new TargetImages(images, request.Target);
        DiagnosticBag diagnostics = [];
        var syntax = Parser.Parse(source, diagnostics);
        using var headers = diagnostics.HasErrors ? null : Headers.Read(syntax.Includes, source, SearchForHeaders(), diagnostics);
        if (Compile(syntax, source, new ImageTypes(files.Open, headers), diagnostics) is not { } script)
            return ExitCode.Failure;
        if (request.IsListing)
            return new ProbeListing(environment, images, request).ListScript(script);
        if (request.Target is TargetChoice.Processes processes && !request.Force)
            new Ancestry().Refuse(processes.Ids);
        try
        {
            return Run(source, script);
        }
        catch (ScriptRefusedException e)
        {
            Tell(e.Diagnostics, source);
            return ExitCode.Failure;
        }
        catch (IOException e) when (e.HResult == BrokenPipe)
        {
            return ExitCode.Success; // `| head` has read enough
        }
    }

    private int Run(ScriptSource source, TypedScript script)
    {
        using var output = OpenOutput();
        using var errors = new DescriptorStream(StandardError);
        var writer = ScriptWriter.Create(request.Format, new ScriptWriterOptions(output, errors)
        {
            Buffering = request.Buffering,
            EscapesOutput = request.OutputPath is null && !Console.IsOutputRedirected,
            EscapesErrors = !Console.IsErrorRedirected,
        });
        using var run = new ScriptRun(script, source, new ScriptRunOptions
        {
            Target = request.Target switch
            {
                TargetChoice.Processes processes => new ScriptTarget.Processes(processes.Ids),
                TargetChoice.Command command => new ScriptTarget.Command(command.Program, command.Arguments),
                _ => new ScriptTarget.Nothing(),
            },
            OpenSession = (_, opening) => SessionOpener.OpenSession(request.Target!, request.Options, opening),
            BeginWork = environment.Status.ShowWork,
            Tell = line => environment.Status.WriteSafe(line + "\n"),
            TellsFailures = request.TellsFailures,
            IsDryRun = request.IsDryRun,
            IsQuiet = request.IsQuiet,
        }, writer, EngineFor(script, source));
        using var signals = new SignalWatch(run.Interrupt, () =>
        {
            run.Abandon();
            Environment.Exit(AbandonedCode);
        }, environment.Status.Write, request.Target is TargetChoice.Command);
        if (RightsNotice.Of(request.Target) is { } rights && !request.HidesWarnings)
            environment.Status.Write(rights);
        var code = run.Run();
        writer.Dispose();
        return code;
    }

    /// <summary>Programs, where all actions can be; otherwise handlers that stop the target's threads.</summary>
    private IScriptEngine EngineFor(TypedScript script, ScriptSource source)
    {
        HandlerEngine handlers = new(script.Types, script.Options);
        if (request.Options.Engine == ProbeEngine.Trap)
            return handlers;
        if (InlineEngine.TryCreate(script, MonotonicClock.Nanoseconds, out var refusal) is { } programs)
        {
            if (request.IsVerbose)
                TellOfPrograms(programs, source);
            return programs;
        }
        if (request.Options.Engine == ProbeEngine.Inline)
        {
            throw new ScriptRefusedException([new Diagnostic(Severity.Error, DiagnosticId.Unsupported, refusal!.Span, $"this cannot run inside the target: {refusal.Reason}")
            {
                Hint = "--engine auto runs it here, and stops the target for it at each hit",
            }]);
        }

        if (!request.HidesWarnings)
            TellOf(refusal!, source, "the target stops at each hit");
        return handlers;
    }

    private void TellOfPrograms(InlineEngine programs, ScriptSource source)
    {
        environment.Status.WriteSafe("the actions run inside the target\n");
        foreach (var (map, why) in programs.ReadersMaps)
            TellOf(why, source, $"{map} is kept here, and each change of it is sent");
    }

    private void TellOf(LoweringRefusal refusal, ScriptSource source, string consequence)
    {
        var (line, column) = source.Locate(refusal.Span.Start);
        environment.Status.WriteSafe(string.Create(CultureInfo.InvariantCulture, $"{source.Name}:{line}:{column}: {consequence}: {refusal.Reason}\n"));
    }

    private ScriptSource ReadSource()
    {
        if (request.Program is { } program)
            return new ScriptSource("stdin", program);
        var path = request.File!;
        try
        {
            return path == "-" ? new ScriptSource("stdin", Console.In.ReadToEnd()) : new ScriptSource(path, File.ReadAllText(path));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ToolException($"cannot read the script {path}: {e.Message}", "a script itself is given with -e 'PROGRAM'", inner: e);
        }
    }

    // A name that is no file here is looked for where the script's own headers are.
    private HeaderSearch SearchForHeaders() =>
        new(request.HeaderFolders, [.. request.HeaderFiles.Select(file => File.Exists(file) ? Path.GetFullPath(file) : file)], request.File is null or "-" ? null : Path.GetDirectoryName(Path.GetFullPath(request.File)));

    private TypedScript? Compile(ScriptSyntax syntax, ScriptSource source, ITypeSource types, DiagnosticBag diagnostics)
    {
        using var work = environment.Status.ShowWork("reading functions and types");
        var script = Analyzer.Analyze(syntax, new AnalysisOptions
        {
            Positional = request.Positional,
            Named = request.Named,
            AllowsUnsafe = request.AllowsUnsafe,
            Environment = OptionsOfEnvironment(),
            Types = types,
        }, diagnostics);
        work.Dispose();
        Tell(diagnostics.Where(one => one.Severity == Severity.Error || !request.HidesWarnings), source);
        return script;
    }

    private static Dictionary<string, string> OptionsOfEnvironment()
    {
        const string Prefix = "BPFTRACE_";
        var options = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (DictionaryEntry variable in Environment.GetEnvironmentVariables())
        {
            if (variable is { Key: string name, Value: string value } && name.StartsWith(Prefix, StringComparison.Ordinal))
                options[name] = value;
        }
        return options;
    }

    private void Tell(IEnumerable<Diagnostic> diagnostics, ScriptSource source) => environment.Status.WriteSafe(DiagnosticRenderer.Render(diagnostics, source));

    private Stream OpenOutput()
    {
        if (request.OutputPath is not { } path)
            return new DescriptorStream(StandardOutput);
        try
        {
            return new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.Read, bufferSize: 0);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ToolException($"cannot write {path}: {e.Message}", inner: e);
        }
    }
}
