namespace Uprobes.Programs.X64;

/// <summary>
/// What has to be known before code is made, and is known only afterwards: making code is repeated until its plan comes out as it
/// went in. That takes two or three rounds.
/// </summary>
/// <param name="UsesFrame">Whether it needs a scratch frame.</param>
/// <param name="Touched">Registers that it changes, which are saved. What the program reads of them is read from where they are saved.</param>
internal readonly record struct CodePlan(bool UsesFrame, RegisterSet Touched)
{
    /// <summary>Most words that code may push.</summary>
    internal const int MostPushed = 7;

    /// <summary>
    /// Flags are held in rax, which is saved first, and are pushed too where rax is needed for other things. rcx has been saved
    /// by others.
    /// </summary>
    internal bool PushesFlags => UsesFrame || Touched.Contains(Gpr.Rax);

    /// <summary>Words pushed without a frame.</summary>
    internal int SmallPushed => 1 + (PushesFlags ? 1 : 0) + Touched.Without(Gpr.Rax).Without(Gpr.Rcx).Count;
}
