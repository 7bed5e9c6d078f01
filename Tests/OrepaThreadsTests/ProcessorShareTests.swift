import OrepaThreads
import Testing

@Suite struct ProcessorShareTests {
    private static let millisecond: Int64 = 1_000_000

    /// A share after steps of so many milliseconds, of which so many on a processor.
    private func share(_ steps: [(time: Int64, onProcessor: Int64)]) -> ProcessorShare {
        var (time, onProcessor) = (Int64(1) << 50, Int64(7))
        var share = ProcessorShare(time: time, processorTime: onProcessor)
        for step in steps {
            time += step.time * ProcessorShareTests.millisecond
            onProcessor += step.onProcessor * ProcessorShareTests.millisecond
            share.update(time: time, processorTime: onProcessor)
        }
        return share
    }

    @Test func aThreadAloneIsNotContended() {
        #expect(!share([]).isContended)
        #expect(!share(Array(repeating: (1, 1), count: 100)).isContended)
        #expect(!share([(100_000, 100_000)]).isContended)
        // The clocks may disagree a little either way.
        #expect(!share([(1, 2), (1, 1)]).isContended)
    }

    @Test func aShortInterruptionIsNotContention() {
        #expect(!share(Array(repeating: (1, 1), count: 20) + [(3, 0)]).isContended)
    }

    @Test func everyOtherTimeSliceIsContention() {
        #expect(share([(4, 4), (4, 0)]).isContended)
        let alone = Array(repeating: (time: Int64(1), onProcessor: Int64(1)), count: 1000)
        let shared: [(time: Int64, onProcessor: Int64)] = [(4, 4), (4, 0)]
        #expect(share(alone + shared + shared + shared).isContended)
        #expect(!share(shared + alone.prefix(40)).isContended)
    }

    @Test func sleepDoesNotCount() {
        var share = ProcessorShare(time: 0, processorTime: 0)
        share.update(time: 4_000_000, processorTime: 4_000_000)
        share.resume(time: 5_000_000_000, processorTime: 4_000_000)
        share.update(time: 5_001_000_000, processorTime: 5_000_000)
        #expect(!share.isContended)
        #expect(share.observed == 5_000_000)
    }
}
