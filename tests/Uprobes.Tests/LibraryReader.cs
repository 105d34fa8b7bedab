using System.Collections.Immutable;
using System.Reflection;
using System.Reflection.Emit;
using System.Reflection.Metadata;
using System.Reflection.Metadata.Ecma335;
using System.Reflection.PortableExecutable;

namespace Uprobes.Tests;

/// <summary>
/// Reads the compiled Uprobes.dll: which of its types mentions which other of its types, in bases, fields, signatures and in
/// the instructions of methods. A nested or compiler-made type counts as the type that it is nested in.
/// </summary>
internal sealed class LibraryReader : IDisposable
{
    private const string Root = "Uprobes";
    private static readonly Dictionary<int, OperandType> Operands = typeof(OpCodes).GetFields(BindingFlags.Public | BindingFlags.Static)
        .Select(field => (OpCode)field.GetValue(null)!).ToDictionary(code => code.Value & 0xffff, code => code.OperandType);

    private readonly PEReader file = new(File.OpenRead(typeof(Uprobes.Linux.Errno).Assembly.Location));
    private readonly MetadataReader reader;

    public LibraryReader() => reader = file.GetMetadataReader();

    /// <summary>The types that are not nested and belong to the project's own namespaces.</summary>
    public IEnumerable<TypeDefinitionHandle> Types() =>
        reader.TypeDefinitions.Where(type => Namespace(type) is var name && (name == Root || name.StartsWith(Root + ".", StringComparison.Ordinal))
            && Outermost(type) == type);

    /// <summary>The full name.</summary>
    public string Name(TypeDefinitionHandle type) => $"{Namespace(type)}.{reader.GetString(reader.GetTypeDefinition(type).Name)}";

    /// <summary>The first namespace part after the root: the layer; empty for the top.</summary>
    public string Layer(TypeDefinitionHandle type) => Namespace(type).Split('.') is [_, var layer, ..] ? layer : "";

    /// <summary>Every (user, used) pair of outermost types of the library, a type's use of itself left out.</summary>
    public IEnumerable<(TypeDefinitionHandle User, TypeDefinitionHandle Used)> References()
    {
        HashSet<TypeDefinitionHandle> own = [.. Types()];
        HashSet<(TypeDefinitionHandle, TypeDefinitionHandle)> pairs = [];
        foreach (TypeDefinitionHandle handle in reader.TypeDefinitions)
        {
            TypeDefinitionHandle user = Outermost(handle);
            foreach (TypeDefinitionHandle mentioned in Mentioned(handle))
            {
                TypeDefinitionHandle used = Outermost(mentioned);
                if (used != user && own.Contains(user) && own.Contains(used))
                    pairs.Add((user, used));
            }
        }

        return pairs;
    }

    /// <summary>Methods imported from native libraries by types outside the layer.</summary>
    public IEnumerable<string> ImportsOutside(string layer) =>
        reader.MethodDefinitions.Select(reader.GetMethodDefinition)
            .Where(method => method.Attributes.HasFlag(MethodAttributes.PinvokeImpl) && Layer(Outermost(method.GetDeclaringType())) != layer)
            .Select(method => $"{Name(Outermost(method.GetDeclaringType()))}: {reader.GetString(method.Name)}");

    public void Dispose() => file.Dispose();

    private HashSet<TypeDefinitionHandle> Mentioned(TypeDefinitionHandle handle)
    {
        MentionCollector mentions = new();
        TypeDefinition type = reader.GetTypeDefinition(handle);
        Collect(type.BaseType, mentions);
        foreach (InterfaceImplementationHandle implementation in type.GetInterfaceImplementations())
            Collect(reader.GetInterfaceImplementation(implementation).Interface, mentions);
        foreach (FieldDefinitionHandle field in type.GetFields())
            reader.GetFieldDefinition(field).DecodeSignature(mentions, null);
        foreach (MethodDefinitionHandle methodHandle in type.GetMethods())
        {
            MethodDefinition method = reader.GetMethodDefinition(methodHandle);
            method.DecodeSignature(mentions, null);
            if (method.RelativeVirtualAddress != 0 && method.ImplAttributes.HasFlag(MethodImplAttributes.IL))
                CollectBody(file.GetMethodBody(method.RelativeVirtualAddress), mentions);
        }

        return mentions.Types;
    }

    private void CollectBody(MethodBodyBlock body, MentionCollector mentions)
    {
        if (!body.LocalSignature.IsNil)
            reader.GetStandaloneSignature(body.LocalSignature).DecodeLocalSignature(mentions, null);
        foreach (ExceptionRegion region in body.ExceptionRegions)
            Collect(region.CatchType, mentions);
        BlobReader code = body.GetILReader();
        while (code.RemainingBytes > 0)
        {
            int value = code.ReadByte();
            if (value == 0xfe)
                value = 0xfe00 | code.ReadByte();
            switch (Operands[value])
            {
                case OperandType.InlineField or OperandType.InlineMethod or OperandType.InlineTok or OperandType.InlineType or OperandType.InlineSig:
                    Collect(MetadataTokens.EntityHandle(code.ReadInt32()), mentions);
                    break;
                case OperandType.InlineSwitch:
                    int targets = code.ReadInt32(); // Before the offset is taken, which it moves.
                    code.Offset += 4 * targets;
                    break;
                case OperandType.InlineI8 or OperandType.InlineR:
                    code.Offset += 8;
                    break;
                case OperandType.InlineVar:
                    code.Offset += 2;
                    break;
                case OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar:
                    code.Offset += 1;
                    break;
                case OperandType.InlineNone:
                    break;
                default:
                    code.Offset += 4;
                    break;
            }
        }
    }

    private void Collect(EntityHandle handle, MentionCollector mentions)
    {
        if (handle.IsNil)
            return;
        switch (handle.Kind)
        {
            case HandleKind.TypeDefinition:
                mentions.Types.Add((TypeDefinitionHandle)handle);
                break;
            case HandleKind.TypeSpecification:
                reader.GetTypeSpecification((TypeSpecificationHandle)handle).DecodeSignature(mentions, null);
                break;
            case HandleKind.MethodDefinition:
                MethodDefinition method = reader.GetMethodDefinition((MethodDefinitionHandle)handle);
                mentions.Types.Add(method.GetDeclaringType());
                method.DecodeSignature(mentions, null);
                break;
            case HandleKind.FieldDefinition:
                FieldDefinition field = reader.GetFieldDefinition((FieldDefinitionHandle)handle);
                mentions.Types.Add(field.GetDeclaringType());
                field.DecodeSignature(mentions, null);
                break;
            case HandleKind.MemberReference: // a member of a generic type, or of another assembly
                Collect(reader.GetMemberReference((MemberReferenceHandle)handle).Parent, mentions);
                break;
            case HandleKind.MethodSpecification:
                MethodSpecification specification = reader.GetMethodSpecification((MethodSpecificationHandle)handle);
                Collect(specification.Method, mentions);
                specification.DecodeSignature(mentions, null);
                break;
            default:
                break; // types of other assemblies, stand-alone signatures
        }
    }

    private TypeDefinitionHandle Outermost(TypeDefinitionHandle type)
    {
        while (reader.GetTypeDefinition(type).GetDeclaringType() is { IsNil: false } outer)
            type = outer;
        return type;
    }

    private string Namespace(TypeDefinitionHandle type) => reader.GetString(reader.GetTypeDefinition(Outermost(type)).Namespace);

    /// <summary>Collects the library's types in a signature; the decoded value itself is of no interest.</summary>
    private sealed class MentionCollector : ISignatureTypeProvider<int, object?>
    {
        public HashSet<TypeDefinitionHandle> Types { get; } = [];

        public int GetTypeFromDefinition(MetadataReader reader, TypeDefinitionHandle handle, byte rawTypeKind)
        {
            Types.Add(handle);
            return 0;
        }

        public int GetTypeFromSpecification(MetadataReader reader, object? genericContext, TypeSpecificationHandle handle, byte rawTypeKind) =>
            reader.GetTypeSpecification(handle).DecodeSignature(this, genericContext);

        public int GetTypeFromReference(MetadataReader reader, TypeReferenceHandle handle, byte rawTypeKind) => 0;
        public int GetPrimitiveType(PrimitiveTypeCode typeCode) => 0;
        public int GetArrayType(int elementType, ArrayShape shape) => 0;
        public int GetByReferenceType(int elementType) => 0;
        public int GetFunctionPointerType(MethodSignature<int> signature) => 0;
        public int GetGenericInstantiation(int genericType, ImmutableArray<int> typeArguments) => 0;
        public int GetGenericMethodParameter(object? genericContext, int index) => 0;
        public int GetGenericTypeParameter(object? genericContext, int index) => 0;
        public int GetModifiedType(int modifier, int unmodifiedType, bool isRequired) => 0;
        public int GetPinnedType(int elementType) => 0;
        public int GetPointerType(int elementType) => 0;
        public int GetSZArrayType(int elementType) => 0;
    }
}
