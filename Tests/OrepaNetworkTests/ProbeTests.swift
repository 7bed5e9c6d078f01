import Foundation
import OrepaNetwork
import TestSupport
import Testing

@Suite struct ProbeTests {
    /// Integer arithmetic makes the picture, as it is written down here a second time, value by value.
    @Test func picturesHaveTheSameBitsEverywhere() {
        let picture = ModelProbe.picture(seed: 7, channels: 3, height: 5, width: 4)
        var random = SeededRandom(7)
        var expected: [Float] = []
        for _ in 0..<60 {
            var sum = 0
            for _ in 0..<3 {
                let word = random.next()
                for part in 0..<4 { sum += Int(word >> UInt64(16 * part) & 0xFFFF) - 32768 }
            }
            expected.append(Float(sum) / 65536)
        }
        #expect(picture.map(\.bitPattern) == expected.map(\.bitPattern))
    }

    /// Logits are kept as decimals and come back with the bits that they had.
    @Test func decimalsKeepEveryBit() throws {
        var random = SeededRandom(8)
        var values: [Float] = [
            0, -0.0, .leastNonzeroMagnitude, .greatestFiniteMagnitude, .leastNormalMagnitude,
        ]
        while values.count < 20_000 {
            let value = Float(bitPattern: UInt32(truncatingIfNeeded: random.next()))
            if value.isFinite { values.append(value) }
        }
        var model = try ModelFileTests.model(classCount: values.count, labels: nil)
        var description = model.description
        description.probe = ModelProbe(
            seed: .max, logits: PerNumerics(fast: values, strict: values.map { -$0 }))
        model = try ModelFile(network: model.network, description: description)
        let path = ModelFileTests.temporaryPath()
        defer { unlink(path) }
        try model.write(to: path, overwrite: false)
        let read = try #require(try ModelFile(path: path).description.probe)
        #expect(read.seed == .max)
        #expect(read.logits.fast.map(\.bitPattern) == values.map(\.bitPattern))
        #expect(read.logits.strict.map(\.bitPattern) == values.map { (-$0).bitPattern })
    }
}
