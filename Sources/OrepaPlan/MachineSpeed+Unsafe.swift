import COrepaKernels
import OrepaThreads

/// What a processor can do at most, measured: what the speed of a layer is held against.
public struct MachineSpeed: Sendable {
    /// Multiply-adds of Float32 in a second, operands in registers.
    public let multiplyAddsPerSecond: Double
    /// Bytes in a second that are read in order from memory.
    public let readBytesPerSecond: Double

    /// More than the caches of one processor hold.
    private static let bufferCount = 32 << 20
    private static let itemCount = 64
    private static let repetitions = 3

    private struct Call {
        let memory: UnsafeMutablePointer<Float>
        let results: UnsafeMutablePointer<Float>
        let isa: orepa_isa
        let rounds: Int64
    }

    /// Measures on all threads of `pool` together; the best of several tries. Takes some 0.1 s and, for that
    /// time, 128 MB of memory.
    ///
    /// - Throws: ``PlanError/outOfMemory(byteCount:)`` when the system refuses it.
    public static func measure(
        instructionSet: InstructionSet, pool: WorkerPool
    ) throws(PlanError) -> MachineSpeed {
        let memory = try AlignedMemory(count: bufferCount)
        let results = try AlignedMemory(count: itemCount)
        // Untouched pages are all the same page of zeros, which a cache holds.
        memory.base.update(repeating: 1, count: bufferCount)
        // Software multiply-adds of the portable kernels take some hundred times as long.
        let rounds = instructionSet == .portable ? 100 : 10_000
        let call = Call(
            memory: memory.base, results: results.base, isa: instructionSet.isa,
            rounds: Int64(rounds))
        let multiplyAdds = itemCount * rounds * Int(OREPA_MACHINE_VECTORS) * 16
        let multiplied = leastSeconds(call, pool: pool) { call, item, _ in
            let call = call.assumingMemoryBound(to: Call.self).pointee
            call.results[item] = orepa_machine_multiply(call.isa, 0.5, call.rounds)
        }
        let read = leastSeconds(call, pool: pool) { call, item, _ in
            let call = call.assumingMemoryBound(to: Call.self).pointee
            let count = MachineSpeed.bufferCount / MachineSpeed.itemCount
            call.results[item] = orepa_machine_read(
                call.isa, call.memory + item * count, Int64(count))
        }
        return MachineSpeed(
            multiplyAddsPerSecond: Double(multiplyAdds) / multiplied,
            readBytesPerSecond: Double(bufferCount * MemoryLayout<Float>.size) / read)
    }

    private static func leastSeconds(
        _ call: Call, pool: WorkerPool, body: WorkerPool.Body
    ) -> Double {
        let clock = ContinuousClock()
        var least = Duration.seconds(Int64.max)
        for _ in 0..<repetitions {
            least = min(least, clock.measure { pool.run(itemCount, call, body) })
        }
        return Double(least.components.seconds) + Double(least.components.attoseconds) * 1e-18
    }
}
