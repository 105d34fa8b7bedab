using System.Text;
using Uprobes.Images;

namespace Uprobes.Script.Running;

/// <summary>Looks for functions and variables by their names.</summary>
internal static class SymbolSearch
{
    /// <summary>What the file's symbol tables have for a name; null where they have it not.</summary>
    internal static SymbolEntry? Find(ElfImage image, string symbol)
    {
        byte[] name = Encoding.UTF8.GetBytes(symbol);
        foreach (SymbolTable? table in (SymbolTable?[])[SymbolTableReader.ReadStatic(image.File, FunctionOrigin.SymbolTable), SymbolTableReader.ReadDynamic(image.File, image.Dynamic)])
        {
            for (int i = 0; i < (table?.Count ?? 0); i++)
            {
                SymbolEntry entry = table![i];
                if (entry.Section != 0 && table.HasName(entry, name))
                    return entry;
            }
        }

        return null;
    }
}
