import Glibc

/// The processor time that `body` takes on this thread, in seconds: the least of a few runs, since others share the
/// processor's caches.
public func processorSeconds(
    runs: Int = 5, _ body: () throws -> Void
) rethrows -> Double {
    func now() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }
    var least = Double.infinity
    for _ in 0..<runs {
        let start = now()
        try body()
        least = min(least, now() - start)
    }
    return least
}
