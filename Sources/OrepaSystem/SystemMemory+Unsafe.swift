import CLinuxThreads
import Glibc

/// Memory whose size a file, a picture or a caller decides: all of it comes from here, where the system may refuse it. An
/// allocation of Swift's own that is refused ends the process; that may only happen to small ones, for which a margin is
/// left behind each allocation that this makes.
package enum SystemMemory {
    /// Checks that the system would give that many bytes and the margin. What follows may allocate as much in Swift's own
    /// way: arrays, strings, objects.
    ///
    /// Costs about a microsecond. Other threads may take the memory meanwhile, so that memory which is not small and is
    /// not given away as an array is better held as a ``SystemBuffer``.
    package static func check(byteCount: Int = 0) throws(MemoryRefusal) {
        guard byteCount >= 0, orepa_memory_is_there(byteCount) else {
            throw MemoryRefusal(byteCount: byteCount)
        }
    }

    /// The same for `count` things of `size` bytes each, neither negative.
    package static func check(count: Int, size: Int) throws(MemoryRefusal) {
        try check(byteCount: try product(count, size))
    }

    /// Whole pages of zeros for that many bytes, which ``unmap(_:byteCount:)`` gives back.
    package static func map(byteCount: Int) throws(MemoryRefusal) -> UnsafeMutableRawPointer {
        guard byteCount > 0, let pages = orepa_memory_map(byteCount) else {
            throw MemoryRefusal(byteCount: byteCount)
        }
        return pages
    }

    /// Gives back pages that ``map(byteCount:)`` gave, or some of them.
    package static func unmap(_ pages: UnsafeMutableRawPointer, byteCount: Int) {
        munmap(pages, byteCount)
    }

    /// That many bytes, aligned to 64, not initialised, which ``deallocate(_:)`` gives back.
    package static func allocate(byteCount: Int) throws(MemoryRefusal) -> UnsafeMutableRawPointer {
        guard byteCount >= 0, let memory = orepa_memory_allocate(byteCount) else {
            throw MemoryRefusal(byteCount: byteCount)
        }
        return memory
    }

    /// Gives back what ``allocate(byteCount:)`` gave.
    package static func deallocate(_ memory: UnsafeMutableRawPointer) { free(memory) }

    static func product(_ count: Int, _ size: Int) throws(MemoryRefusal) -> Int {
        let (byteCount, overflow) = count.multipliedReportingOverflow(by: size)
        guard !overflow, byteCount >= 0 else { throw MemoryRefusal(byteCount: .max) }
        return byteCount
    }
}

/// Elements in memory that the system may refuse, not initialised, aligned to 64 bytes.
package final class SystemBuffer<Element: BitwiseCopyable>: @unchecked Sendable {
    package let base: UnsafeMutablePointer<Element>
    package let count: Int

    /// - Throws: ``MemoryRefusal`` also for a count that no memory holds.
    package init(count: Int) throws(MemoryRefusal) {
        let byteCount = try SystemMemory.product(count, MemoryLayout<Element>.stride)
        base = try SystemMemory.allocate(byteCount: byteCount)
            .bindMemory(to: Element.self, capacity: count)
        self.count = count
    }

    deinit { SystemMemory.deallocate(base) }

    /// All elements; valid for as long as the buffer is.
    package var elements: UnsafeMutableBufferPointer<Element> {
        UnsafeMutableBufferPointer(start: base, count: count)
    }
}

extension Array where Element: BitwiseCopyable {
    /// An array of `count` elements that `initialize` fills, all of them, unless the system refuses the memory.
    package init(
        systemCount count: Int,
        initialize: (UnsafeMutableBufferPointer<Element>) -> Void
    ) throws(MemoryRefusal) {
        try SystemMemory.check(count: count, size: MemoryLayout<Element>.stride)
        self.init(unsafeUninitializedCapacity: count) { buffer, initialized in
            initialize(UnsafeMutableBufferPointer(rebasing: buffer[..<count]))
            initialized = count
        }
    }
}
