import Foundation
import OrepaCheckpoint
import OrepaFiles
import OrepaFold
import OrepaNetwork
import OrepaPlan
import OrepaSafetensors
import OrepaThreads
import OrepaTraining
import TestSupport
import Testing

@Suite struct GoldenLogitsTests {
    @Test func everyFixtureIsListed() throws {
        let names = try FileManager.default.contentsOfDirectory(atPath: CheckpointFixture.path(""))
        #expect(
            names.filter { !$0.hasSuffix(".golden.safetensors") }.sorted()
                == CheckpointFixture.all.sorted())
    }

    /// Logits of the folded network, run in Float32, against the unfused one's in Float64; with the same bits on
    /// every instruction set and any number of threads.
    @Test(arguments: CheckpointFixture.all, Numerics.allCases) func foldedLogitsEqualTheGoldenOnes(
        name: String, numerics: Numerics
    ) throws {
        let network = try TrainingNetwork(Checkpoint(path: CheckpointFixture.path(name))).folded()
        let golden = try SafetensorsFile(
            FileBytes(mapping: CheckpointFixture.path(CheckpointFixture.golden(name))))
        let input = Tensor(copying: golden["input"]!, of: golden)
        let expected = golden.elements(of: golden["logits"]!, as: Double.self)
        var first: [UInt32]?
        for set in InstructionSet.allCases where set <= .best {
            for threadCount in 1...3 {
                let pool = WorkerPool(threadCount: threadCount)
                func run(_ memory: PlanMemory) throws -> [Float] {
                    let plan = try Plan(
                        network, height: input.shape[2], width: input.shape[3],
                        numerics: numerics, instructionSet: set, memory: memory, pool: pool)
                    return try PlanContext(plan, pool: pool)
                        .run(input.values, count: input.shape[0])
                }
                let logits = try run(.fast)
                #expect(logits.count == expected.count)
                let bits = logits.map(\.bitPattern)
                #expect(bits == first ?? bits, "\(name), \(set), \(threadCount) threads")
                #expect(try run(.small).map(\.bitPattern) == bits)
                guard first == nil else { continue }
                first = bits
                let largest = expected.map(abs).max()!
                let error = zip(logits, expected).map { abs(Double($0) - $1) }.max()! / largest
                #expect(error <= (numerics == .strict ? 1e-5 : 1e-4), "\(name): \(error)")
            }
        }
    }
}
