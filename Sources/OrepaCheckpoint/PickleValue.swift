import OrepaSafetensors

/// A value that a pickle describes: inert, whatever the pickle says.
///
/// Containers are positions in a `PickleHeap`, not nested values: a value that is nested ten thousand levels deep,
/// or contains itself, costs nothing more to hold or to free than any other.
enum PickleValue {
    case none
    case bool(Bool)
    case integer(Int)
    /// An integer beyond 64 bits: its bytes, least significant first.
    case longInteger([UInt8])
    case float(Double)
    case text(String)
    case bytes
    case global(PickleGlobal)
    case tuple(Int)
    case list(Int)
    case dictionary(Int)
    case storage(Int)
    case tensor(Int)
    /// What an allow-listed constructor would have made; nothing looks inside.
    case opaque

    /// What the value is, for messages.
    var kind: String {
        switch self {
        case .none: "None"
        case .bool: "a boolean"
        case .integer, .longInteger: "an integer"
        case .float: "a float"
        case .text: "a string"
        case .bytes: "bytes"
        case .global(let global): "`\(global.name)`"
        case .tuple: "a tuple"
        case .list: "a list"
        case .dictionary: "a dict"
        case .storage: "a storage"
        case .tensor: "a tensor"
        case .opaque: "an object"
        }
    }
}

/// The containers, storages and tensors of the values that a pickle describes.
struct PickleHeap {
    struct Storage {
        let type: StorageType
        let key: String
        /// Number of elements, of bytes for an untyped storage.
        let count: Int
        /// The part of another storage that this one is (files before PyTorch 0.4): first element and count.
        let view: (offset: Int, count: Int)?
    }

    enum Tensor {
        /// Elements of the storage at a position of `storages`; their type is given where the storage has none.
        case dense(
            storage: Int, elementType: ElementType?, offset: Int, shape: [Int], strides: [Int])
        /// A tensor of a kind that has no plain elements: the name of what makes it.
        case unsupported(String)
    }

    var tuples: [[PickleValue]] = []
    var lists: [[PickleValue]] = []
    var dictionaries: [[(key: PickleValue, value: PickleValue)]] = []
    var storages: [Storage] = []
    var tensors: [Tensor] = []

    /// The value under a string key, the last one when there are several, as in Python.
    func value(_ key: String, in dictionary: Int) -> PickleValue? {
        dictionaries[dictionary].last {
            if case .text(key) = $0.key { true } else { false }
        }?.value
    }
}
