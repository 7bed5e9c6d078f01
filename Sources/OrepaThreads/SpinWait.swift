import CLinuxThreads

/// Waits awake, for a limited time.
struct SpinWait {
    private let limit: Int64
    private var end: Int64?
    private var count = 0

    init(nanoseconds: Int64) { limit = nanoseconds }

    /// A moment, some tens of processor cycles.
    static func pause() { orepa_spin_hint() }

    /// Waits a moment; false when the time is up. Looks at the clock every 32nd time only.
    mutating func goesOn() -> Bool {
        SpinWait.pause()
        count += 1
        guard count & 31 == 0 else { return true }
        let now = ThreadClock.now()
        guard let end else {
            end = now + limit
            return true
        }
        return now < end
    }
}
