import CHostCalls
import CLinuxThreads
import Glibc
import Testing

@Suite struct LeaveProcessorTests {
    /// The processors that the calling thread may run on, a bit for each.
    private func allowedProcessors() throws -> [UInt8] {
        var mask = [UInt8](repeating: 0, count: 8192)
        let size = orepa_host_allowed_processors(&mask, mask.count)
        try #require(size > 0)
        return [UInt8](mask.prefix(size))
    }

    @Test func aThreadLeavesAProcessorAndMayComeBack() throws {
        let before = try allowedProcessors()
        let count = before.reduce(0) { $0 + $1.nonzeroBitCount }
        var left = 0
        // The system may move the thread back at once, but not each time.
        for _ in 0..<100 {
            let processor = orepa_current_processor()
            #expect(orepa_leave_processor(processor) == (count > 1))
            left += orepa_current_processor() == processor ? 0 : 1
        }
        #expect(count > 1 ? left > 50 : left == 0)
        #expect(try allowedProcessors() == before)
    }

    @Test func aThreadThatMayRunOnOneProcessorStays() throws {
        let before = try allowedProcessors()
        defer { _ = orepa_host_allow_processors(before, before.count) }
        let processor = orepa_current_processor()
        var one = [UInt8](repeating: 0, count: before.count)
        one[Int(processor) / 8] = 1 << UInt8(processor % 8)
        try #require(orepa_host_allow_processors(one, one.count))
        errno = 7
        #expect(!orepa_leave_processor(processor))
        #expect(errno == 7)
        #expect(try allowedProcessors() == one)
        #expect(!orepa_leave_processor(-1))
    }
}
