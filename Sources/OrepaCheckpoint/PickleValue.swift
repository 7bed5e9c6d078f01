import OrepaSafetensors

/// A value that a pickle describes: inert, whatever the pickle says.
///
/// What has a size of its own is a position in a `PickleHeap`, not a nested value: a value that is nested ten
/// thousand levels deep, or contains itself, costs nothing more to hold, copy or free than any other.
enum PickleValue: BitwiseCopyable {
    case none
    case bool(Bool)
    case integer(Int)
    /// An integer beyond 64 bits.
    case longInteger(Int)
    case float(Double)
    case text(Int)
    case bytes
    case global(Int)
    case tuple(Int)
    case list(Int)
    case dictionary(Int)
    case storage(Int)
    case tensor(Int)
    /// What an allow-listed constructor would have made; nothing looks inside.
    case opaque
}

/// What the values that a pickle describes are made of.
struct PickleHeap {
    struct Storage {
        let type: StorageType
        /// Position of its key among ``storageKeys``.
        let key: Int
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

    var texts: [String] = []
    /// The bytes of each integer beyond 64 bits, least significant first.
    var longIntegers: [[UInt8]] = []
    var globals: [PickleGlobal] = []
    var tuples: [[PickleValue]] = []
    var lists: [[PickleValue]] = []
    var dictionaries: [[(key: PickleValue, value: PickleValue)]] = []
    var storages: [Storage] = []
    /// The keys of the storages, each once.
    var storageKeys: [String] = []
    var tensors: [Tensor] = []

    /// The value under a string key, the last one when there are several, as in Python.
    func value(_ key: String, in dictionary: Int) -> PickleValue? {
        dictionaries[dictionary].last {
            text($0.key)?.utf8.elementsEqual(key.utf8) ?? false
        }?.value
    }

    /// The string that a value is, or nil.
    func text(_ value: PickleValue) -> String? {
        guard case .text(let index) = value else { return nil }
        return texts[index]
    }

    /// The global that a value is, or nil.
    func global(_ value: PickleValue) -> PickleGlobal? {
        guard case .global(let index) = value else { return nil }
        return globals[index]
    }

    /// What the value is, for messages.
    func kind(_ value: PickleValue) -> String {
        switch value {
        case .none: "None"
        case .bool: "a boolean"
        case .integer, .longInteger: "an integer"
        case .float: "a float"
        case .text: "a string"
        case .bytes: "bytes"
        case .global(let index): "`\(globals[index].name)`"
        case .tuple: "a tuple"
        case .list: "a list"
        case .dictionary: "a dict"
        case .storage: "a storage"
        case .tensor: "a tensor"
        case .opaque: "an object"
        }
    }
}
