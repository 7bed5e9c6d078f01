import Foundation
import Orepa
import OrepaFiles
import OrepaImage
import OrepaNetwork
import OrepaPlan
import OrepaSafetensors
import OrepaThreads
import TestSupport
import Testing

/// The picture whose logits a model's file keeps.
@Suite struct ProbeTests {
    @Test(arguments: InstructionSet.allCases.filter { $0 <= .best }, Numerics.allCases)
    func theDefaultModelsProbeHasTheSameBitsEverywhere(
        set: InstructionSet, numerics: Numerics
    ) throws {
        let model = try ModelTests.defaultModel()
        #expect(model.description.probe != nil)
        for threadCount in 1...3 {
            let pool = WorkerPool(threadCount: threadCount)
            for memory in PlanMemory.allCases {
                let plan = try Plan(
                    model, numerics: numerics, instructionSet: set, memory: memory, pool: pool)
                try PlanContext(plan, pool: pool).checkProbe(of: model)
            }
        }
    }

    /// The runtime computes the default model's layers as its file says.
    @Test(arguments: Numerics.allCases) func theDefaultModelSaysHowItIsComputed(
        numerics: Numerics
    ) throws {
        let model = try ModelTests.defaultModel()
        let stored = try #require(model.description.algorithms?[numerics])
        #expect(stored.count == 11)
        let plan = try Plan(model, numerics: numerics, pool: WorkerPool(threadCount: 1))
        #expect(plan.blueprint.algorithms == stored)
    }

    /// One bit of one weight, in any layer, after the file was written. Of a layer's largest weights some may be of no
    /// consequence, where a ReLU has zeroed what they are multiplied with.
    @Test func aFlippedBitIsRefused() throws {
        let path = repositoryFile("models/fashion-mnist-repvgg/model.safetensors")
        let bytes = try [UInt8](Data(contentsOf: URL(fileURLWithPath: path)))
        let file = try SafetensorsFile(FileBytes(bytes, path: path))
        let weights = file.entries.filter { $0.name.hasSuffix(".weight") }
        #expect(weights.count == 11)
        var refusedCount = 0
        for entry in weights {
            let values = file.elements(of: entry, as: Float.self)
            let largest = values.indices.sorted { abs(values[$0]) > abs(values[$1]) }.prefix(8)
            let refused = try largest.filter { index in
                var damaged = bytes
                // The highest bit of the fraction.
                damaged[entry.range.lowerBound + index * 4 + 2] ^= 0x40
                return try isRefused(ModelFile(FileBytes(damaged, path: "damaged")))
            }
            #expect(!refused.isEmpty, "\(entry.name)")
            refusedCount += refused.count
        }
        #expect(refusedCount > 8 * weights.count * 3 / 4)
    }

    /// With the probe, by its error; without, never.
    private func isRefused(_ model: ModelFile) throws -> Bool {
        let pool = WorkerPool(threadCount: 2)
        var options = Model.Options()
        options.threads = .shared(pool)
        options.checksProbe = false
        _ = try Model(model, options: options)
        let refused = try Numerics.allCases.map { numerics in
            do {
                _ = try PlanContext(Plan(model, numerics: numerics, pool: pool), pool: pool)
                    .checkProbe(of: model)
                return false
            } catch PlanError.model(.probe("damaged", numerics, let index, let expected, let found))
            {
                #expect(expected != found)
                #expect(model.description.probe?.logits[numerics][index] == expected)
                return true
            }
        }
        #expect(refused[0] == refused[1])
        return refused[0]
    }

    @Test func aFileWithoutProbeLoads() throws {
        let model = try ModelTests.defaultModel()
        var description = model.description
        description.probe = nil
        description.algorithms = nil
        let old = try ModelFile(network: model.network, description: description)
        let input = try preparedValues(
            RGBImage(width: 8, height: 8, pixels: [UInt8](repeating: 99, count: 192)),
            description.preprocessing)
        #expect(try Model(old).run(.tensor(input)) == Model(model).run(.tensor(input)))
    }

    /// Found logits that are one rounding away are other logits.
    @Test func theComparisonIsExact() throws {
        let model = try ModelTests.defaultModel()
        let probe = try #require(model.description.probe)
        var description = model.description
        var logits = probe.logits.fast
        logits[6] = logits[6].nextUp
        description.probe = ModelProbe(
            seed: probe.seed, logits: PerNumerics(fast: logits, strict: probe.logits.strict))
        let other = try ModelFile(network: model.network, description: description, path: "m")
        let pool = WorkerPool(threadCount: 1)
        #expect(
            throws: PlanError.model(
                .probe(
                    path: "m", numerics: .fast, index: 6, expected: logits[6],
                    found: probe.logits.fast[6]))
        ) { try PlanContext(Plan(other, pool: pool), pool: pool).checkProbe(of: other) }
        let error = #expect(throws: OrepaError.self) { try Model(other) }
        #expect(error?.code == .probeFailed)
        var options = Model.Options()
        options.numerics = .strict
        _ = try Model(other, options: options)
        // Another size than the model's own has no probe.
        let plan = try Plan(other, height: 64, width: 64, pool: pool)
        try PlanContext(plan, pool: pool).checkProbe(of: other)
    }
}
