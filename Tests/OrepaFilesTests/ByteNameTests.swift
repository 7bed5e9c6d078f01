import OrepaFiles
import TestSupport
import Testing

/// Names are their bytes, whatever Unicode says of them.
struct ByteNameTests {
    @Test func canonicallyEqualNamesAreTwo() {
        let (composed, decomposed) = ("caf\u{E9}", "cafe\u{301}")
        #expect(composed == decomposed)
        #expect(ByteName(composed) != ByteName(decomposed))
        let byName: [ByteName: Int] = [ByteName(composed): 1, ByteName(decomposed): 2]
        #expect(byName[ByteName(composed)] == 1)
        #expect(byName[ByteName(decomposed)] == 2)
    }

    @Test func orderIsThatOfTheBytes() {
        let names: [ByteName] = ["b", "a\u{301}", "", "a", "\u{E1}", "ab"]
        #expect(names.sorted().map(\.text.utf8.first) == [nil, 97, 97, 97, 98, 0xC3])
        #expect(
            names.sorted().map { Array($0.text.utf8) }
                == names.map { Array($0.text.utf8) }
                .sorted { $0.lexicographicallyPrecedes($1) })
    }

    @Test func runsOfCombiningMarksHashInLinearTime() {
        func seconds(_ count: Int) -> Double {
            let name = ByteName("a" + String(repeating: "\u{345}\u{316}", count: count))
            return processorSeconds { for _ in 0..<20 { _ = [name: 1][name] } }
        }
        #expect(seconds(400_000) < 3 * seconds(200_000))
    }
}
