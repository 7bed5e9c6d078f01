import Glibc

/// Clocks, in nanoseconds.
enum ThreadClock {
    /// Time since some moment in the past.
    static func now() -> Int64 { read(CLOCK_MONOTONIC) }

    /// Time for which the calling thread has been on a processor.
    static func processorTime() -> Int64 { read(CLOCK_THREAD_CPUTIME_ID) }

    private static func read(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}
