using System.Globalization;
using Uprobes.Images;
using Uprobes.Tool.Messages;

namespace Uprobes.Tool.Probing;

/// <summary>Finds files for list. Nothing is attached to: only /proc and the files are read.</summary>
internal sealed class ImageFinder : IImageFinder
{
    /// <inheritdoc/>
    public OpenedImages Find(int? processId, string? name)
    {
        if (processId is not { } id)
        {
            var path = Resolve(new LibraryResolver(), name ?? throw new ArgumentNullException(nameof(name)), []);
            return new OpenedImages([Open(path, path)], []);
        }
        var mapped = Mapped(id);
        return name is null ? OpenAll(mapped) : OpenOne(id, mapped, name);
    }

    /// <inheritdoc/>
    public OpenedImages FindFor(string program, string name)
    {
        var resolver = new LibraryResolver { MainExecutable = new LibraryResolver().Resolve(program).Path };
        var path = Resolve(resolver, name, []);
        return new OpenedImages([Open(path, path)], []);
    }

    private static IReadOnlyList<MappedFile> Mapped(int processId)
    {
        var mapped = MappedFiles.Of(processId);
        if (mapped.Count > 0)
            return mapped;
        throw Directory.Exists(string.Create(CultureInfo.InvariantCulture, $"/proc/{processId}"))
            ? new ToolException($"cannot read what process {processId} maps", "run as the same user as the process, or as root; a kernel thread maps nothing")
            : new ToolException($"there is no process {processId}", "see the processes with: ps -e");
    }

    private static OpenedImages OpenOne(int processId, IReadOnlyList<MappedFile> mapped, string name)
    {
        var root = string.Create(CultureInfo.InvariantCulture, $"/proc/{processId}/root");
        var paths = mapped.Select(m => m.Path).ToList();
        var found = Resolve(new LibraryResolver { Root = root, MappedFiles = paths }, name, paths);
        var shown = found.StartsWith(root, StringComparison.Ordinal) ? found[root.Length..] : found;
        // A mapped file that was replaced since is still there through its mapping.
        var access = mapped.FirstOrDefault(m => m.Path == shown)?.AccessPath ?? found;
        return new OpenedImages([Open(access, shown)], []);
    }

    private static string Resolve(LibraryResolver resolver, string name, IReadOnlyList<string> mapped)
    {
        var resolution = resolver.Resolve(name);
        return resolution.Outcome switch
        {
            LibraryResolutionOutcome.Found => resolution.Path!,
            LibraryResolutionOutcome.Ambiguous => throw new ToolException(
                $"{name} could be several files", $"give one of them: {string.Join(", ", resolution.Candidates)}"),
            _ => throw new ToolException($"no file called {name} was found", MissingImageHint.For(name, mapped)
                ?? "give a path, or a name that the dynamic linker or PATH knows, as libc or libssl.so.3"),
        };
    }

    private static OpenedImages OpenAll(IReadOnlyList<MappedFile> mapped)
    {
        var sources = new List<IFunctionSource>();
        var problems = new List<string>();
        foreach (var file in mapped)
        {
            try
            {
                sources.Add(Open(file.AccessPath, file.Path));
            }
            catch (ToolException e)
            {
                problems.Add(e.Message); // one file that cannot be read does not hide the others
            }
        }
        return new OpenedImages(sources, problems);
    }

    private static ElfFunctionSource Open(string accessPath, string shownPath)
    {
        try
        {
            return new ElfFunctionSource(ElfImage.Open(accessPath), shownPath);
        }
        catch (ImageException e)
        {
            throw new ToolException($"{shownPath}: {e.Problem}", Hint(e.Reason), inner: e);
        }
    }

    private static string? Hint(ImageFailureReason reason) => reason switch
    {
        ImageFailureReason.PermissionDenied => "read permission on the file is needed: run as its owner or as root",
        ImageFailureReason.NotElf or ImageFailureReason.NotElf64 or ImageFailureReason.WrongMachine =>
            "only 64-bit x86-64 programs and libraries can be probed; a script is run by its interpreter",
        _ => null,
    };
}
