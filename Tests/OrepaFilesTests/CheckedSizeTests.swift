import OrepaFiles
import Testing

/// Sizes that files ask for are right, or none.
struct CheckedSizeTests {
    @Test func fittingSizesAreExact() {
        #expect(CheckedSize.product(of: []).value == 1)
        #expect(CheckedSize.product(of: [3, 4, 5]).value == 60)
        #expect(CheckedSize.product(of: [1 << 62, 0]).value == 0)
        let half = CheckedSize(1 << 31) * (1 << 31)
        #expect((half + ((1 << 62) - 1)).value == Int.max)
        #expect((CheckedSize(7) - 7).value == 0)
        #expect(CheckedSize(UInt64(Int.max)).value == .max)
    }

    @Test func othersHaveNoValue() {
        #expect(CheckedSize(-1).value == nil)
        #expect(CheckedSize(UInt64(1) << 63).value == nil)
        #expect(CheckedSize.product(of: [1 << 32, 1 << 31]).value == nil)
        #expect(CheckedSize.product(of: [4, -1]).value == nil)
        #expect(CheckedSize.product(of: [-1, -1]).value == nil)
        #expect((CheckedSize(Int.max) + 1).value == nil)
        #expect((CheckedSize(3) - 4).value == nil)
    }

    @Test func whatFollowsFromNoSizeIsNone() {
        let none = CheckedSize(Int.max) + 1
        #expect((none * 0).value == nil)
        #expect((none - Int.max).value == nil)
        #expect((CheckedSize(1) + none).value == nil)
        #expect(none.atMost(.max) == nil)
    }

    @Test func limitsAreInclusive() {
        #expect(CheckedSize(10).atMost(10) == 10)
        #expect(CheckedSize(11).atMost(10) == nil)
    }
}
