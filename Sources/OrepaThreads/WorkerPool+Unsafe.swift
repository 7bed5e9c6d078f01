import Glibc
import OrepaSystem
import Synchronization

/// Threads that share the work items of one call at a time.
///
/// Items are claimed one by one, so a thread that the system holds up delays nobody by more than the item
/// it is at, and one that comes late or not at all delays nobody. The calling thread works too: a pool of 1 has
/// no other thread. Which thread runs an item never changes what the item computes.
///
/// Workers wait for the next call for some 50 microseconds, then sleep. One that has to share its processor with
/// another process stays out for a while (``ProcessorShare``). There is no lock: a caller that finds the workers
/// busy with another caller's items does its own alone until they are free. In a process made by `fork` the first call
/// starts new workers.
public final class WorkerPool: @unchecked Sendable {
    /// Threads that work on a call, the caller included; fewer when the system refuses some.
    public let threadCount: Int
    /// How many threads were asked for.
    public let requestedThreadCount: Int
    private let board = JobBoard()
    /// Changed only by `init`, by the one thread that has won `home`, and by `deinit`.
    private var threads: [pthread_t] = []
    /// Twice the fork count of the process that the workers run in, plus 1 while they are being started there.
    private let home = Atomic<Int>(0)
    /// Whether a caller has the workers.
    private let isTaken = Atomic<Bool>(false)
    /// What runs calls instead of threads of the pool's own.
    private let parallelFor: ParallelFor?

    /// Does one item of a call. A C function and a pointer, since a Swift closure would be allocated.
    public typealias Body =
        @convention(c) (_ call: UnsafeRawPointer, _ item: Int, _ worker: Int) -> Void

    /// Starts `threadCount - 1` threads.
    public init(threadCount: Int = availableProcessorCount()) {
        parallelFor = nil
        home.store(2 * ForkCount.current, ordering: .relaxed)
        requestedThreadCount = max(threadCount, 1)
        threads = WorkerPool.start(requestedThreadCount - 1, board)
        self.threadCount = threads.count + 1
    }

    /// A pool that starts no threads: `parallelFor` brings them to each call.
    public init(_ parallelFor: ParallelFor) {
        self.parallelFor = parallelFor
        threadCount = max(parallelFor.threadCount, 1)
        requestedThreadCount = threadCount
    }

    deinit {
        // In a forked process the threads are not there, and what they would read is not freed under them.
        if home.load(ordering: .acquiring) == 2 * ForkCount.current {
            board.stop()
            for thread in threads { pthread_join(thread, nil) }
        }
        board.deallocate()
    }

    /// Calls `body` once for every item in `0..<itemCount`, on some thread, with a pointer to `call`, and
    /// returns when all are done. `worker` is in `0..<threadCount` and no two of them at a time share it.
    /// Any thread may call at any time. Allocates nothing.
    ///
    /// On each thread `body` finds the arithmetic that IEEE 754 prescribes: rounding to nearest, denormal numbers as
    /// they are, no traps. The caller's own settings are as before afterwards, flags included.
    public func run<Call>(_ itemCount: Int, _ call: Call, _ body: Body) {
        run(itemCount, call, watch: nil, body)
    }

    /// The same, but items are left out once `watch` says that the call is to end; it is asked before each.
    @inlinable
    package func run<Call>(_ itemCount: Int, _ call: Call, watch: CallWatch?, _ body: Body) {
        withStandardArithmetic {
            withUnsafePointer(to: call) { run(itemCount, UnsafeRawPointer($0), watch, body) }
        }
    }

    @usableFromInline
    package func run(
        _ itemCount: Int, _ call: UnsafeRawPointer, _ watch: CallWatch?, _ body: Body
    ) {
        if let parallelFor, itemCount > 1, threadCount > 1 {
            return parallelFor.run(itemCount, threadCount: threadCount, call, watch, body)
        }
        var begin = 0
        while begin < itemCount {
            if let watch, watch.look() { return }
            guard itemCount - begin > 1, takeWorkers() else {
                // Alone, until another caller has given the workers back.
                body(call, begin, 0)
                begin += 1
                continue
            }
            let end = min(begin + Ticket.mostItems, itemCount)
            board.publish(body, call, items: begin..<end, watch: watch)
            let completed = board.runItems(worker: 0)
            board.waitForWorkers(toComplete: UInt32(end - begin) - completed)
            begin = end
            isTaken.store(false, ordering: .releasing)
        }
    }

    /// Whether a worker begins with the last items of a call and goes on to earlier ones.
    @usableFromInline
    package func takesItemsFromTheBack(worker: Int) -> Bool { parallelFor == nil && worker > 0 }

    /// Wakes sleeping workers for a call that is about to come, so that they are there when it does.
    public func prepare() {
        guard home.load(ordering: .acquiring) == 2 * ForkCount.current, threads.count > 0 else {
            return
        }
        board.ring()
    }

    /// True when this caller has the workers, which it then gives back.
    private func takeWorkers() -> Bool {
        guard threadCount > 1, parallelFor == nil else { return false }
        if home.load(ordering: .acquiring) != 2 * ForkCount.current, !moveHome() { return false }
        guard threads.count > 0 else { return false }
        if isTaken.load(ordering: .relaxed) { return false }
        return isTaken.compareExchange(
            expected: false, desired: true, successOrdering: .acquiring, failureOrdering: .relaxed
        ).exchanged
    }

    /// Starts new workers after a fork. False when another thread is at it, also one that the fork left behind
    /// in a process that has forked since.
    private func moveHome() -> Bool {
        let count = ForkCount.current
        let found = home.load(ordering: .acquiring)
        guard found / 2 != count else { return found == 2 * count }
        guard
            home.compareExchange(
                expected: found, desired: 2 * count + 1, ordering: .acquiringAndReleasing
            ).exchanged
        else { return false }
        // Another thread may have been inside a call when its process forked.
        isTaken.store(false, ordering: .relaxed)
        board.clear()
        threads = WorkerPool.start(threadCount - 1, board)
        home.store(2 * count, ordering: .releasing)
        return true
    }

    /// As many threads as the system gives of `count`, with the numbers from 1 on. They have the memory that a thread takes
    /// for itself when this returns: what is found to be left later is left.
    private static func start(_ count: Int, _ board: JobBoard) -> [pthread_t] {
        var threads: [pthread_t] = []
        let started = Futex()
        defer { started.deallocate() }
        for number in 1..<count + 1 {
            let thread = SystemThread.start {
                // The first allocation of a thread may take a heap of its own.
                try? SystemMemory.check()
                started.add(1)
                started.wake()
                var worker = Worker(number: number, board: board)
                worker.work()
            }
            guard let thread else { break }
            threads.append(thread)
        }
        while true {
            let count = started.value
            if Int(count) == threads.count { return threads }
            started.wait(while: count)
        }
    }
}
