using Uprobes.Linux;
using Uprobes.Tool.CommandLine;
using Uprobes.Tool.Commands;
using Uprobes.Tool.Messages;
using Uprobes.Tool.Output;
using Uprobes.Tool.Probing;

const int StandardError = 2;
var status = new StatusLines(new DescriptorStream(StandardError), !Console.IsErrorRedirected && TerminalSize.IsSmart, new TerminalSize());
var environment = new ToolEnvironment(SessionOpener.Open, ResultOutput.Open, status);
return new ToolSyntax(environment, new ImageFinder()).Run(args);
