import COrepa
import Orepa
import OrepaPlan
import OrepaThreads

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
    _ pointer: UnsafeRawPointer?, _ count: Int, expected: Int, _ argument: @autoclosure () -> String
) throws(Failure) {
    guard count == expected else {
        throw .argument(
            argument(), expected: "\(expected) values", found: "\(UInt(bitPattern: count))")
    }
    guard let pointer else {
        if count == 0 { return }
        throw .null(argument(), expected: "\(expected) values")
    }
    guard Int(bitPattern: pointer) % MemoryLayout<Float>.alignment == 0 else {
        throw .argument(
            argument(), expected: "an address that is a multiple of 4", found: "\(pointer)")
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
    /// Checks that all values are finite.
    ///
    /// - Parameters:
    ///   - limits: Of the call, looked at about each millisecond.
    ///   - name: Of the argument's value with the index that it is given.
    func checkFinite(
        limits: CallLimits, _ name: (_ index: Int) -> String
    ) throws(Failure) {
        let part = 1 << 20
        for start in stride(from: 0, to: count, by: part) {
            if start > 0 {
                try calling { () throws(OrepaError) in try limits.check() }
            }
            let values = self[start..<Swift.min(start + part, count)]
            guard !orepa_all_finite(baseAddress! + start, values.count) else { continue }
            let index = values.firstIndex { !$0.isFinite } ?? start
            throw .argument(name(index), expected: "a finite number", found: "\(self[index])")
        }
    }
}
