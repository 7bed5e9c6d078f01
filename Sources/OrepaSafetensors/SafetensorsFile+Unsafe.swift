extension SafetensorsFile {
    /// The tensor's bytes, borrowed: valid for as long as `file` is alive.
    ///
    /// `entry` must come from this file.
    public func bytes(of entry: Entry) -> UnsafeRawBufferPointer {
        precondition(entry.range.upperBound <= file.count, "an entry of another file")
        return UnsafeRawBufferPointer(rebasing: file.bytes[entry.range])
    }

    /// A copy of the elements that `entry` describes, row-major.
    ///
    /// - Precondition: `Element` has the size of the entry's element type.
    public func elements<Element: BitwiseCopyable>(
        of entry: Entry, as type: Element.Type = Element.self
    ) -> [Element] {
        precondition(MemoryLayout<Element>.size == entry.elementType.byteCount)
        defer { withExtendedLifetime(file) {} }
        let source = bytes(of: entry)
        // Memory: checked by the caller.
        return [Element](unsafeUninitializedCapacity: entry.elementCount) { buffer, initialized in
            UnsafeMutableRawBufferPointer(buffer).copyMemory(from: source)
            initialized = entry.elementCount
        }
    }
}
