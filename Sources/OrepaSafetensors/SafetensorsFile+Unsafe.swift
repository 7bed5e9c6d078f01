extension SafetensorsFile {
    /// The tensor's bytes, borrowed: valid for as long as `file` is alive.
    ///
    /// `entry` must come from this file.
    public func bytes(of entry: Entry) -> UnsafeRawBufferPointer {
        precondition(entry.range.upperBound <= file.count, "an entry of another file")
        return UnsafeRawBufferPointer(rebasing: file.bytes[entry.range])
    }
}
