import OrepaFiles

/// The entries of a pickled state dict, found but not yet checked against storages.
struct StateDictionary {
    enum Entry {
        case tensor(PickleHeap.Tensor)
        case integer(Int)
        case float(Double)
    }

    /// Where the state dict is, nil when it is the whole.
    let location: String?
    /// Dotted paths of other dicts with tensors of the same names.
    let counterparts: [String]
    let entries: [(name: String, value: Entry)]
    /// The string under `arch` beside the state dict.
    let arch: String?
    /// The integer under `epoch` beside the state dict.
    let epoch: Int?

    /// The keys under which state dicts are looked for, in this order.
    static let locations = ["state_dict", "model_state_dict", "model"]

    /// - Parameter wanted: Dotted path of the dict to take; nil for the first of ``locations`` that there is, else the
    ///   whole.
    init(
        root: PickleValue, heap: PickleHeap, path: String, wanted: String?
    ) throws(CheckpointError) {
        guard case .dictionary(let top) = root else {
            throw .noTensors(path: path, found: heap.kind(root))
        }
        let located = heap.dictionariesOfTensors(under: top)
        var found: (location: String?, dictionary: Int)?
        if let wanted {
            guard let index = heap.dictionary(at: wanted, in: top), heap.hasTensors(index) else {
                throw .noStateDictionary(
                    path: path, wanted: wanted, found: located.prefix(8).map(\.path))
            }
            found = (wanted, index)
        }
        for location in Self.locations where found == nil {
            if case .dictionary(let index)? = heap.value(location, in: top), heap.hasTensors(index)
            {
                found = (location, index)
            }
        }
        if found == nil, heap.hasTensors(top) { found = (nil, top) }
        guard let found else {
            guard located.isEmpty else {
                throw .noStateDictionary(
                    path: path, wanted: nil, found: located.prefix(8).map(\.path))
            }
            throw .noTensors(path: path, found: Self.describeKeys(of: top, heap))
        }
        counterparts = heap.counterparts(of: found.dictionary, among: located).map(\.path)

        var entries: [(name: String, value: Entry)] = []
        var names: Set<ByteName> = []
        for (key, value) in heap.dictionaries[found.dictionary] {
            guard let name = heap.text(key) else {
                throw .notATensor(
                    path: path, name: heap.kind(key), found: "a key of that kind")
            }
            guard name.utf8.count <= ByteName.largestByteCount else {
                throw .nameTooLong(
                    path: path, name: name.escapedForPrinting(limit: 200),
                    limit: ByteName.largestByteCount, found: name.utf8.count)
            }
            guard names.insert(ByteName(name)).inserted else {
                throw .duplicateName(path: path, name: name)
            }
            switch value {
            case .tensor(let index): entries.append((name, .tensor(heap.tensors[index])))
            case .integer(let integer): entries.append((name, .integer(integer)))
            case .float(let float): entries.append((name, .float(float)))
            default: throw .notATensor(path: path, name: name, found: heap.kind(value))
            }
        }
        location = found.location
        self.entries = entries
        arch = location.flatMap { _ in heap.value("arch", in: top) }.flatMap(heap.text)
        if location != nil, case .integer(let integer)? = heap.value("epoch", in: top) {
            epoch = integer
        } else {
            epoch = nil
        }
    }

    private static func describeKeys(of dictionary: Int, _ heap: PickleHeap) -> String {
        let pairs = heap.dictionaries[dictionary]
        guard !pairs.isEmpty else { return "an empty dict" }
        let keys = pairs.prefix(8).map { pair in
            heap.text(pair.key)?.quoted ?? heap.kind(pair.key)
        }
        let more = pairs.count > keys.count ? ", ..." : ""
        return "a dict with \(keys.joined(separator: ", "))\(more)"
    }
}
