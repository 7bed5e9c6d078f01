import Foundation
import OrepaThreads
import Synchronization
import Testing

@Suite struct WorkerPoolTests {
    final class Counters: Sendable {
        let calls = Atomic<Int>(0)
        let sum = Atomic<Int>(0)
    }

    @Test(arguments: [1, 2, 3, 8]) func everyItemRunsOnce(threads: Int) {
        let pool = WorkerPool(threadCount: threads)
        for count in [0, 1, 2, 7, 1000, 65_535, 65_536, 140_000] {
            for _ in 0..<(count > 1000 ? 2 : 20) {
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

    /// Several callers at a time, one of which at most has the workers; items that call the pool themselves.
    @Test func callersAndItemsMayCallAtATime() async {
        let pool = WorkerPool(threadCount: 3)
        struct Call {
            let pool: Unmanaged<WorkerPool>
            let counters: Unmanaged<Counters>
        }
        let counters = Counters()
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<4 {
                group.addTask {
                    let call = Call(
                        pool: .passUnretained(pool), counters: .passUnretained(counters))
                    for _ in 0..<200 {
                        pool.run(5, call) { call, _, _ in
                            let call = call.assumingMemoryBound(to: Call.self).pointee
                            call.pool.takeUnretainedValue().run(3, call) { call, item, _ in
                                let counters = call.assumingMemoryBound(to: Call.self).pointee
                                    .counters.takeUnretainedValue()
                                counters.calls.add(1, ordering: .relaxed)
                                counters.sum.add(item, ordering: .relaxed)
                            }
                        }
                    }
                }
            }
        }
        #expect(counters.calls.load(ordering: .relaxed) == 4 * 200 * 5 * 3)
        #expect(counters.sum.load(ordering: .relaxed) == 4 * 200 * 5 * 3)
    }

    /// A call that begins while another one has the workers has their help as soon as that one is done.
    @Test func aCallIsHelpedOnceWorkersAreFree() {
        final class Stages: Sendable {
            let firstHasWorkers = Atomic<Bool>(false)
            let firstMayEnd = Atomic<Bool>(false)
            let firstEnded = Atomic<Bool>(false)
            let helped = Atomic<Bool>(false)

            /// False when that takes too long.
            @discardableResult
            static func wait(for stage: borrowing Atomic<Bool>) -> Bool {
                let end = ContinuousClock.now + .seconds(20)
                while !stage.load(ordering: .acquiring) {
                    guard ContinuousClock.now < end else { return false }
                    usleep(200)
                }
                return true
            }
        }
        let pool = WorkerPool(threadCount: 2)
        let stages = Stages()
        let first = Thread {
            pool.run(2, Unmanaged.passUnretained(stages)) { call, _, _ in
                let stages = call.assumingMemoryBound(to: Unmanaged<Stages>.self).pointee
                    .takeUnretainedValue()
                stages.firstHasWorkers.store(true, ordering: .releasing)
                Stages.wait(for: stages.firstMayEnd)
            }
            stages.firstEnded.store(true, ordering: .releasing)
        }
        first.start()
        Stages.wait(for: stages.firstHasWorkers)
        pool.run(1000, Unmanaged.passUnretained(stages)) { call, item, worker in
            let stages = call.assumingMemoryBound(to: Unmanaged<Stages>.self).pointee
                .takeUnretainedValue()
            if worker != 0 { return stages.helped.store(true, ordering: .releasing) }
            switch item {
            case 0:
                stages.firstMayEnd.store(true, ordering: .releasing)
                Stages.wait(for: stages.firstEnded)
            case 1: Stages.wait(for: stages.helped)
            default: break
            }
        }
        let wasHelped = stages.helped.load(ordering: .acquiring)
        #expect(wasHelped)
    }

    /// No two items of a call at a time have the same worker number, also with more threads than processors and
    /// with workers that go to sleep between calls.
    @Test func aWorkerNumberIsOneThreads() {
        final class Users: Sendable {
            let first = Atomic<Int>(0)
            let second = Atomic<Int>(0)
            let third = Atomic<Int>(0)
            let fourth = Atomic<Int>(0)
            let clashes = Atomic<Int>(0)
            let strangers = Atomic<Int>(0)
        }
        let pool = WorkerPool(threadCount: 4)
        let users = Users()
        for round in 0..<300 {
            if round % 50 == 0 { usleep(2000) }
            pool.run(40, Unmanaged.passUnretained(users)) { call, _, worker in
                let users = call.assumingMemoryBound(to: Unmanaged<Users>.self).pointee
                    .takeUnretainedValue()
                func use(_ inside: borrowing Atomic<Int>) {
                    if inside.add(1, ordering: .relaxed).oldValue != 0 {
                        users.clashes.add(1, ordering: .relaxed)
                    }
                    for _ in 0..<200 { _ = inside.load(ordering: .relaxed) }
                    inside.subtract(1, ordering: .relaxed)
                }
                switch worker {
                case 0: use(users.first)
                case 1: use(users.second)
                case 2: use(users.third)
                case 3: use(users.fourth)
                default: users.strangers.add(1, ordering: .relaxed)
                }
            }
        }
        #expect(users.clashes.load(ordering: .relaxed) == 0)
        #expect(users.strangers.load(ordering: .relaxed) == 0)
    }

    @Test func poolsComeAndGo() {
        for round in 0..<200 {
            let pool = WorkerPool(threadCount: 3)
            if round % 2 == 0 { pool.prepare() }
            let counters = Counters()
            pool.run(round % 7, Unmanaged.passUnretained(counters)) { call, _, _ in
                call.assumingMemoryBound(to: Unmanaged<Counters>.self).pointee
                    .takeUnretainedValue().calls.add(1, ordering: .relaxed)
            }
            #expect(counters.calls.load(ordering: .relaxed) == round % 7)
        }
    }
}
