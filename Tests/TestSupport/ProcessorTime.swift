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

/// How many times as long `run` takes on what `make` makes of twice `count`, compared with `count`: 2 where it takes
/// linear time, 4 where quadratic.
public func growth<Input>(
    doubling count: Int, make: (Int) throws -> Input, run: (Input) throws -> Void
) rethrows -> Double {
    let (once, twice) = (try make(count), try make(2 * count))
    // Others share the caches, into which the larger one may then not fit: what seems slow is measured again.
    var least = Double.infinity
    for _ in 0..<4 where least >= 2.5 {
        least = min(least, try ratio(of: twice, to: once, run))
    }
    return least
}

private func ratio<Input>(
    of twice: Input, to once: Input, _ run: (Input) throws -> Void
) rethrows -> Double {
    let first = try processorSeconds { try run(once) }
    return try processorSeconds { try run(twice) } / first
}
