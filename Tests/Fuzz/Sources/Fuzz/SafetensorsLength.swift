/// Puts right the length that a safetensors file says its header has: up to the last brace.
enum SafetensorsLength {
    static func repair(_ bytes: UnsafeMutableRawBufferPointer) {
        guard bytes.count > 8, let last = bytes.lastIndex(of: UInt8(ascii: "}")), last > 8 else {
            return
        }
        let length = last - 7
        for index in 0..<8 { bytes[index] = UInt8(truncatingIfNeeded: length >> (8 * index)) }
    }
}
