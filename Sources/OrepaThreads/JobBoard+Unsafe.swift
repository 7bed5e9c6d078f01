import CLinuxThreads
import Synchronization

/// Where a caller puts up a job and workers find its items, without a lock: the memory that the threads of a
/// ``WorkerPool`` share.
///
/// The job's number and its unclaimed items are in one ``Ticket``. A thread claims an item with a
/// compare-and-exchange. When that succeeds, the job was still going on, so what was read of it before is this
/// job's: the caller writes the next one only when all items of this one are completed.
///
/// The caller takes items from the front, workers take them from the back. Neighbouring items mostly touch
/// neighbouring memory, so from one job to the next much of it stays in the cache of the thread that wrote it.
struct JobBoard: Sendable {
    private struct Job: ~Copyable {
        let ticket = Atomic<UInt64>(0)
        let body = Atomic<UInt>(0)
        let call = Atomic<UInt>(0)
        /// Of the ``CallWatch``, or 0.
        let watch = Atomic<UInt>(0)
        let firstItem = Atomic<Int>(0)
        let processor = Atomic<Int32>(-1)
    }

    nonisolated(unsafe) private let job = CacheLines.allocate(Job())
    /// Items of the job that workers have completed.
    private let completed = Futex()
    private let callerSleeps = Futex()
    /// Changes when sleeping workers have to look at the ticket.
    private let bell = Futex()
    private let someWorkerSleeps = Futex()
    private let stopped = Futex()

    /// How long a thread looks for news before it sleeps, in nanoseconds: longer than what lies between two steps
    /// of a network.
    private static let patience: Int64 = 50_000

    func deallocate() {
        CacheLines.deallocate(job)
        for futex in [completed, callerSleeps, bell, someWorkerSleeps, stopped] {
            futex.deallocate()
        }
    }

    // MARK: The caller's side, one thread at a time

    /// Puts up a job of at most ``Ticket/mostItems`` items, whose predecessor is completed.
    ///
    /// - Parameter watch: Lives until the job is completed. Items are left out once it says so.
    func publish(
        _ body: WorkerPool.Body, _ call: UnsafeRawPointer, items: Range<Int>, watch: CallWatch?
    ) {
        completed.set(0)
        job.pointee.body.store(unsafeBitCast(body, to: UInt.self), ordering: .relaxed)
        job.pointee.call.store(UInt(bitPattern: call), ordering: .relaxed)
        job.pointee.watch.store(
            UInt(bitPattern: watch.map { Unmanaged.passUnretained($0).toOpaque() }),
            ordering: .relaxed)
        job.pointee.firstItem.store(items.lowerBound, ordering: .relaxed)
        job.pointee.processor.store(orepa_current_processor(), ordering: .relaxed)
        let last = Ticket(rawValue: job.pointee.ticket.load(ordering: .relaxed))
        let ticket = Ticket(job: last.job &+ 1, itemCount: items.count)
        job.pointee.ticket.store(ticket.rawValue, ordering: .sequentiallyConsistent)
        ring()
    }

    /// Wakes the workers that sleep.
    func ring() {
        // A worker that goes to sleep sets this before it looks at the ticket for the last time, so that either it
        // sees the new ticket, or it is seen here.
        guard someWorkerSleeps.value != 0 else { return }
        someWorkerSleeps.set(0)
        bell.add(1)
        bell.wake()
    }

    /// Returns when workers have completed that many items of the job.
    func waitForWorkers(toComplete count: UInt32) {
        var spin = SpinWait(nanoseconds: JobBoard.patience)
        while completed.value != count {
            if spin.goesOn() { continue }
            callerSleeps.set(1)
            let value = completed.value
            if value != count { completed.wait(while: value) }
            callerSleeps.set(0)
        }
    }

    /// Forgets the job and all sleepers, when no other thread is there any more.
    func clear() {
        let last = Ticket(rawValue: job.pointee.ticket.load(ordering: .relaxed))
        job.pointee.ticket.store(
            Ticket(job: last.job, itemCount: 0).rawValue, ordering: .relaxed)
        for futex in [completed, callerSleeps, someWorkerSleeps, stopped] { futex.set(0) }
    }

    // MARK: Both sides

    /// Claims and runs items of the job as long as there are any.
    ///
    /// - Returns: How many.
    func runItems(worker: Int) -> UInt32 {
        var completed: UInt32 = 0
        var ticket = Ticket(rawValue: job.pointee.ticket.load(ordering: .acquiring))
        while !ticket.isEmpty {
            let body = unsafeBitCast(
                job.pointee.body.load(ordering: .relaxed), to: WorkerPool.Body.self)
            let call = UnsafeRawPointer(bitPattern: job.pointee.call.load(ordering: .relaxed))
            let watch = UnsafeRawPointer(bitPattern: job.pointee.watch.load(ordering: .relaxed))
            let firstItem = job.pointee.firstItem.load(ordering: .relaxed)
            let (item, rest) = worker == 0 ? ticket.first : ticket.last
            let claim = job.pointee.ticket.compareExchange(
                expected: ticket.rawValue, desired: rest.rawValue,
                successOrdering: .acquiringAndReleasing, failureOrdering: .acquiring)
            guard claim.exchanged else {
                ticket = Ticket(rawValue: claim.original)
                continue
            }
            if !JobBoard.isReached(watch) { body(call!, firstItem + item, worker) }
            completed += 1
            ticket = Ticket(rawValue: job.pointee.ticket.load(ordering: .acquiring))
        }
        return completed
    }

    private static func isReached(_ watch: UnsafeRawPointer?) -> Bool {
        guard let watch else { return false }
        return Unmanaged<CallWatch>.fromOpaque(watch)._withUnsafeGuaranteedRef { $0.look() }
    }

    // MARK: The workers' side

    /// Reports items that ``runItems(worker:)`` ran.
    func report(completed count: UInt32) {
        completed.add(count)
        if callerSleeps.value != 0 { completed.wake() }
    }

    var hasItems: Bool {
        !Ticket(rawValue: job.pointee.ticket.load(ordering: .sequentiallyConsistent)).isEmpty
    }

    /// True when the calling thread is on the processor on which the caller put up the latest job, and so probably
    /// in the caller's way.
    var isOnProcessorOfCaller: Bool {
        orepa_current_processor() == job.pointee.processor.load(ordering: .relaxed)
    }

    /// Moves the calling thread from the caller's processor to another one. False if it cannot.
    func leaveProcessorOfCaller() -> Bool {
        orepa_leave_processor(job.pointee.processor.load(ordering: .relaxed))
    }

    var isStopped: Bool { stopped.value != 0 }

    /// Waits for items for a short while, awake.
    ///
    /// - Returns: Whether there are any.
    func spinUntilItems() -> Bool {
        var spin = SpinWait(nanoseconds: JobBoard.patience)
        repeat { if hasItems { return true } } while spin.goesOn()
        return false
    }

    /// Sleeps until the caller rings or the pool ends; or for less.
    func sleepUntilBell() {
        let tone = bell.value
        someWorkerSleeps.set(1)
        if !hasItems && !isStopped { bell.wait(while: tone) }
    }

    /// Sleeps for that long, or until the pool ends.
    func sleepUntilStopped(nanoseconds: Int64) {
        if !isStopped { stopped.wait(while: 0, nanoseconds: nanoseconds) }
    }

    /// Ends the workers.
    func stop() {
        stopped.set(1)
        stopped.wake()
        bell.add(1)
        bell.wake()
    }
}
