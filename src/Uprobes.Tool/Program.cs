using Uprobes.Tool.CommandLine;
using Uprobes.Tool.Commands;
using Uprobes.Tool.Messages;
using Uprobes.Tool.Output;
using Uprobes.Tool.Probing;

var status = new StatusLines(Console.Error, !Console.IsErrorRedirected);
var environment = new ToolEnvironment(SessionOpener.Open, ResultOutput.Open, status);
return new ToolSyntax(environment, new ImageFinder()).Run(args, Console.Out);
