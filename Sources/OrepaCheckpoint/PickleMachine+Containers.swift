import OrepaFiles

/// Tuples, lists and dicts.
extension PickleMachine {
    mutating func pushTuple(_ values: [PickleValue]) throws(PickleError) {
        try charge(values.count + 1)
        heap.tuples.append(values)
        let hasStorage = values.contains { if case .storage = $0 { true } else { false } }
        if hasStorage { tuplesWithStorage.insert(heap.tuples.count - 1) }
        try push(.tuple(heap.tuples.count - 1))
    }

    mutating func pushList(_ values: [PickleValue]) throws(PickleError) {
        try charge(values.count + 1)
        heap.lists.append(values)
        try push(.list(heap.lists.count - 1))
    }

    mutating func pushDictionary(
        _ pairs: [(key: PickleValue, value: PickleValue)]
    ) throws(PickleError) {
        try push(try dictionary(pairs))
    }

    mutating func dictionary(
        _ pairs: [(key: PickleValue, value: PickleValue)]
    ) throws(PickleError) -> PickleValue {
        try charge(2 * pairs.count + 1)
        heap.dictionaries.append(pairs)
        return .dictionary(heap.dictionaries.count - 1)
    }

    /// Keys and values that alternate, paired.
    func pairs(
        _ values: [PickleValue]
    ) throws(PickleError) -> [(key: PickleValue, value: PickleValue)] {
        guard values.count % 2 == 0 else { throw .stackUnderflow(offset: offset) }
        return stride(from: 0, to: values.count, by: 2).map { (values[$0], values[$0 + 1]) }
    }

    mutating func append(_ values: [PickleValue]) throws(PickleError) {
        switch try top() {
        case .list(let index):
            try charge(values.count)
            heap.lists[index].append(contentsOf: values)
        case .opaque: break
        case let other: throw unexpected("a list", other)
        }
    }

    mutating func setItems(
        _ pairs: [(key: PickleValue, value: PickleValue)]
    ) throws(PickleError) {
        switch try top() {
        case .dictionary(let index):
            try charge(2 * pairs.count)
            heap.dictionaries[index].append(contentsOf: pairs)
        case .opaque: break
        case let other: throw unexpected("a dict", other)
        }
    }

    /// The elements of a tuple or a list.
    func elements(_ value: PickleValue) throws(PickleError) -> [PickleValue] {
        switch value {
        case .tuple(let index): return heap.tuples[index]
        case .list(let index): return heap.lists[index]
        default: throw unexpected("a tuple", value)
        }
    }
}
