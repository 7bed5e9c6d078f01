import Foundation
import OrepaCheckpoint
import OrepaFold
import OrepaNetwork
import OrepaPlan
import OrepaSafetensors
import OrepaTraining
import TestSupport
import Testing

/// Checkpoints in Tests/Fixtures/checkpoints, each with its golden file.
let checkpointFixtures: [String] = {
    let folder = fixture("checkpoints")
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    return names.filter { !$0.hasSuffix(".golden.safetensors") }.sorted()
}()

/// The golden file of a checkpoint: `repvgg-base.legacy.pth` has `repvgg-base.golden.safetensors`.
func golden(of checkpoint: String) throws -> SafetensorsFile {
    let name = checkpoint.split(separator: ".")[0]
    return try SafetensorsFile(
        FileBytes(mapping: fixture("checkpoints/\(name).golden.safetensors")))
}

@Suite struct GoldenLogitsTests {
    @Test func everyFixtureIsThere() {
        #expect(checkpointFixtures.count == 15)
    }

    /// Logits of the folded network, run in Float32, against the unfused one's in Float64.
    @Test(arguments: checkpointFixtures, Numerics.allCases) func foldedLogitsEqualTheGoldenOnes(
        name: String, numerics: Numerics
    ) throws {
        let network = try TrainingNetwork(Checkpoint(path: fixture("checkpoints/\(name)"))).folded()
        let golden = try golden(of: name)
        let input = Tensor(copying: golden["input"]!, of: golden)
        let expected = golden.elements(of: golden["logits"]!, as: Double.self)
        let pool = WorkerPool(threadCount: 2)
        let plan = try Plan(
            network, height: input.shape[2], width: input.shape[3], numerics: numerics, pool: pool)
        let logits = PlanContext(plan, pool: pool)
            .run(input.values, count: input.shape[0])
        #expect(logits.count == expected.count)
        let largest = expected.map(abs).max()!
        let error = zip(logits, expected).map { abs(Double($0) - $1) }.max()! / largest
        #expect(error <= (numerics == .strict ? 1e-5 : 1e-4), "\(name): \(error)")
    }
}
