/// What share of the last 8 to 16 milliseconds that a thread was awake for it was on a processor.
///
/// A thread that has to share its processor with another process is off it for whole time slices of some
/// milliseconds, which is longer than a step of a network takes.
package struct ProcessorShare {
    private var lastTime: Int64
    private var lastProcessorTime: Int64
    private var awake: Int64 = 0
    private var waiting: Int64 = 0

    /// Times in nanoseconds: of the clock on the wall and of the thread's processor time.
    package init(time: Int64, processorTime: Int64) {
        lastTime = time
        lastProcessorTime = processorTime
    }

    /// Goes on after a sleep, which does not count.
    package mutating func resume(time: Int64, processorTime: Int64) {
        lastTime = time
        lastProcessorTime = processorTime
    }

    package mutating func update(time: Int64, processorTime: Int64) {
        awake += time - lastTime
        waiting += max((time - lastTime) - (processorTime - lastProcessorTime), 0)
        lastTime = time
        lastProcessorTime = processorTime
        while awake >= 16_000_000 {
            awake /= 2
            waiting /= 2
        }
    }

    /// Nanoseconds that the thread has been awake for, at most 16 million.
    package var observed: Int64 { awake }

    /// True when the thread waited for a processor for a third of the time or more, and at least a millisecond.
    package var isContended: Bool { waiting >= 1_000_000 && waiting * 3 >= awake }
}
