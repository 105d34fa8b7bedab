using Iced.Intel;
using Uprobes.Channels;
using static Iced.Intel.AssemblerRegisters;

namespace Uprobes.Programs.X64;

/// <summary>Maps with a key: tables that all threads share, as <see cref="KeyedTable"/> uses them.</summary>
internal sealed partial class ProgramEmitter
{
    /// <summary>Keys of more words are gone through by loops.</summary>
    private const int UnrolledWords = 6;

    /// <summary>
    /// A key's words: each where it is, or all in the frame. Without a frame those that are not leaves are in registers.
    /// </summary>
    private Operand[] EvaluateKey(IReadOnlyList<Expression> key)
    {
        if (!_plan.UsesFrame || key.All(IsLeaf))
            return [.. key.Select(Evaluate)];

        int size = key.Sum(k => k.Type.StoredSize), room = TakeRoom(size);
        EmitParts(key, Gpr.Rbx, room);
        Operand[] words = new Operand[size / 8];
        for (int i = 0; i < words.Length; i++)
            words[i] = Operand.Word(Gpr.Rbx, room + (8 * i));
        return words;
    }

    private void EmitKeyedUpdate(Aggregate aggregate)
    {
        int room = _roomUsed;
        Label lost = _code.NewLabel(), past = _code.NewLabel();
        Operand[] key = EvaluateKey(aggregate.Key);
        Operand value = aggregate.Value is null ? default : Evaluate(aggregate.Value);
        Gpr entry = EmitFind(aggregate.Map, key, lost, inserts: true);
        EmitUpdate(CellOf(aggregate.Map, entry), value);
        _registers.Give(value);
        _registers.Give(entry);
        _code.Mark(past);
        ColdLoss(ChannelLayout.LostKeysOffset, lost, past);
        _roomUsed = room;
    }

    private void EmitKeyedDelete(DeleteKey delete)
    {
        int room = _roomUsed;
        Label past = _code.NewLabel();
        Gpr entry = EmitFind(delete.Map, EvaluateKey(delete.Key), past, inserts: false);
        EmitClear(CellOf(delete.Map, entry));
        _registers.Give(entry);
        _code.Mark(past);
        _roomUsed = room;
    }

    /// <summary>
    /// <code>
    ///     ...                             ; EmitFind: jumps to none
    ///     mov   result, [cell]
    ///     xor   ecx, ecx
    ///     cmp   qword [cell + 8], 0
    ///     cmove result, rcx
    ///     jmp   end
    /// none:
    ///     xor   result, result
    /// end:
    /// </code>
    /// </summary>
    private Operand EvaluateKeyedValue(MapValue value)
    {
        int room = _roomUsed;
        Label none = _code.NewLabel(), end = _code.NewLabel();
        Gpr entry = EmitFind(value.Map, EvaluateKey(value.Key), none, inserts: false);
        CellPlace cell = CellOf(value.Map, entry);
        A.xor(ecx, ecx);
        A.cmp(WordOf(cell, 1), 0);
        A.mov(entry.Q, WordOf(cell, 0));
        A.cmove(entry.Q, rcx);
        A.jmp(end);
        _code.Mark(none);
        A.xor(entry.D, entry.D);
        _code.Mark(end);
        _roomUsed = room;
        return Operand.Owned(entry);
    }

    /// <summary>
    /// <code>
    ///     ...                             ; EmitFind: jumps to none
    ///     mov   result, [cell + word]
    ///     jmp   end
    /// none:
    ///     xor   result, result
    /// end:
    /// </code>
    /// </summary>
    private Operand EvaluateKeyedWord(MapCell read)
    {
        int room = _roomUsed;
        Label none = _code.NewLabel(), end = _code.NewLabel();
        Gpr entry = EmitFind(read.Map, EvaluateKey(read.Key), none, inserts: false);
        A.mov(entry.Q, WordOf(CellOf(read.Map, entry), read.Word));
        A.jmp(end);
        _code.Mark(none);
        A.xor(entry.D, entry.D);
        _code.Mark(end);
        _roomUsed = room;
        return Operand.Owned(entry);
    }

    /// <summary>Jumps to a label if a map has (or has not) a value for a key.</summary>
    private void BranchOnKey(MapContains contains, Label target, bool when)
    {
        int room = _roomUsed;
        Label past = _code.NewLabel();
        Gpr entry = EmitFind(contains.Map, EvaluateKey(contains.Key), when ? past : target, inserts: false);
        A.cmp(WordOf(CellOf(contains.Map, entry), 1), 0);
        _registers.Give(entry);
        Jump(ConditionCode.ne, target, when);
        _code.Mark(past);
        _roomUsed = room;
    }

    private CellPlace CellOf(int map, Gpr entry) => new(entry, 8 + _group.Maps[map].KeySize, map, IsShared: true);

    /// <summary>
    /// Finds a key's entry, in a register that is taken. The registers of the key are given back. H is the hash, E the entry.
    /// <code>
    ///     ...                             ; EmitHash: H
    ///     mov   E, H
    ///     shr   E, 2
    ///     and   E, capacity - 1
    ///     imul  E, E, size
    ///     mov   rcx, table
    ///     add   E, rcx
    ///     mov   edx, 128                  ; places, or the capacity
    /// next:
    ///     mov   rax, [E]
    ///     test  rax, rax
    ///     jz    free                      ; if keys are put in; otherwise none
    /// look:
    ///     lea   rcx, [H + 3]
    ///     cmp   rax, rcx
    ///     jne   other
    ///     ...                             ; EmitKeyComparison: jumps to advance
    ///     jmp   found
    /// free:
    ///     lea   rcx, [H + 1]
    ///     lock cmpxchg [E], rcx
    ///     jne   look
    ///     mov   rcx, word
    ///     mov   [E + 8], rcx              ; and so on
    ///     lea   rcx, [H + 3]
    ///     mov   [E], rcx
    ///     jmp   found
    /// other:
    ///     lea   rcx, [H + 1]
    ///     cmp   rax, rcx                  ; just being put in: the key cannot be compared
    ///     je    none
    /// advance:
    ///     add   E, size
    ///     mov   rcx, table + size * capacity
    ///     cmp   E, rcx
    ///     jb    same
    ///     sub   E, size * capacity        ; through rcx where it is large
    /// same:
    ///     dec   edx
    ///     jnz   next
    ///     jmp   none
    /// found:
    /// </code>
    /// </summary>
    private Gpr EmitFind(int map, Operand[] key, Label none, bool inserts)
    {
        MapDefinition definition = _group.Maps[map];
        ulong table = _environment.Channel + (ulong)Layout.TableOffset(map);
        long bytes = (long)Layout.EntrySize(map) * definition.Capacity;
        Label next = _code.NewLabel(), look = _code.NewLabel(), free = _code.NewLabel(), other = _code.NewLabel();
        Label advance = _code.NewLabel(), same = _code.NewLabel(), found = _code.NewLabel();
        Gpr hash = _registers.Take(), entry = _registers.Take();
        Touch(Gpr.Rax);
        Touch(Gpr.Rdx);
        EmitHash(hash, key);
        A.mov(entry.Q, hash.Q);
        A.shr(entry.Q, 2);
        A.and(entry.D, definition.Capacity - 1);
        A.imul(entry.Q, entry.Q, Layout.EntrySize(map));
        A.mov(rcx, table);
        A.add(entry.Q, rcx);
        A.mov(edx, Math.Min(ChannelLayout.ProbeWindow, definition.Capacity));

        _code.Mark(next);
        A.mov(rax, __qword_ptr[entry.Q]);
        A.test(rax, rax);
        A.jz(inserts ? free : none);
        _code.Mark(look);
        A.lea(rcx, __qword_ptr[hash.Q + (long)KeyedTable.Present]);
        A.cmp(rax, rcx);
        A.jne(other);
        EmitKeyComparison(entry, key, advance);
        A.jmp(found);
        if (inserts)
        {
            _code.Mark(free);
            A.lea(rcx, __qword_ptr[hash.Q + (long)KeyedTable.Writing]);
            A.@lock.cmpxchg(__qword_ptr[entry.Q], rcx);
            A.jne(look);
            EmitKeyCopy(entry, key);
            A.lea(rcx, __qword_ptr[hash.Q + (long)KeyedTable.Present]);
            A.mov(__qword_ptr[entry.Q], rcx);
            A.jmp(found);
        }

        _code.Mark(other);
        A.lea(rcx, __qword_ptr[hash.Q + (long)KeyedTable.Writing]);
        A.cmp(rax, rcx);
        A.je(none);
        _code.Mark(advance);
        A.add(entry.Q, Layout.EntrySize(map));
        A.mov(rcx, table + (ulong)bytes);
        A.cmp(entry.Q, rcx);
        A.jb(same);
        Apply(BinaryOperator.Subtract, entry, Operand.Constant(bytes));
        _code.Mark(same);
        A.dec(edx);
        A.jnz(next);
        A.jmp(none);
        _code.Mark(found);

        _registers.Give(hash);
        foreach (Operand word in key)
            _registers.Give(word);
        return entry;
    }

    /// <summary>
    /// <see cref="KeyHash"/>:
    /// <code>
    ///     mov   rdx, multiplier
    ///     mov   H, word
    ///     imul  H, rdx
    ///     mov   rcx, H
    ///     shr   rcx, 32
    ///     xor   H, rcx
    ///     xor   H, word                   ; the next one, and so on
    ///     ...
    ///     bts   H, 63
    ///     and   H, -4
    /// </code>
    /// Many words are in the frame:
    /// <code>
    ///     xor   H, H
    ///     mov   rax, -bytes
    /// next:
    ///     xor   H, [rbx + rax + end]
    ///     ...                             ; the same
    ///     add   rax, 8
    ///     jnz   next
    /// </code>
    /// </summary>
    private void EmitHash(Gpr hash, Operand[] key)
    {
        A.mov(rdx, KeyHash.Multiplier);
        if (key.Length > UnrolledWords)
        {
            Label next = _code.NewLabel();
            A.xor(hash.D, hash.D);
            A.mov(rax, -8L * key.Length);
            _code.Mark(next);
            A.xor(hash.Q, __qword_ptr[rbx + rax + EndOf(key)]);
            EmitHashStep(hash);
            A.add(rax, 8);
            A.jnz(next);
        }
        else
        {
            Load(hash, key[0]);
            EmitHashStep(hash);
            foreach (Operand word in key.AsSpan(1))
            {
                Apply(BinaryOperator.Xor, hash, word);
                EmitHashStep(hash);
            }
        }

        A.bts(hash.Q, 63);
        A.and(hash.Q, -4);
    }

    private void EmitHashStep(Gpr hash)
    {
        A.imul(hash.Q, rdx);
        A.mov(rcx, hash.Q);
        A.shr(rcx, 32);
        A.xor(hash.Q, rcx);
    }

    /// <summary>
    /// <code>
    ///     mov   rax, word                 ; if it is not in a register
    ///     cmp   [E + 8], rax
    ///     jne   advance                   ; and so on
    /// </code>
    /// Many words:
    /// <code>
    ///     mov   rax, -bytes
    /// next:
    ///     mov   rcx, [rbx + rax + end]
    ///     cmp   [E + rax + 8 + bytes], rcx
    ///     jne   advance
    ///     add   rax, 8
    ///     jnz   next
    /// </code>
    /// </summary>
    private void EmitKeyComparison(Gpr entry, Operand[] key, Label advance)
    {
        if (key.Length > UnrolledWords)
        {
            Label next = _code.NewLabel();
            A.mov(rax, -8L * key.Length);
            _code.Mark(next);
            A.mov(rcx, __qword_ptr[rbx + rax + EndOf(key)]);
            A.cmp(__qword_ptr[entry.Q + rax + (8 + (8 * key.Length))], rcx);
            A.jne(advance);
            A.add(rax, 8);
            A.jnz(next);
            return;
        }

        for (int i = 0; i < key.Length; i++)
        {
            A.cmp(__qword_ptr[entry.Q + (8 + (8 * i))], InRegister(key[i], Gpr.Rax).Q);
            A.jne(advance);
        }
    }

    /// <summary>mov [E + 8], word, and so on; a loop for many words, as in <see cref="EmitKeyComparison"/>.</summary>
    private void EmitKeyCopy(Gpr entry, Operand[] key)
    {
        if (key.Length > UnrolledWords)
        {
            Label next = _code.NewLabel();
            A.mov(rax, -8L * key.Length);
            _code.Mark(next);
            A.mov(rcx, __qword_ptr[rbx + rax + EndOf(key)]);
            A.mov(__qword_ptr[entry.Q + rax + (8 + (8 * key.Length))], rcx);
            A.add(rax, 8);
            A.jnz(next);
            return;
        }

        for (int i = 0; i < key.Length; i++)
            Store(__qword_ptr[entry.Q + (8 + (8 * i))], key[i]);
    }

    private static long EndOf(Operand[] key) => key[^1].Number + 8;
}
