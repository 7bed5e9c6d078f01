import OrepaFiles

/// The storages of tensors, to which persistent identifiers refer.
extension PickleMachine {
    /// Pushes the storage that a persistent identifier names: `('storage', class, key, device, count)`, before
    /// PyTorch 1.6 with a sixth element, None or `(key, offset, count)` of the part that is meant.
    mutating func pushStorage(_ tuple: PickleValue) throws(PickleError) {
        if case .tuple(let index) = tuple, let storage = storageByIdentifier[index] {
            return try push(.storage(storage))
        }
        let identifier = try elements(tuple)
        let kind = identifier.first ?? .none
        guard let text = heap.text(kind), text.utf8.elementsEqual("storage".utf8) else {
            throw unexpected("a storage's identifier", kind)
        }
        guard identifier.count == 5 || identifier.count == 6 else {
            throw unexpected("five elements", .integer(identifier.count))
        }
        guard case .storage(let type) = heap.global(identifier[1]) else {
            throw unexpected("a storage class", identifier[1])
        }
        let key = try storageKey(identifier[2])
        guard case .integer(let count) = identifier[4], count >= 0 else {
            throw unexpected("a storage's size", identifier[4])
        }
        var view: (offset: Int, count: Int)?
        if identifier.count == 6, case .tuple(let index) = identifier[5] {
            let part = heap.tuples[index]
            guard part.count == 3, case .integer(let first) = part[1],
                case .integer(let length) = part[2], first >= 0, length >= 0, first <= count,
                length <= count - first
            else { throw unexpected("a part of a storage", identifier[5]) }
            view = (first, length)
        }
        try charge(1)
        heap.storages.append(
            PickleHeap.Storage(type: type, key: key, count: count, view: view))
        if case .tuple(let index) = tuple {
            storageByIdentifier[index] = heap.storages.count - 1
        }
        try push(.storage(heap.storages.count - 1))
    }

    /// The position in the heap of the key that `value` is, a string or an integer. Each string is hashed once,
    /// however many storages it is the key of.
    mutating func storageKey(_ value: PickleValue) throws(PickleError) -> Int {
        let name: ByteName
        switch value {
        case .text(let index):
            if let key = keyByText[index] { return key }
            name = ByteName(heap.texts[index])
            guard name.text.utf8.count <= ByteName.largestByteCount else {
                throw .nameTooLong(
                    limit: ByteName.largestByteCount, found: name.text.utf8.count, offset: offset)
            }
        case .integer(let integer): name = ByteName(String(integer))
        default: throw unexpected("a storage's key", value)
        }
        let key = keyByName[name] ?? heap.storageKeys.count
        if key == heap.storageKeys.count {
            heap.storageKeys.append(name.text)
            keyByName[name] = key
        }
        if case .text(let index) = value { keyByText[index] = key }
        return key
    }
}
