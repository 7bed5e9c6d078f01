import COrepa

// `size_t` comes in as Int: a number beyond Int.max as a negative one.

/// The `count` bytes at `pointer`.
func buffer(_ pointer: UnsafeRawPointer?, _ count: Int, _ argument: String) throws(Failure)
    -> UnsafeRawBufferPointer
{
    guard count >= 0 else {
        throw .argument(
            "size of \(argument)", expected: "at most \(Int.max) bytes",
            found: "\(UInt(bitPattern: count))")
    }
    guard let pointer else {
        if count == 0 { return UnsafeRawBufferPointer(start: nil, count: 0) }
        throw .null(argument, expected: "\(count) bytes")
    }
    return UnsafeRawBufferPointer(start: pointer, count: count)
}

/// `count` Float32 values at `pointer`, as many as expected.
func values(
    _ pointer: UnsafeRawPointer?, _ count: Int, expected: Int, _ argument: String
) throws(Failure) {
    guard count == expected else {
        throw .argument(
            argument, expected: "\(expected) values", found: "\(UInt(bitPattern: count))")
    }
    guard let pointer else {
        if count == 0 { return }
        throw .null(argument, expected: "\(expected) values")
    }
    guard Int(bitPattern: pointer) % MemoryLayout<Float>.alignment == 0 else {
        throw .argument(
            argument, expected: "an address that is a multiple of 4", found: "\(pointer)")
    }
}

/// Checks that there are more than `index` of the things.
func checkIndex(_ index: Int, _ count: Int, _ thing: String) throws(Failure) {
    guard 0..<count ~= index else {
        throw .argument(
            "index of the \(thing)", expected: count == 0 ? "none" : "0 to \(count - 1)",
            found: "\(UInt(bitPattern: index))")
    }
}

extension UnsafeBufferPointer<Float> {
    /// The index of the first value that is NaN or infinite.
    var firstNotFinite: Int? {
        orepa_all_finite(baseAddress, count) ? nil : firstIndex { !$0.isFinite }
    }
}
