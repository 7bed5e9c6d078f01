import OrepaFiles
import OrepaSafetensors

/// The type of a storage's elements as its class names it.
enum StorageType: Hashable {
    case elements(ElementType)
    /// Bytes, whose type the tensor says.
    case untyped
    /// Complex or quantised numbers, by the name of the class.
    case unsupported(String)
}

/// A global that a pickle may name. This is the whole list: any other name is refused, whatever the pickle does
/// with it.
enum PickleGlobal: Hashable {
    case orderedDictionary
    case defaultDictionary
    case counter
    case dictionary
    case size
    case tensorClass
    case parameterClass
    case rebuildTensor
    case rebuildTensorV3
    case rebuildParameter
    case rebuildFromType
    case storage(StorageType)
    case elementType(ElementType)
    /// Makes a tensor without plain elements: sparse, quantised, nested.
    case unsupportedTensor(String)
    /// Harmless, and nothing that a tensor's elements depend on.
    case inert(String)

    init?(module: String, name: String) {
        let module = ByteName(module) == "__builtin__" ? "builtins" : module
        guard let global = Self.allowed[ByteName("\(module).\(name)")] else { return nil }
        self = global
    }

    /// The name, for messages.
    var name: String {
        switch self {
        case .orderedDictionary: "collections.OrderedDict"
        case .defaultDictionary: "collections.defaultdict"
        case .counter: "collections.Counter"
        case .dictionary: "dict"
        case .size: "torch.Size"
        case .tensorClass: "torch.Tensor"
        case .parameterClass: "torch.nn.Parameter"
        case .rebuildTensor: "torch._utils._rebuild_tensor_v2"
        case .rebuildTensorV3: "torch._utils._rebuild_tensor_v3"
        case .rebuildParameter: "torch._utils._rebuild_parameter"
        case .rebuildFromType: "torch._tensor._rebuild_from_type_v2"
        case .storage(.elements(let type)): "a storage class of \(type.rawValue)"
        case .storage(.untyped): "torch.UntypedStorage"
        case .storage(.unsupported(let name)): name
        case .elementType(let type): "a dtype, \(type.rawValue)"
        case .unsupportedTensor(let name), .inert(let name): name
        }
    }

    private static let allowed: [ByteName: PickleGlobal] = {
        var allowed: [ByteName: PickleGlobal] = [
            "collections.OrderedDict": .orderedDictionary,
            "collections.defaultdict": .defaultDictionary,
            "collections.Counter": .counter,
            "builtins.dict": .dictionary,
            "torch.Size": .size,
            "torch.Tensor": .tensorClass,
            "torch.nn.parameter.Parameter": .parameterClass,
            "torch.nn.parameter.Buffer": .parameterClass,
            "torch._utils._rebuild_tensor": .rebuildTensor,
            "torch._utils._rebuild_tensor_v2": .rebuildTensor,
            "torch._utils._rebuild_tensor_v3": .rebuildTensorV3,
            "torch._utils._rebuild_parameter": .rebuildParameter,
            "torch._utils._rebuild_parameter_with_state": .rebuildParameter,
            "torch._tensor._rebuild_from_type_v2": .rebuildFromType,
        ]
        let storages: [(String, StorageType)] = [
            ("DoubleStorage", .elements(.float64)),
            ("FloatStorage", .elements(.float32)),
            ("HalfStorage", .elements(.float16)),
            ("BFloat16Storage", .elements(.bfloat16)),
            ("LongStorage", .elements(.int64)),
            ("IntStorage", .elements(.int32)),
            ("ShortStorage", .elements(.int16)),
            ("CharStorage", .elements(.int8)),
            ("ByteStorage", .elements(.uint8)),
            ("BoolStorage", .elements(.bool)),
            ("UntypedStorage", .untyped),
            ("_UntypedStorage", .untyped),
            ("ComplexDoubleStorage", .unsupported("torch.ComplexDoubleStorage")),
            ("ComplexFloatStorage", .unsupported("torch.ComplexFloatStorage")),
            ("QInt8Storage", .unsupported("torch.QInt8Storage")),
            ("QInt32Storage", .unsupported("torch.QInt32Storage")),
            ("QUInt8Storage", .unsupported("torch.QUInt8Storage")),
            ("QUInt4x2Storage", .unsupported("torch.QUInt4x2Storage")),
            ("QUInt2x4Storage", .unsupported("torch.QUInt2x4Storage")),
        ]
        for (name, type) in storages {
            for module in ["torch", "torch.cuda", "torch.storage"] {
                allowed["\(module).\(name)"] = .storage(type)
            }
        }
        let elementTypes: [(String, ElementType)] = [
            ("float64", .float64), ("float32", .float32), ("float16", .float16),
            ("bfloat16", .bfloat16), ("int64", .int64), ("int32", .int32), ("int16", .int16),
            ("int8", .int8), ("uint64", .uint64), ("uint32", .uint32), ("uint16", .uint16),
            ("uint8", .uint8), ("bool", .bool),
        ]
        for (name, type) in elementTypes { allowed["torch.\(name)"] = .elementType(type) }
        for name in [
            "_rebuild_sparse_tensor", "_rebuild_sparse_csr_tensor", "_rebuild_qtensor",
            "_rebuild_nested_tensor", "_rebuild_meta_tensor_no_storage",
            "_rebuild_wrapper_subclass", "_rebuild_device_tensor_from_cpu_tensor",
            "_rebuild_device_tensor_from_numpy",
        ] {
            allowed["torch._utils.\(name)"] = .unsupportedTensor("torch._utils.\(name)")
        }
        for name in [
            "builtins.set", "builtins.frozenset", "builtins.list", "builtins.tuple",
            "builtins.int", "builtins.long", "builtins.float", "builtins.bool", "builtins.complex",
            "builtins.str", "builtins.unicode", "builtins.xrange",
            "builtins.bytes", "builtins.bytearray", "builtins.slice", "builtins.range",
            "_codecs.encode", "collections.deque",
            "torch.device", "torch.serialization._get_layout",
            "torch.complex32", "torch.complex64", "torch.complex128", "torch.qint8",
            "torch.qint32", "torch.quint8", "torch.quint4x2", "torch.quint2x4",
            "torch.float8_e4m3fn", "torch.float8_e5m2", "torch.float8_e4m3fnuz",
            "torch.float8_e5m2fnuz", "torch.float8_e8m0fnu",
            "torch.per_tensor_affine", "torch.per_tensor_symmetric", "torch.per_channel_affine",
            "torch.per_channel_symmetric", "torch.per_channel_affine_float_qparams",
        ] {
            allowed[name] = .inert(name)
        }
        return allowed
    }()
}

extension StorageType {
    /// Size of one element in bytes.
    var byteCount: Int {
        switch self {
        case .elements(let type): type.byteCount
        case .untyped: 1
        case .unsupported("torch.ComplexDoubleStorage"): 16
        case .unsupported("torch.ComplexFloatStorage"): 8
        case .unsupported("torch.QInt32Storage"): 4
        case .unsupported: 1
        }
    }
}
