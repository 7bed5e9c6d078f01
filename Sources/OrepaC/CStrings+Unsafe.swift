import COrepa
import OrepaSystem

/// Strings as C has them, in one piece of memory that stays where it is.
final class CStrings: @unchecked Sendable {
    private let bytes: UnsafeMutablePointer<CChar>
    private let offsets: [Int]

    /// Strings whose number or length a file decides.
    convenience init(checked strings: [String]) throws(Failure) {
        // The text, and where each begins.
        let count = strings.reduce(0) { $0 + $1.utf8.count + 1 + MemoryLayout<Int>.stride * 3 }
        try checkMemory(count: count, size: 1)
        self.init(strings)
    }

    init(_ strings: [String]) {
        var offsets: [Int] = []
        var count = 0
        for string in strings {
            offsets.append(count)
            count += string.utf8.count + 1
        }
        self.offsets = offsets
        // Memory: checked, or names of the library's own.
        bytes = .allocate(capacity: max(count, 1))
        bytes.initialize(repeating: 0, count: max(count, 1))
        for (var string, offset) in zip(strings, offsets) {
            string.withUTF8 {
                UnsafeMutableRawPointer(bytes + offset).copyMemory(
                    from: $0.baseAddress ?? UnsafePointer(bitPattern: 1)!, byteCount: $0.count)
            }
        }
    }

    deinit { bytes.deallocate() }

    var count: Int { offsets.count }

    /// Valid as long as the object.
    subscript(index: Int) -> UnsafePointer<CChar> { UnsafePointer(bytes + offsets[index]) }
}

/// The path at `pointer`, which need not be UTF-8.
func path(_ pointer: UnsafePointer<CChar>?, _ argument: String) throws(Failure) -> RawPath {
    guard let pointer else { throw .null(argument, expected: "a string") }
    return RawPath(cString: pointer)
}

/// The string at `pointer`.
func string(_ pointer: UnsafePointer<CChar>?, _ argument: String) throws(Failure) -> String {
    guard let pointer else { throw .null(argument, expected: "a string") }
    guard let string = String(validatingCString: pointer) else {
        throw .argument(argument, expected: "UTF-8", found: "other bytes")
    }
    return string
}
