import OrepaFiles

/// Takes the parts that JSON (RFC 8259) is made of from a range of bytes, one after the other.
///
/// What they may be together is for the two parsers that use it to say: ``SafetensorsHeader``, whose JSON has a fixed
/// shape, and ``JSONReader``. Each throws an error of its own, made of an offset within the file, of what was expected
/// there and what was found.
package struct JSONScanner<Failure: Error> {
    private var reader: ByteReader
    private let end: String
    private let failure: (_ offset: Int, _ expected: String, _ found: String) -> Failure

    /// - Parameter end: What to call the end of the range where it comes too early.
    package init(
        _ file: FileBytes, in range: Range<Int>, end: String,
        failure: @escaping (_ offset: Int, _ expected: String, _ found: String) -> Failure
    ) {
        reader = ByteReader(file, in: range)
        self.end = end
        self.failure = failure
    }

    /// Offset within the file of the next byte.
    package var position: Int { reader.position }

    /// The next byte, which stays the next one.
    package func peek() -> UInt8? { reader.peek() }

    package mutating func skipSpace() {
        while let byte = reader.peek(), byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D
        {
            _ = reader.byte()
        }
    }

    /// Steps over `character` where it is what comes next behind white space, and says whether it is.
    package mutating func accept(_ character: Unicode.Scalar) -> Bool {
        skipSpace()
        return acceptHere(character)
    }

    package mutating func expect(_ character: Unicode.Scalar) throws(Failure) {
        guard accept(character) else { throw unexpected("`\(character)`") }
    }

    package mutating func expectEnd() throws(Failure) {
        skipSpace()
        guard reader.peek() == nil else { throw unexpected(end) }
    }

    /// Steps over `true`, `false` or `null`.
    mutating func expectWord(_ word: String) throws(Failure) {
        for byte in word.utf8 {
            guard reader.peek() == byte else { throw unexpected("`\(word)`") }
            _ = reader.byte()
        }
    }

    /// Steps over a digit, where one comes next, and gives its value.
    package mutating func digit() -> Int? {
        guard let byte = reader.peek(), (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
        else { return nil }
        _ = reader.byte()
        return Int(byte - UInt8(ascii: "0"))
    }

    /// Reads a number and gives its text.
    mutating func number() throws(Failure) -> String {
        let start = reader.position
        _ = acceptHere("-")
        if !acceptHere("0") { try digits() }
        if acceptHere(".") { try digits() }
        if acceptHere("e") || acceptHere("E") {
            if !acceptHere("+") { _ = acceptHere("-") }
            try digits()
        }
        return reader.file.string(start..<reader.position) ?? ""
    }

    /// Reads a string that names something: of at most ``ByteName/largestByteCount`` bytes.
    package mutating func name() throws(Failure) -> String {
        skipSpace()
        let start = reader.position
        let name = try string()
        guard name.utf8.count <= ByteName.largestByteCount else {
            throw failure(
                start, "a name of at most \(ByteName.largestByteCount) bytes",
                "\(name.utf8.count)")
        }
        return name
    }

    package mutating func string() throws(Failure) -> String {
        try expect("\"")
        let start = reader.position
        // Most strings have no escape sequence and are taken as they are.
        while let byte = reader.peek(), byte >= 0x20, byte != UInt8(ascii: "\""),
            byte != UInt8(ascii: "\\")
        {
            _ = reader.byte()
        }
        let plain = start..<reader.position
        if acceptHere("\"") {
            guard let text = reader.file.string(plain) else { throw notUTF8(start) }
            return text
        }
        var bytes = reader.file.copy(plain)
        while true {
            guard let byte = reader.peek() else { throw unexpected("`\"`") }
            guard byte >= 0x20 else { throw unexpected("no control character") }
            _ = reader.byte()
            switch byte {
            case UInt8(ascii: "\""):
                guard let text = String(validating: bytes, as: UTF8.self) else {
                    throw notUTF8(start)
                }
                return text
            case UInt8(ascii: "\\"): try escape(into: &bytes)
            default: bytes.append(byte)
            }
        }
    }

    /// That something else comes next than `expected`.
    package func unexpected(_ expected: String) -> Failure {
        let found =
            switch reader.peek() {
            case nil: end
            case .some(let byte) where byte > 0x20 && byte < 0x7F:
                "`\(Character(Unicode.Scalar(byte)))`"
            case .some(let byte): "byte \(byte)"
            }
        return failure(reader.position, expected, found)
    }

    private func notUTF8(_ start: Int) -> Failure { failure(start, "UTF-8", "invalid bytes") }

    private mutating func acceptHere(_ character: Unicode.Scalar) -> Bool {
        guard reader.peek() == UInt8(ascii: character) else { return false }
        _ = reader.byte()
        return true
    }

    private mutating func digits() throws(Failure) {
        guard digit() != nil else { throw unexpected("a digit") }
        while digit() != nil {}
    }

    /// Appends what the escape sequence behind a backslash stands for.
    private mutating func escape(into bytes: inout [UInt8]) throws(Failure) {
        let meaning: UInt8
        switch reader.peek() {
        case UInt8(ascii: "\""): meaning = UInt8(ascii: "\"")
        case UInt8(ascii: "\\"): meaning = UInt8(ascii: "\\")
        case UInt8(ascii: "/"): meaning = UInt8(ascii: "/")
        case UInt8(ascii: "b"): meaning = 0x08
        case UInt8(ascii: "f"): meaning = 0x0C
        case UInt8(ascii: "n"): meaning = 0x0A
        case UInt8(ascii: "r"): meaning = 0x0D
        case UInt8(ascii: "t"): meaning = 0x09
        case UInt8(ascii: "u"):
            _ = reader.byte()
            bytes.append(contentsOf: try codePoint().utf8)
            return
        default: throw unexpected("an escape sequence")
        }
        _ = reader.byte()
        bytes.append(meaning)
    }

    /// The character of the digits behind `\u`, and of the sequence behind them where they need a second one.
    private mutating func codePoint() throws(Failure) -> String {
        let start = reader.position
        var units = [try hexadecimal()]
        if UTF16.isLeadSurrogate(units[0]), acceptHere("\\") {
            guard acceptHere("u") else { throw unexpected("a second surrogate") }
            units.append(try hexadecimal())
        }
        guard let text = String(validating: units, as: UTF16.self) else {
            throw failure(start, "a character", "a lone surrogate")
        }
        return text
    }

    private mutating func hexadecimal() throws(Failure) -> UInt16 {
        var value: UInt16 = 0
        for _ in 0..<4 {
            guard let byte = reader.peek(),
                let digit = Character(Unicode.Scalar(byte)).hexDigitValue
            else { throw unexpected("a hexadecimal digit") }
            _ = reader.byte()
            value = value << 4 | UInt16(digit)
        }
        return value
    }
}
