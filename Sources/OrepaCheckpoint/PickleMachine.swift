import OrepaFiles

/// Interprets pickles, protocols 0 to 5, into inert values.
///
/// The opcodes are a closed set; nothing is called or imported. What a global would make is either a value of
/// `PickleValue` or opaque. Values live in `heap`, which successive runs share. Running takes time in proportion to the
/// bytes of the pickle, and memory of at most some hundred times as many bytes.
///
/// What an instruction takes from the stack is taken in a statement of its own, before anything is asked of `self`:
/// Swift evaluates the `self` of a call that does not mutate before the call's arguments, so that `f(try pop())` would
/// copy the stack, and ask a heap of before.
struct PickleMachine {
    var heap = PickleHeap()
    var reader: ByteReader
    let limits: CheckpointLimits
    /// Values that may be stored: as many as the limits allow, and as the bytes of the pickles can make sense of.
    let valueLimit: Int
    var stack: [PickleValue] = []
    /// For each open mark, the number of values that were on the stack.
    var marks: [Int] = []
    var memo = PickleMemo()
    /// The tuples among whose elements is a storage. Elements of a tuple never change.
    var tuplesWithStorage: Set<Int> = []
    /// For each tuple that was used as a storage's identifier, the storage.
    var storageByIdentifier: [Int: Int] = [:]
    /// For each text that was used as a storage's key, the position of the key in the heap.
    var keyByText: [Int: Int] = [:]
    var keyByName: [ByteName: Int] = [:]
    /// Values put into the memo and the containers so far.
    var storedCount = 0
    /// Where the current instruction starts.
    var offset = 0

    /// Prepares to read pickles, one behind the other, from `range` of `file`.
    init(_ file: FileBytes, in range: Range<Int>, limits: CheckpointLimits) {
        reader = ByteReader(file, in: range)
        self.limits = limits
        // A value takes a byte at least. It may be stored in a tuple, a dict and the memo, and copied with its dict.
        valueLimit =
            (CheckedSize(reader.remaining) * 4).atMost(limits.pickleValueCount)
            ?? limits.pickleValueCount
    }

    /// Offset within the file of what follows the pickles that have been run.
    var position: Int { reader.position }

    /// Runs one pickle to its end and returns what it describes.
    mutating func run() throws(PickleError) -> PickleValue {
        stack.removeAll(keepingCapacity: true)
        marks.removeAll(keepingCapacity: true)
        memo = PickleMemo()
        let start = reader.position
        while true {
            offset = reader.position
            guard offset - start < limits.pickleByteCount else {
                throw .tooLarge(limit: limits.pickleByteCount, found: reader.end - start)
            }
            guard let byte = reader.byte() else { throw .truncated(offset: offset) }
            guard let opcode = PickleOpcode(rawValue: byte) else {
                throw .unsupportedOpcode(byte, offset: offset)
            }
            if opcode == .stop { return try pop() }
            try execute(opcode)
        }
    }

    mutating func execute(_ opcode: PickleOpcode) throws(PickleError) {
        switch opcode {
        case .stop: break
        case .protocolVersion:
            let version = try read(UInt8.self)
            guard version <= 5 else { throw .unsupportedProtocol(found: Int(version)) }
        case .frame:
            // A frame is a promise about what can be read at once: it must not reach beyond the end.
            let length = try read(UInt64.self)
            guard length <= UInt64(reader.remaining) else { throw .truncated(offset: offset) }

        case .none: try push(.none)
        case .newTrue: try push(.bool(true))
        case .newFalse: try push(.bool(false))
        case .binaryInteger: try push(.integer(Int(try read(Int32.self))))
        case .binaryInteger1: try push(.integer(Int(try read(UInt8.self))))
        case .binaryInteger2: try push(.integer(Int(try read(UInt16.self))))
        case .long1: try pushLong(byteCount: Int(try read(UInt8.self)))
        case .long4:
            let count = Int(try read(Int32.self))
            try pushLong(byteCount: count)
        case .binaryFloat:
            guard let bits = reader.bigEndian(UInt64.self) else {
                throw .truncated(offset: offset)
            }
            try push(.float(Double(bitPattern: bits)))
        case .integerLine: try pushIntegerLine()
        case .longLine: try pushLongLine()
        case .floatLine:
            guard let value = Double(try shortLine()) else {
                throw .badText(expected: "a number", offset: offset)
            }
            try push(.float(value))

        case .shortBinaryUnicode: try pushText(byteCount: UInt64(try read(UInt8.self)))
        case .binaryUnicode: try pushText(byteCount: UInt64(try read(UInt32.self)))
        case .binaryUnicode8: try pushText(byteCount: try read(UInt64.self))
        case .unicodeLine: try push(try line())
        case .shortBinaryString: try pushString(byteCount: UInt64(try read(UInt8.self)))
        case .binaryString: try pushString(byteCount: UInt64(try read(UInt32.self)))
        case .stringLine: try pushQuotedLine()
        case .shortBinaryBytes: try pushBytes(byteCount: UInt64(try read(UInt8.self)))
        case .binaryBytes: try pushBytes(byteCount: UInt64(try read(UInt32.self)))
        case .binaryBytes8, .byteArray8: try pushBytes(byteCount: try read(UInt64.self))

        case .mark:
            guard marks.count < limits.pickleNesting else {
                throw .tooDeep(limit: limits.pickleNesting, offset: offset)
            }
            marks.append(stack.count)
        case .pop:
            // Python's POP removes a mark when one is on top.
            if let mark = marks.last, mark == stack.count {
                marks.removeLast()
            } else {
                _ = try pop()
            }
        case .popMark: _ = try popMark()
        case .duplicate: try push(try top())

        case .emptyTuple: try pushTuple([])
        case .tuple1: try pushTuple([try pop()])
        case .tuple2:
            let second = try pop()
            try pushTuple([try pop(), second])
        case .tuple3:
            let third = try pop()
            let second = try pop()
            try pushTuple([try pop(), second, third])
        case .tuple: try pushTuple(try popMark())
        case .emptyList: try pushList([])
        case .list: try pushList(try popMark())
        case .emptyDictionary: try pushDictionary([])
        case .dictionary:
            let values = try popMark()
            try pushDictionary(try pairs(values))
        case .emptySet: try push(.opaque)
        case .frozenSet:
            _ = try popMark()
            try push(.opaque)
        case .append:
            let value = try pop()
            try append([value])
        case .appends, .addItems: try append(try popMark())
        case .setItem:
            let value = try pop()
            let key = try pop()
            try setItems([(key, value)])
        case .setItems:
            let values = try popMark()
            try setItems(try pairs(values))

        case .put: try memorise(try lineIndex())
        case .binaryPut: try memorise(Int(try read(UInt8.self)))
        case .longBinaryPut: try memorise(Int(try read(UInt32.self)))
        case .memoize: try memorise(memo.count)
        case .get: try recall(try lineIndex())
        case .binaryGet: try recall(Int(try read(UInt8.self)))
        case .longBinaryGet: try recall(Int(try read(UInt32.self)))

        case .global:
            let module = try line()
            try push(try global(module, try line()))
        case .stackGlobal:
            let (nameValue, moduleValue) = (try pop(), try pop())
            try push(try global(try text(moduleValue), try text(nameValue)))
        case .instance:
            let module = try line()
            let named = try global(module, try line())
            let arguments = try popMark()
            try push(try make(try callable(named), arguments))
        case .object:
            let values = try popMark()
            let callee = try callable(values.first ?? .none)
            try push(try make(callee, Array(values.dropFirst())))
        case .reduce, .newObject:
            let (sequence, function) = (try pop(), try pop())
            let arguments = try elements(sequence)
            try push(try make(try callable(function), arguments))
        case .build:
            let state = try pop()
            try build(state)
        case .binaryPersistentIdentifier:
            let identifier = try pop()
            try pushStorage(identifier)
        }
    }

    // MARK: - Stack, memo and bounds

    mutating func push(_ value: PickleValue) throws(PickleError) {
        guard stack.count < limits.pickleValueCount else {
            throw .tooManyValues(limit: limits.pickleValueCount, offset: offset)
        }
        stack.append(value)
    }

    mutating func pop() throws(PickleError) -> PickleValue {
        guard stack.count > marks.last ?? 0 else { throw .stackUnderflow(offset: offset) }
        return stack.removeLast()
    }

    func top() throws(PickleError) -> PickleValue {
        guard stack.count > marks.last ?? 0 else { throw .stackUnderflow(offset: offset) }
        return stack[stack.count - 1]
    }

    /// Removes the last mark and the values above it, and returns them.
    mutating func popMark() throws(PickleError) -> [PickleValue] {
        guard let mark = marks.popLast() else { throw .noMark(offset: offset) }
        let values = Array(stack[mark...])
        stack.removeSubrange(mark...)
        return values
    }

    /// Charges `count` stored values against the limit.
    mutating func charge(_ count: Int) throws(PickleError) {
        guard count <= valueLimit - storedCount else {
            throw .tooManyValues(limit: valueLimit, offset: offset)
        }
        storedCount += count
    }

    mutating func memorise(_ index: Int) throws(PickleError) {
        let value = try top()
        if memo.store(value, at: index) { try charge(1) }
    }

    mutating func recall(_ index: Int) throws(PickleError) {
        guard let value = memo[index] else { throw .unknownMemo(index: index, offset: offset) }
        try push(value)
    }

    func unexpected(_ expected: String, _ found: PickleValue) -> PickleError {
        .unexpectedValue(expected: expected, found: heap.kind(found), offset: offset)
    }
}
