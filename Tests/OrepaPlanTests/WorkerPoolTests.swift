import Glibc
import OrepaPlan
import Synchronization
import Testing

@Suite struct WorkerPoolTests {
    final class Counters: Sendable {
        let calls = Atomic<Int>(0)
        let sum = Atomic<Int>(0)
    }

    @Test(arguments: [1, 2, 3, 8]) func everyItemRunsOnce(threads: Int) {
        let pool = WorkerPool(threadCount: threads)
        for count in [0, 1, 2, 7, 1000] {
            for _ in 0..<20 {
                let counters = Counters()
                pool.run(count, Unmanaged.passUnretained(counters)) { call, item, _ in
                    let counters = call.assumingMemoryBound(to: Unmanaged<Counters>.self).pointee
                        .takeUnretainedValue()
                    counters.calls.add(1, ordering: .relaxed)
                    counters.sum.add(item, ordering: .relaxed)
                }
                #expect(counters.calls.load(ordering: .relaxed) == count)
                #expect(counters.sum.load(ordering: .relaxed) == count * (count - 1) / 2)
            }
        }
    }

    @Test func atLeastOneProcessorIsAvailable() {
        #expect(availableProcessorCount() >= 1)
        #expect(availableProcessorCount() <= sysconf(Int32(_SC_NPROCESSORS_CONF)))
    }
}
