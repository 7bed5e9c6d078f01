import Glibc
import Synchronization

/// How many forks lie between this process and the one that first asked: threads do not survive a fork, so what
/// was started at another count is not there. Only `fork` counts, not `vfork` or `clone`, after which a process
/// may not go on with Swift code anyway.
enum ForkCount {
    private static let count = Atomic<Int>(0)

    private static let isCounting =
        pthread_atfork(nil, nil) { ForkCount.count.add(1, ordering: .relaxed) } == 0

    static var current: Int { isCounting ? count.load(ordering: .relaxed) : 0 }
}
