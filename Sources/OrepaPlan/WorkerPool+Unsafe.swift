import Glibc
import Synchronization

/// Threads that share the work items of one call at a time.
///
/// Items are claimed one by one, so a thread that the system holds up delays nobody by more than the item
/// it is at. The calling thread works too: a pool of 1 has no other thread. Between calls the workers
/// sleep. Which thread runs an item never changes what the item computes.
public final class WorkerPool: @unchecked Sendable {
    /// Threads that work on a call, the caller included.
    public let threadCount: Int
    private let state: State
    private let threads: [pthread_t]
    private let callers: UnsafeMutablePointer<pthread_mutex_t>

    /// How often a thread looks for news before it sleeps: some 20 microseconds.
    private static let spinCount = 20_000

    /// Does one item of a call. A C function and a pointer, since a Swift closure would be allocated.
    public typealias Body =
        @convention(c) (_ call: UnsafeRawPointer, _ item: Int, _ worker: Int) -> Void

    private struct Job {
        let body: Body
        let call: UnsafeRawPointer
        let itemCount: Int
    }

    private final class State: @unchecked Sendable {
        let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
        let wake = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
        let done = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
        /// Counts the calls; a worker that sees it change looks for work.
        let generation = Atomic<Int>(0)
        let nextItem = Atomic<Int>(0)
        /// Workers that have joined the call in progress and not left it.
        let joined = Atomic<Int>(0)
        // The following are guarded by `mutex`.
        var job: Job?
        var isStopping = false

        init() {
            pthread_mutex_init(mutex, nil)
            pthread_cond_init(wake, nil)
            pthread_cond_init(done, nil)
        }

        deinit {
            pthread_mutex_destroy(mutex)
            pthread_cond_destroy(wake)
            pthread_cond_destroy(done)
            mutex.deallocate()
            wake.deallocate()
            done.deallocate()
        }
    }

    private final class Start {
        let state: State
        let worker: Int
        init(state: State, worker: Int) {
            self.state = state
            self.worker = worker
        }
    }

    /// Starts `threadCount - 1` threads; fewer when the system refuses some.
    public init(threadCount: Int = availableProcessorCount()) {
        let state = State()
        var threads: [pthread_t] = []
        // Workers take no signals: those are the host's.
        var blocked = sigset_t()
        var previous = sigset_t()
        sigfillset(&blocked)
        pthread_sigmask(SIG_SETMASK, &blocked, &previous)
        for worker in 1..<max(threadCount, 1) {
            let start = Unmanaged.passRetained(Start(state: state, worker: worker))
            var thread = pthread_t()
            let status = pthread_create(
                &thread, nil,
                { pointer in
                    let start = Unmanaged<Start>.fromOpaque(pointer!).takeRetainedValue()
                    WorkerPool.work(start.state, worker: start.worker)
                    return nil
                }, start.toOpaque())
            guard status == 0 else {
                start.release()
                break
            }
            threads.append(thread)
        }
        pthread_sigmask(SIG_SETMASK, &previous, nil)
        self.state = state
        self.threads = threads
        self.threadCount = threads.count + 1
        callers = .allocate(capacity: 1)
        pthread_mutex_init(callers, nil)
    }

    deinit {
        pthread_mutex_lock(state.mutex)
        state.isStopping = true
        state.generation.add(1, ordering: .releasing)
        pthread_cond_broadcast(state.wake)
        pthread_mutex_unlock(state.mutex)
        for thread in threads { pthread_join(thread, nil) }
        pthread_mutex_destroy(callers)
        callers.deallocate()
    }

    /// Calls `body` once for every item in `0..<itemCount`, on some thread, with a pointer to `call`, and
    /// returns when all are done. `worker` is in `0..<threadCount` and no two calls at a time share it.
    /// Callers on several threads take turns. Allocates nothing.
    public func run<Call>(_ itemCount: Int, _ call: Call, _ body: Body) {
        withUnsafePointer(to: call) { call in
            run(Job(body: body, call: UnsafeRawPointer(call), itemCount: itemCount))
        }
    }

    private func run(_ job: Job) {
        guard threads.count > 0, job.itemCount > 1 else {
            for item in 0..<job.itemCount { job.body(job.call, item, 0) }
            return
        }
        pthread_mutex_lock(callers)
        pthread_mutex_lock(state.mutex)
        state.job = job
        state.nextItem.store(0, ordering: .relaxed)
        state.generation.add(1, ordering: .releasing)
        pthread_cond_broadcast(state.wake)
        pthread_mutex_unlock(state.mutex)

        WorkerPool.claimItems(of: job, state, worker: 0)

        // From here on no worker can join, so those that did are all there is to wait for.
        pthread_mutex_lock(state.mutex)
        state.job = nil
        pthread_mutex_unlock(state.mutex)
        for _ in 0..<WorkerPool.spinCount {
            if state.joined.load(ordering: .acquiring) == 0 { break }
        }
        pthread_mutex_lock(state.mutex)
        while state.joined.load(ordering: .acquiring) > 0 {
            pthread_cond_wait(state.done, state.mutex)
        }
        pthread_mutex_unlock(state.mutex)
        pthread_mutex_unlock(callers)
    }

    private static func claimItems(of job: Job, _ state: State, worker: Int) {
        while true {
            let item = state.nextItem.add(1, ordering: .relaxed).oldValue
            guard item < job.itemCount else { return }
            job.body(job.call, item, worker)
        }
    }

    private static func work(_ state: State, worker: Int) {
        var seen = 0
        while true {
            for _ in 0..<spinCount {
                if state.generation.load(ordering: .acquiring) != seen { break }
            }
            pthread_mutex_lock(state.mutex)
            while state.generation.load(ordering: .acquiring) == seen {
                pthread_cond_wait(state.wake, state.mutex)
            }
            seen = state.generation.load(ordering: .acquiring)
            let job = state.job
            let isStopping = state.isStopping
            if job != nil { state.joined.add(1, ordering: .acquiringAndReleasing) }
            pthread_mutex_unlock(state.mutex)
            if isStopping { return }
            guard let job else { continue }
            claimItems(of: job, state, worker: worker)
            pthread_mutex_lock(state.mutex)
            state.joined.subtract(1, ordering: .acquiringAndReleasing)
            pthread_cond_signal(state.done)
            pthread_mutex_unlock(state.mutex)
        }
    }
}
