import OrepaFiles

/// Numbers and texts: what an instruction reads from the bytes behind it.
extension PickleMachine {
    mutating func read<T: FixedWidthInteger>(_ type: T.Type) throws(PickleError) -> T {
        guard let value = reader.littleEndian(type) else { throw .truncated(offset: offset) }
        return value
    }

    mutating func bytes(_ count: UInt64) throws(PickleError) -> Range<Int> {
        guard let count = Int(exactly: count), let range = reader.take(count) else {
            throw .truncated(offset: offset)
        }
        return range
    }

    /// The rest of the line as text.
    mutating func line() throws(PickleError) -> String {
        guard let range = reader.take(until: UInt8(ascii: "\n")) else {
            throw .truncated(offset: offset)
        }
        guard let text = reader.file.string(range) else {
            throw .badText(expected: "UTF-8", offset: offset)
        }
        return text
    }

    /// The rest of the line, which holds a number.
    mutating func shortLine() throws(PickleError) -> String {
        let text = try line()
        guard text.utf8.count <= limits.pickleIntegerByteCount else {
            throw .integerTooLong(
                limit: limits.pickleIntegerByteCount, found: text.utf8.count, offset: offset)
        }
        return text
    }

    mutating func lineIndex() throws(PickleError) -> Int {
        guard let index = Int(try shortLine()), index >= 0 else {
            throw .badText(expected: "an index", offset: offset)
        }
        return index
    }

    /// Pushes an integer of `byteCount` bytes in two's complement.
    mutating func pushLong(byteCount: Int) throws(PickleError) {
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

    mutating func pushIntegerLine() throws(PickleError) {
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

    mutating func pushLongLine() throws(PickleError) {
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

    mutating func pushLong(_ bytes: [UInt8]) throws(PickleError) {
        try charge(1)
        heap.longIntegers.append(bytes)
        try push(.longInteger(heap.longIntegers.count - 1))
    }

    mutating func push(_ text: String) throws(PickleError) {
        try charge(1)
        heap.texts.append(text)
        try push(.text(heap.texts.count - 1))
    }

    mutating func pushText(byteCount: UInt64) throws(PickleError) {
        guard let text = reader.file.string(try bytes(byteCount)) else {
            throw .badText(expected: "UTF-8", offset: offset)
        }
        try push(text)
    }

    /// Pushes a string of Python 2, which is text as often as bytes.
    mutating func pushString(byteCount: UInt64) throws(PickleError) {
        let range = try bytes(byteCount)
        if let text = reader.file.string(range) { try push(text) } else { try push(.bytes) }
    }

    mutating func pushQuotedLine() throws(PickleError) {
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

    mutating func pushBytes(byteCount: UInt64) throws(PickleError) {
        _ = try bytes(byteCount)
        try push(.bytes)
    }

    func text(_ value: PickleValue) throws(PickleError) -> String {
        guard let text = heap.text(value) else { throw unexpected("a string", value) }
        return text
    }
}
