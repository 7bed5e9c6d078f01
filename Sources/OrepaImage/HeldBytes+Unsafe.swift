/// Bytes that lie in the file, or that were made of some.
enum HeldBytes {
    case borrowed(Bytes)
    case owned([UInt8])

    var isEmpty: Bool {
        switch self {
        case .borrowed(let bytes): bytes.count == 0
        case .owned(let bytes): bytes.isEmpty
        }
    }

    /// Calls `body` with them.
    func withBytes<Value>(_ body: (Bytes) throws(ImageError) -> Value) throws(ImageError) -> Value {
        switch self {
        case .borrowed(let bytes): return try body(bytes)
        case .owned(let bytes):
            return try bytes.withUnsafeBufferPointer { (bytes) throws(ImageError) in
                try body(Bytes(UnsafeRawBufferPointer(bytes)))
            }
        }
    }
}
