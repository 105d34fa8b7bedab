namespace Uprobes.Arming.Inline.X64;

/// <summary>How a site is patched. They are tried in this order.</summary>
internal enum PatchTactic
{
    /// <summary>A 5-byte jump over one instruction of 5 bytes or more.</summary>
    SingleInstruction,

    /// <summary>A 5-byte jump over several whole instructions at the entry of a function, where nothing else can land on the bytes behind the first.</summary>
    WholeInstructions,

    /// <summary>A 5-byte jump over the last instructions of a function that ends within the jump, and over unused padding behind it.</summary>
    Padding,

    /// <summary>A 2-byte jump to a 5-byte one that lies in unused padding within reach.</summary>
    Springboard,

    /// <summary>
    /// Nothing is written at the site: the branches that lead to it lead to the trampoline instead. Only where nothing else can come there, as to the
    /// rarely used part of a function that a compiler has put elsewhere.
    /// </summary>
    Redirect,

    /// <summary>Nothing is written: the instruction has been displaced by the patch of a neighbour, in whose trampoline the program has to run in front of it.</summary>
    JoinsNeighbour,
}
