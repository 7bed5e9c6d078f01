import COrepaKernels
import OrepaThreads

/// The threads of a context as the convolution kernels see them: each has scratch, and knows what the last item
/// left in it.
final class ConvolutionWorkers {
    let first: UnsafeMutablePointer<orepa_convolution_worker>
    private let memory: AlignedMemory
    private var runCount: UInt64 = 0

    private static let floats =
        MemoryLayout<orepa_convolution_worker>.stride / MemoryLayout<Float>.stride

    /// Elements of memory that workers with `scratchCount` floats each take, a multiple of 16.
    static func count(threadCount: Int, scratchCount: Int) -> Int {
        threadCount * (floats + scratchCount.roundedUp(to: 16))
    }

    /// Elements of the memory taken.
    var allocatedCount: Int { memory.count }

    /// For the threads of `pool`, with scratch of `scratchCount` floats each.
    ///
    /// - Throws: ``PlanError/outOfMemory(byteCount:)`` when the system refuses the scratch.
    init(_ pool: WorkerPool, scratchCount: Int) throws(PlanError) {
        let threadCount = pool.threadCount
        memory = try AlignedMemory(
            count: ConvolutionWorkers.count(threadCount: threadCount, scratchCount: scratchCount))
        let scratch = memory.base + threadCount * ConvolutionWorkers.floats
        first = UnsafeMutableRawPointer(memory.base).bindMemory(
            to: orepa_convolution_worker.self, capacity: threadCount)
        for index in 0..<threadCount {
            first[index].scratch = scratch + index * scratchCount.roundedUp(to: 16)
            first[index].descends = pool.takesItemsFromTheBack(worker: index) ? 1 : 0
        }
    }

    /// The first of `count` numbers in a row that no earlier run had, for the next runs.
    func nextRuns(_ count: Int) -> UInt64 {
        defer { runCount += UInt64(count) }
        return runCount + 1
    }
}
