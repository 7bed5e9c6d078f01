import OrepaSafetensors

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
    private(set) var heap = PickleHeap()
    private var reader: ByteReader
    private let limits: CheckpointLimits
    /// Values that may be stored: as many as the limits allow, and as the bytes of the pickles can make sense of.
    private let valueLimit: Int
    private var stack: [PickleValue] = []
    /// For each open mark, the number of values that were on the stack.
    private var marks: [Int] = []
    private var memo = PickleMemo()
    /// The tuples among whose elements is a storage. Elements of a tuple never change.
    private var tuplesWithStorage: Set<Int> = []
    /// For each tuple that was used as a storage's identifier, the storage.
    private var storageByIdentifier: [Int: Int] = [:]
    /// For each text that was used as a storage's key, the position of the key in the heap.
    private var keyByText: [Int: Int] = [:]
    private var keyByName: [ByteName: Int] = [:]
    /// Values put into the memo and the containers so far.
    private var storedCount = 0
    /// Where the current instruction starts.
    private var offset = 0

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

    private mutating func execute(_ opcode: PickleOpcode) throws(PickleError) {
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

    private mutating func push(_ value: PickleValue) throws(PickleError) {
        guard stack.count < limits.pickleValueCount else {
            throw .tooManyValues(limit: limits.pickleValueCount, offset: offset)
        }
        stack.append(value)
    }

    private mutating func pop() throws(PickleError) -> PickleValue {
        guard stack.count > marks.last ?? 0 else { throw .stackUnderflow(offset: offset) }
        return stack.removeLast()
    }

    private func top() throws(PickleError) -> PickleValue {
        guard stack.count > marks.last ?? 0 else { throw .stackUnderflow(offset: offset) }
        return stack[stack.count - 1]
    }

    /// Removes the last mark and the values above it, and returns them.
    private mutating func popMark() throws(PickleError) -> [PickleValue] {
        guard let mark = marks.popLast() else { throw .noMark(offset: offset) }
        let values = Array(stack[mark...])
        stack.removeSubrange(mark...)
        return values
    }

    /// Charges `count` stored values against the limit.
    private mutating func charge(_ count: Int) throws(PickleError) {
        guard count <= valueLimit - storedCount else {
            throw .tooManyValues(limit: valueLimit, offset: offset)
        }
        storedCount += count
    }

    private mutating func memorise(_ index: Int) throws(PickleError) {
        let value = try top()
        if memo.store(value, at: index) { try charge(1) }
    }

    private mutating func recall(_ index: Int) throws(PickleError) {
        guard let value = memo[index] else { throw .unknownMemo(index: index, offset: offset) }
        try push(value)
    }

    private func unexpected(_ expected: String, _ found: PickleValue) -> PickleError {
        .unexpectedValue(expected: expected, found: heap.kind(found), offset: offset)
    }

    // MARK: - Scalars

    private mutating func read<T: FixedWidthInteger>(_ type: T.Type) throws(PickleError) -> T {
        guard let value = reader.littleEndian(type) else { throw .truncated(offset: offset) }
        return value
    }

    private mutating func bytes(_ count: UInt64) throws(PickleError) -> Range<Int> {
        guard let count = Int(exactly: count), let range = reader.take(count) else {
            throw .truncated(offset: offset)
        }
        return range
    }

    /// The rest of the line as text.
    private mutating func line() throws(PickleError) -> String {
        guard let range = reader.take(until: UInt8(ascii: "\n")) else {
            throw .truncated(offset: offset)
        }
        guard let text = reader.file.string(range) else {
            throw .badText(expected: "UTF-8", offset: offset)
        }
        return text
    }

    /// The rest of the line, which holds a number.
    private mutating func shortLine() throws(PickleError) -> String {
        let text = try line()
        guard text.utf8.count <= limits.pickleIntegerByteCount else {
            throw .integerTooLong(
                limit: limits.pickleIntegerByteCount, found: text.utf8.count, offset: offset)
        }
        return text
    }

    private mutating func lineIndex() throws(PickleError) -> Int {
        guard let index = Int(try shortLine()), index >= 0 else {
            throw .badText(expected: "an index", offset: offset)
        }
        return index
    }

    /// Pushes an integer of `byteCount` bytes in two's complement.
    private mutating func pushLong(byteCount: Int) throws(PickleError) {
        guard (0...limits.pickleIntegerByteCount).contains(byteCount) else {
            throw .integerTooLong(
                limit: limits.pickleIntegerByteCount, found: byteCount, offset: offset)
        }
        let digits = reader.file.copy(try bytes(UInt64(byteCount)))
        guard byteCount <= 8 else { return try pushLong(digits) }
        var value: UInt64 = 0
        var isNegative = false
        for (index, byte) in digits.enumerated() {
            value |= UInt64(byte) << (8 * UInt64(index))
            isNegative = byte & 0x80 != 0
        }
        if isNegative, byteCount < 8 { value |= ~0 << (8 * UInt64(byteCount)) }
        try push(.integer(Int(Int64(bitPattern: value))))
    }

    private mutating func pushIntegerLine() throws(PickleError) {
        let text = try shortLine()
        switch text {
        case "00": try push(.bool(false))
        case "01": try push(.bool(true))
        default:
            guard let value = Int(text) else {
                throw .badText(expected: "an integer of 64 bits", offset: offset)
            }
            try push(.integer(value))
        }
    }

    private mutating func pushLongLine() throws(PickleError) {
        var digits = Array(try shortLine().utf8)
        if digits.last == UInt8(ascii: "L") { digits.removeLast() }
        if let value = Int(String(decoding: digits, as: UTF8.self)) {
            return try push(.integer(value))
        }
        // Beyond 64 bits: only the magnitude is kept, as the magic number needs it, and not that of numbers which are
        // far greater: to convert takes time with the square of the digits.
        var magnitude: [UInt8] = []
        let significant = digits.drop { $0 == UInt8(ascii: "-") }
        guard !significant.isEmpty,
            significant.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) })
        else { throw .badText(expected: "an integer", offset: offset) }
        for character in significant where significant.count <= Self.mostDigits {
            var carry = Int(character - UInt8(ascii: "0"))
            for index in magnitude.indices {
                carry += 10 * Int(magnitude[index])
                magnitude[index] = UInt8(carry & 0xFF)
                carry >>= 8
            }
            if carry > 0 { magnitude.append(UInt8(carry)) }
        }
        try pushLong(magnitude)
    }

    /// Decimal digits of the longest integer whose value is kept.
    private static let mostDigits = 64

    private mutating func pushLong(_ bytes: [UInt8]) throws(PickleError) {
        try charge(1)
        heap.longIntegers.append(bytes)
        try push(.longInteger(heap.longIntegers.count - 1))
    }

    private mutating func push(_ text: String) throws(PickleError) {
        try charge(1)
        heap.texts.append(text)
        try push(.text(heap.texts.count - 1))
    }

    private mutating func pushText(byteCount: UInt64) throws(PickleError) {
        guard let text = reader.file.string(try bytes(byteCount)) else {
            throw .badText(expected: "UTF-8", offset: offset)
        }
        try push(text)
    }

    /// Pushes a string of Python 2, which is text as often as bytes.
    private mutating func pushString(byteCount: UInt64) throws(PickleError) {
        let range = try bytes(byteCount)
        if let text = reader.file.string(range) { try push(text) } else { try push(.bytes) }
    }

    private mutating func pushQuotedLine() throws(PickleError) {
        let text = try line()
        guard text.utf8.count >= 2, let quote = text.utf8.first,
            quote == UInt8(ascii: "'") || quote == UInt8(ascii: "\""), text.utf8.last == quote
        else { throw .badText(expected: "a quoted string", offset: offset) }
        // Names that matter here have no escapes; what has some can be anything.
        let content = text.utf8.dropFirst().dropLast()
        if content.contains(UInt8(ascii: "\\")) {
            try push(.bytes)
        } else {
            try push(String(Substring(content)))
        }
    }

    private mutating func pushBytes(byteCount: UInt64) throws(PickleError) {
        _ = try bytes(byteCount)
        try push(.bytes)
    }

    private func text(_ value: PickleValue) throws(PickleError) -> String {
        guard let text = heap.text(value) else { throw unexpected("a string", value) }
        return text
    }

    // MARK: - Containers

    private mutating func pushTuple(_ values: [PickleValue]) throws(PickleError) {
        try charge(values.count + 1)
        heap.tuples.append(values)
        let hasStorage = values.contains { if case .storage = $0 { true } else { false } }
        if hasStorage { tuplesWithStorage.insert(heap.tuples.count - 1) }
        try push(.tuple(heap.tuples.count - 1))
    }

    private mutating func pushList(_ values: [PickleValue]) throws(PickleError) {
        try charge(values.count + 1)
        heap.lists.append(values)
        try push(.list(heap.lists.count - 1))
    }

    private mutating func pushDictionary(
        _ pairs: [(key: PickleValue, value: PickleValue)]
    ) throws(PickleError) {
        try push(try dictionary(pairs))
    }

    private mutating func dictionary(
        _ pairs: [(key: PickleValue, value: PickleValue)]
    ) throws(PickleError) -> PickleValue {
        try charge(2 * pairs.count + 1)
        heap.dictionaries.append(pairs)
        return .dictionary(heap.dictionaries.count - 1)
    }

    /// Keys and values that alternate, paired.
    private func pairs(
        _ values: [PickleValue]
    ) throws(PickleError) -> [(key: PickleValue, value: PickleValue)] {
        guard values.count % 2 == 0 else { throw .stackUnderflow(offset: offset) }
        return stride(from: 0, to: values.count, by: 2).map { (values[$0], values[$0 + 1]) }
    }

    private mutating func append(_ values: [PickleValue]) throws(PickleError) {
        switch try top() {
        case .list(let index):
            try charge(values.count)
            heap.lists[index].append(contentsOf: values)
        case .opaque: break
        case let other: throw unexpected("a list", other)
        }
    }

    private mutating func setItems(
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
    private func elements(_ value: PickleValue) throws(PickleError) -> [PickleValue] {
        switch value {
        case .tuple(let index): return heap.tuples[index]
        case .list(let index): return heap.lists[index]
        default: throw unexpected("a tuple", value)
        }
    }

    // MARK: - Globals

    private mutating func global(
        _ module: String, _ name: String
    ) throws(PickleError) -> PickleValue {
        guard let global = PickleGlobal(module: module, name: name) else {
            throw .refusedGlobal("\(module).\(name)".escapedForPrinting(limit: 200))
        }
        try charge(1)
        heap.globals.append(global)
        return .global(heap.globals.count - 1)
    }

    private func callable(_ value: PickleValue) throws(PickleError) -> PickleGlobal {
        guard let global = heap.global(value) else { throw unexpected("a class", value) }
        return global
    }

    /// What calling `global` with `arguments` would give, as an inert value.
    private mutating func make(
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

    private mutating func emptyTuple() throws(PickleError) -> PickleValue {
        try charge(1)
        heap.tuples.append([])
        return .tuple(heap.tuples.count - 1)
    }

    /// The pairs that a dict begins with when it is made from `value`: a dict, or pairs in a sequence.
    private func initialPairs(
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
    private mutating func makeFromType(
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

    private mutating func makeUnsupportedTensor(
        _ name: String
    ) throws(PickleError) -> PickleValue {
        try charge(1)
        heap.tensors.append(.unsupported(name))
        return .tensor(heap.tensors.count - 1)
    }

    private mutating func makeTensor(
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

    private func integers(_ value: PickleValue) throws(PickleError) -> [Int] {
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
    private func build(_ state: PickleValue) throws(PickleError) {
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

    // MARK: - Storages

    /// Pushes the storage that a persistent identifier names: `('storage', class, key, device, count)`, before
    /// PyTorch 1.6 with a sixth element, None or `(key, offset, count)` of the part that is meant.
    private mutating func pushStorage(_ tuple: PickleValue) throws(PickleError) {
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
