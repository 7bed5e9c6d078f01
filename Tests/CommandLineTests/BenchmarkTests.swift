import Foundation
import TestSupport
import Testing

@Suite struct BenchmarkTests {
    private func json(_ arguments: [String]) throws -> [String: Any] {
        let result = try Program.run(
            ["benchmark"] + arguments + ["--duration", "0.05", "--format", "json"])
        try #require(result.status == 0, "\(result.errors)")
        return try #require(try result.json() as? [String: Any])
    }

    @Test func timesAndWhatWasTimed() throws {
        let model = try Models.repVGG()
        let report = try json([model, "--batch", "2", "--threads", "1"])
        #expect(report["batch"] as? Int == 2 && report["threads"] as? Int == 1)
        let digest = try Program.shell("sha256sum '\(model)'").prefix(64)
        #expect(report["model_sha256"] as? String == String(digest))
        func number(_ key: String) throws -> Double { try #require(report[key] as? Double) }
        #expect(try number("median_ms_low") <= number("median_ms"))
        #expect(try number("median_ms") <= number("median_ms_high"))
        #expect(try number("min_ms") <= number("p10_ms"))
        #expect(try number("p10_ms") <= number("p50_ms"))
        #expect(try number("p50_ms") <= number("p90_ms"))
        #expect(try number("p90_ms") <= number("p95_ms"))
        #expect(try number("p95_ms") <= number("p99_ms"))
        let rate = try number("images_per_second") * number("median_ms")
        #expect(abs(rate - 2000) < 1e-6)
        #expect(try number("load_ms") > 0 && number("first_ms") > 0)
        #expect(try number("peak_memory_bytes") >= number("packed_weights_bytes"))
        for key in ["cpu", "instruction_set", "numerics"] { #expect(report[key] is String) }
    }

    @Test(arguments: [1, 3]) func aProfileAddsUp(batch: Int) throws {
        let report = try json([Models.resNet(), "--profile", "--batch", "\(batch)"])
        let layers = try #require(report["layers"] as? [[String: Any]])
        let shares = layers.compactMap { $0["share"] as? Double }
        #expect(shares.count == layers.count && !shares.isEmpty)
        let total = try #require(report["total_ms"] as? Double)
        let input = try #require(report["input_ms"] as? Double)
        #expect(abs(shares.reduce(input / total, +) - 1) < 1e-9)
        let peak = try #require(report["peak"] as? [String: Double])
        var limit = 0.0
        for layer in layers {
            let seconds = try #require(layer["median_ms"] as? Double) * 1e-3
            let multiplyAdds = try #require(layer["executed_multiply_accumulates"] as? Int) * batch
            let share = try #require(layer["fma_share"] as? Double)
            let expected =
                Double(multiplyAdds) / seconds / peak["multiply_adds_per_second"]!
            #expect(abs(share - expected) <= 1e-9 * (1 + expected))
            #expect((layer["memory_share"] as? Double ?? -1) > 0)
            let least = try #require(layer["min_ms"] as? Double)
            let tenth = try #require(layer["p10_ms"] as? Double)
            #expect(least <= tenth && tenth <= seconds * 1e3)
            limit += try #require(layer["limit_ms"] as? Double)
        }
        #expect(abs(limit - (report["limit_ms"] as? Double ?? -1)) <= 1e-9 * limit)
    }

    @Test func aProfileExplainsItself() throws {
        let table = try Program.run(
            ["benchmark", Models.resNet(), "--profile", "--duration", "0.05", "--threads", "2"])
        #expect(table.status == 0)
        #expect(
            table.lines[0].split(separator: " ") == [
                "layer", "algorithm", "tiles", "ms", "least", "limit", "share", "GFLOP/s", "FMA",
                "memory", "bound",
            ])
        #expect(table.text.contains("measured peak: "))
        #expect(table.text.contains(" with 1 thread; "))
    }
}
