import Glibc

/// Float32 memory aligned for the kernels, in huge pages where it is large and the system has them.
final class AlignedMemory: @unchecked Sendable {
    let base: UnsafeMutablePointer<Float>
    let count: Int

    private static let hugePage = 2 << 20

    /// Memory of `count` floats, zero.
    init(count: Int) {
        let size = max(count * MemoryLayout<Float>.size, 64)
        let isLarge = size >= AlignedMemory.hugePage
        var pointer: UnsafeMutableRawPointer?
        let status = posix_memalign(&pointer, isLarge ? AlignedMemory.hugePage : 64, size)
        guard status == 0, let pointer else { fatalError("out of memory: \(size) bytes") }
        if isLarge { madvise(pointer, size, MADV_HUGEPAGE) }
        memset(pointer, 0, size)
        base = pointer.assumingMemoryBound(to: Float.self)
        self.count = count
    }

    deinit { free(base) }
}
