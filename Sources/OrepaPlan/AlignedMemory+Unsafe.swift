import Glibc
import OrepaSystem
import OrepaThreads

/// Float32 memory aligned for the kernels, in huge pages where it is large and the system has them.
package final class AlignedMemory: @unchecked Sendable {
    package let base: UnsafeMutablePointer<Float>
    package let count: Int
    private let mapped: UnsafeMutableRawPointer
    private let mappedSize: Int

    private static let hugePage = 2 << 20

    /// Memory of `count` floats, zero.
    ///
    /// - Throws: ``PlanError/outOfMemory(byteCount:)`` when the system refuses it.
    package init(count: Int) throws(PlanError) {
        let (byteCount, overflow) = count.multipliedReportingOverflow(by: MemoryLayout<Float>.size)
        // What no machine has room for leaves room for what is added to it here.
        guard !overflow, 0..<Int.max / 2 ~= byteCount else { throw .outOfMemory(byteCount: .max) }
        let size = max(byteCount, 64)
        let isLarge = size >= AlignedMemory.hugePage
        // A little more than asked for, so that there is an aligned start within; it comes from the system
        // zeroed, and pages that are never touched cost nothing.
        mappedSize = size + (isLarge ? AlignedMemory.hugePage : 0)
        let mapped: UnsafeMutableRawPointer
        do throws(MemoryRefusal) { mapped = try SystemMemory.map(byteCount: mappedSize) } catch {
            throw .outOfMemory(byteCount: mappedSize)
        }
        self.mapped = mapped
        var start = mapped
        if isLarge {
            start = mapped.alignedUp(toMultipleOf: AlignedMemory.hugePage)
            madvise(start, size, MADV_HUGEPAGE)
        }
        base = start.bindMemory(to: Float.self, capacity: count)
        self.count = count
    }

    private struct CopyCall {
        let source: UnsafePointer<Float>
        let target: UnsafeMutablePointer<Float>
        let count: Int
    }

    /// Copies `source`, which must not be longer than what follows, to `offset`, on all threads of the pool.
    func copy(_ source: UnsafeBufferPointer<Float>, to offset: Int, pool: WorkerPool) {
        precondition(offset + source.count <= count)
        guard let start = source.baseAddress else { return }
        let part = AlignedMemory.hugePage / MemoryLayout<Float>.size
        let call = CopyCall(source: start, target: base + offset, count: source.count)
        pool.run((source.count + part - 1) / part, call) { call, item, _ in
            let call = call.assumingMemoryBound(to: CopyCall.self).pointee
            let part = AlignedMemory.hugePage / MemoryLayout<Float>.size
            (call.target + item * part).update(
                from: call.source + item * part, count: min(part, call.count - item * part))
        }
    }

    deinit { SystemMemory.unmap(mapped, byteCount: mappedSize) }
}

extension UnsafeMutableRawPointer {
    fileprivate func alignedUp(toMultipleOf alignment: Int) -> UnsafeMutableRawPointer {
        let address = Int(bitPattern: self)
        return self + ((address + alignment - 1) / alignment * alignment - address)
    }
}
