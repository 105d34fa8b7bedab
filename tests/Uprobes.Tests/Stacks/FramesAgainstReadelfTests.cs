using System.Globalization;
using Uprobes.Images;
using Uprobes.Images.CallFrames;
using Uprobes.Tests.Images;

namespace Uprobes.Tests.Stacks;

/// <summary>Every row of every function of real files, as <c>readelf --debug-dump=frames-interp</c> reckons it.</summary>
public sealed class FramesAgainstReadelfTests
{
    private static readonly string[] Names =
        ["rax", "rdx", "rcx", "rbx", "rsi", "rdi", "rbp", "rsp", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "ra"];

    [Theory]
    [InlineData("/lib/x86_64-linux-gnu/libc.so.6")]
    [InlineData("/lib/x86_64-linux-gnu/libcrypto.so.3")]
    [InlineData("/lib/x86_64-linux-gnu/libstdc++.so.6")]
    [InlineData("/lib64/ld-linux-x86-64.so.2")]
    [InlineData("/usr/bin/python3")]
    public void All_rows_are_equal(string path)
    {
        if (!File.Exists(path))
            Assert.Skip($"{path} is not installed");
        using ElfImage image = ElfImage.Open(path);
        int rows = 0;
        List<string> wrong = [];
        foreach ((ulong location, string[] expected, string[] columns) in Rows(Workshop.RunTool("/", "readelf", "-wNF", path)))
        {
            rows++;
            FrameRow? row = image.CallFrames.Find(new LinkAddress(location));
            for (int i = 0; i < columns.Length; i++)
            {
                string found = row is null ? "none" : i == 0 ? CfaOf(row) : TextOf(row.RuleOf(Array.IndexOf(Names, columns[i])));
                if (found != expected[i] && wrong.Count < 20)
                    wrong.Add($"{location:x} {columns[i]}: {found}, expected {expected[i]}");
            }
        }

        Assert.Empty(wrong);
        Assert.NotEqual(0, rows);
        Assert.Empty(image.CallFrames.Problems);
    }

    private static IEnumerable<(ulong Location, string[] Values, string[] Columns)> Rows(string text)
    {
        bool isEntry = false, isExceptions = false;
        string[] columns = [];
        foreach (string line in text.Split('\n'))
        {
            string[] words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (line.StartsWith("Contents of the", StringComparison.Ordinal))
                isExceptions = line.Contains(".eh_frame", StringComparison.Ordinal);
            else if (words.Contains("CIE") || words.Contains("FDE"))
                isEntry = isExceptions && words.Contains("FDE");
            else if (words is ["LOC", ..])
                columns = words[1..];
            else if (isEntry && words.Length == columns.Length + 1 && words[1] != "ZERO" && ulong.TryParse(words[0], NumberStyles.HexNumber, CultureInfo.InvariantCulture, out ulong location))
                yield return (location, words[1..], columns);
        }
    }

    private static string CfaOf(FrameRow row) => row.Cfa.Kind == FrameRuleKind.Expression
        ? "exp" : string.Create(CultureInfo.InvariantCulture, $"{Names[row.Cfa.Value]}{row.CfaOffset:+0;-0;+0}");

    private static string TextOf(FrameRule rule) => rule.Kind switch
    {
        FrameRuleKind.Offset => string.Create(CultureInfo.InvariantCulture, $"c{rule.Value:+0;-0;+0}"),
        FrameRuleKind.ValueOffset => string.Create(CultureInfo.InvariantCulture, $"v{rule.Value:+0;-0;+0}"),
        FrameRuleKind.Register => Names[rule.Value],
        FrameRuleKind.Expression => "exp",
        FrameRuleKind.ValueExpression => "vexp",
        FrameRuleKind.SameValue => "s",
        _ => "u",
    };
}
