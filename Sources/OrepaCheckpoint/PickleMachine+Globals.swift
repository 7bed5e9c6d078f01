import OrepaFiles
import OrepaSafetensors

/// What globals would make, and what is made of it by calls.
extension PickleMachine {
    mutating func global(
        _ module: String, _ name: String
    ) throws(PickleError) -> PickleValue {
        guard let global = PickleGlobal(module: module, name: name) else {
            throw .refusedGlobal("\(module).\(name)".escapedForPrinting(limit: 200))
        }
        try charge(1)
        heap.globals.append(global)
        return .global(heap.globals.count - 1)
    }

    func callable(_ value: PickleValue) throws(PickleError) -> PickleGlobal {
        guard let global = heap.global(value) else { throw unexpected("a class", value) }
        return global
    }

    /// What calling `global` with `arguments` would give, as an inert value.
    mutating func make(
        _ global: PickleGlobal, _ arguments: [PickleValue]
    ) throws(PickleError) -> PickleValue {
        switch global {
        case .orderedDictionary, .dictionary, .counter:
            return try dictionary(try initialPairs(arguments.first))
        case .defaultDictionary:
            return try dictionary(try initialPairs(arguments.dropFirst().first))
        case .size:
            guard let extents = arguments.first else { return try emptyTuple() }
            _ = try elements(extents)
            return extents
        case .rebuildTensor: return try makeTensor(arguments, elementType: nil)
        case .rebuildTensorV3:
            guard arguments.count >= 7 else {
                throw unexpected("seven arguments", .integer(arguments.count))
            }
            switch heap.global(arguments[6]) {
            case .elementType(let type): return try makeTensor(arguments, elementType: type)
            case .inert(let name): return try makeUnsupportedTensor(name)
            default: throw unexpected("a dtype", arguments[6])
            }
        case .rebuildParameter, .parameterClass:
            guard let value = arguments.first else { return .opaque }
            return value
        case .rebuildFromType:
            return try makeFromType(arguments)
        case .unsupportedTensor(let name): return try makeUnsupportedTensor(name)
        case .storage, .elementType:
            throw .unexpectedValue(
                expected: "a function", found: "`\(global.name)`", offset: offset)
        case .tensorClass, .inert: return .opaque
        }
    }

    mutating func emptyTuple() throws(PickleError) -> PickleValue {
        try charge(1)
        heap.tuples.append([])
        return .tuple(heap.tuples.count - 1)
    }

    /// The pairs that a dict begins with when it is made from `value`: a dict, or pairs in a sequence.
    func initialPairs(
        _ value: PickleValue?
    ) throws(PickleError) -> [(key: PickleValue, value: PickleValue)] {
        switch value {
        case nil, .some(.none), .opaque: return []
        case .dictionary(let index): return heap.dictionaries[index]
        case .some(let sequence):
            var pairs: [(key: PickleValue, value: PickleValue)] = []
            for element in try elements(sequence) {
                let pair = try elements(element)
                guard pair.count == 2 else {
                    throw unexpected("a pair", element)
                }
                pairs.append((pair[0], pair[1]))
            }
            return pairs
        }
    }

    /// Python's `_rebuild_from_type_v2(function, type, arguments, state)`: a tensor with attributes.
    mutating func makeFromType(
        _ arguments: [PickleValue]
    ) throws(PickleError) -> PickleValue {
        guard arguments.count >= 3 else {
            throw unexpected("three arguments", .integer(arguments.count))
        }
        // One level is all that torch writes, and no more is followed.
        guard let function = heap.global(arguments[0]), function != .rebuildFromType else {
            throw unexpected("a function that makes a tensor", arguments[0])
        }
        switch heap.global(arguments[1]) {
        case .tensorClass, .parameterClass: break
        default: throw unexpected("torch.Tensor", arguments[1])
        }
        return try make(function, try elements(arguments[2]))
    }

    mutating func makeUnsupportedTensor(
        _ name: String
    ) throws(PickleError) -> PickleValue {
        try charge(1)
        heap.tensors.append(.unsupported(name))
        return .tensor(heap.tensors.count - 1)
    }

    mutating func makeTensor(
        _ arguments: [PickleValue], elementType: ElementType?
    ) throws(PickleError) -> PickleValue {
        guard arguments.count >= 4 else {
            throw unexpected("four arguments", .integer(arguments.count))
        }
        guard case .storage(let storage) = arguments[0] else {
            throw unexpected("a storage", arguments[0])
        }
        guard case .integer(let offset) = arguments[1] else {
            throw unexpected("a storage offset", arguments[1])
        }
        // Tensors whose elements are to be conjugated or negated when read say so in a dict of their own.
        let metadataIndex = elementType == nil ? 6 : 7
        if arguments.count > metadataIndex,
            case .dictionary(let metadata) = arguments[metadataIndex],
            !heap.dictionaries[metadata].isEmpty
        {
            return try makeUnsupportedTensor("a tensor with conjugate or negative bit")
        }
        if case .unsupported(let name) = heap.storages[storage].type, elementType == nil {
            return try makeUnsupportedTensor(name)
        }
        let shape = try integers(arguments[2])
        let strides = try integers(arguments[3])
        try charge(shape.count + strides.count + 1)
        heap.tensors.append(
            .dense(
                storage: storage, elementType: elementType, offset: offset, shape: shape,
                strides: strides))
        return .tensor(heap.tensors.count - 1)
    }

    func integers(_ value: PickleValue) throws(PickleError) -> [Int] {
        var integers: [Int] = []
        let elements = try elements(value)
        guard elements.count <= CheckpointTensor.largestRank else {
            throw .tooManyDimensions(
                limit: CheckpointTensor.largestRank, found: elements.count, offset: offset)
        }
        for element in elements {
            guard case .integer(let integer) = element else {
                throw unexpected("an integer", element)
            }
            integers.append(integer)
        }
        return integers
    }

    /// Python's BUILD: attributes for the value on top, which none of the values here has.
    func build(_ state: PickleValue) throws(PickleError) {
        switch try top() {
        case .dictionary, .list, .opaque: return
        case .tensor:
            // Attributes and hooks are nothing; a storage would replace the elements.
            if case .tuple(let index) = state, tuplesWithStorage.contains(index) {
                throw unexpected("a tensor's attributes", .storage(0))
            }
        case let other: throw unexpected("an object", other)
        }
    }
}
