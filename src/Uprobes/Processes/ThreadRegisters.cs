using Uprobes.Linux;

namespace Uprobes.Processes;

/// <summary>
/// The general registers of a stopped thread. What is written takes effect when the thread goes on. Valid inside a handler
/// call only, on the tracer thread.
/// </summary>
public sealed class ThreadRegisters
{
    private UserRegisters _values;

    internal ref readonly UserRegisters Values => ref _values;

    /// <summary>Whether anything was written since the registers were read.</summary>
    internal bool IsChanged { get; private set; }

#pragma warning disable CS1591 // Each is the register of that name (System V ABI, x86-64).
    public ulong Rax { get => _values.Rax; set => Set(ref _values.Rax, value); }
    public ulong Rbx { get => _values.Rbx; set => Set(ref _values.Rbx, value); }
    public ulong Rcx { get => _values.Rcx; set => Set(ref _values.Rcx, value); }
    public ulong Rdx { get => _values.Rdx; set => Set(ref _values.Rdx, value); }
    public ulong Rsi { get => _values.Rsi; set => Set(ref _values.Rsi, value); }
    public ulong Rdi { get => _values.Rdi; set => Set(ref _values.Rdi, value); }
    public ulong Rbp { get => _values.Rbp; set => Set(ref _values.Rbp, value); }
    public ulong Rsp { get => _values.Rsp; set => Set(ref _values.Rsp, value); }
    public ulong R8 { get => _values.R8; set => Set(ref _values.R8, value); }
    public ulong R9 { get => _values.R9; set => Set(ref _values.R9, value); }
    public ulong R10 { get => _values.R10; set => Set(ref _values.R10, value); }
    public ulong R11 { get => _values.R11; set => Set(ref _values.R11, value); }
    public ulong R12 { get => _values.R12; set => Set(ref _values.R12, value); }
    public ulong R13 { get => _values.R13; set => Set(ref _values.R13, value); }
    public ulong R14 { get => _values.R14; set => Set(ref _values.R14, value); }
    public ulong R15 { get => _values.R15; set => Set(ref _values.R15, value); }
    public ulong Rip { get => _values.Rip; set => Set(ref _values.Rip, value); }
    public ulong Rflags { get => _values.Rflags; set => Set(ref _values.Rflags, value); }
    public ulong FsBase => _values.FsBase;
    public ulong GsBase => _values.GsBase;
#pragma warning restore CS1591

    internal void Load(in UserRegisters values)
    {
        _values = values;
        IsChanged = false;
    }

    private void Set(ref ulong register, ulong value)
    {
        IsChanged |= register != value;
        register = value;
    }
}
