using System.Reflection.Metadata;

namespace Uprobes.Tests;

/// <summary>
/// The layers of ARCHITECTURE.md, checked in the compiled library: a folder is a namespace is a layer, and each may use
/// those below it only. A signature, a field, a base type, a call: whatever the compiler wrote down counts.
/// </summary>
public sealed class LayerTests
{
    /// <summary>From the bottom. The namespace itself, without a folder, is the public top.</summary>
    private static readonly string[] Layers = ["Linux", "Images", "Processes", "Stacks", "Channels", "Programs", "Arming", "Registry"];

    private static int Level(string layer) => layer.Length == 0 ? Layers.Length : Array.IndexOf(Layers, layer);

    [Fact]
    public void No_layer_uses_one_above_it()
    {
        using LibraryReader library = new();
        List<string> upward = [];
        foreach ((TypeDefinitionHandle user, TypeDefinitionHandle used) in library.References())
        {
            string from = library.Layer(user), to = library.Layer(used);
            if (Level(from) < Level(to))
                upward.Add($"{library.Name(user)} ({from}) uses {library.Name(used)} ({to})");
        }

        Assert.True(upward.Count == 0, string.Join('\n', upward.Distinct().Order(StringComparer.Ordinal)));
    }

    [Fact]
    public void Every_namespace_of_the_library_is_a_layer()
    {
        using LibraryReader library = new();
        string[] unknown = [.. library.Types().Where(type => Level(library.Layer(type)) < 0).Select(library.Name)];
        Assert.Empty(unknown);
    }

    [Fact]
    public void Only_the_linux_layer_imports_functions()
    {
        using LibraryReader library = new();
        Assert.Empty(library.ImportsOutside("Linux"));
    }

    [Fact]
    public void The_reader_of_references_sees_calls_and_signatures()
    {
        using LibraryReader library = new();
        string[] used = [.. library.References().Where(r => library.Name(r.User) == "Uprobes.Linux.SyscallException").Select(r => library.Name(r.Used))];
        Assert.Contains("Uprobes.Linux.Errno", used);
    }

    [Fact]
    public void No_source_file_is_longer_than_600_lines()
    {
        string[] tooLong = [.. SourceTree.Files().Where(file => File.ReadLines(file).Count() > 600)];
        Assert.Empty(tooLong);
    }

    [Fact]
    public void The_namespace_of_a_source_file_is_its_folder()
    {
        string[] misplaced = [.. SourceTree.Files().Where(file => SourceTree.NamespaceIn(file) is { } name && name != SourceTree.NamespaceOf(file))];
        Assert.Empty(misplaced);
    }
}
