import OrepaCheckpoint
import OrepaFiles
import TestSupport
import Testing

@Suite struct StateDictionaryLocationTests {
    private let path = fixture("assumptions/repvgg-averaged.pth")

    /// By default the first of the usual keys; the other dict with tensors of the same names is named, the optimizer's
    /// is not.
    @Test func otherDictsOfTheSameNamesAreNamed() throws {
        let checkpoint = try Checkpoint(path: path)
        #expect(checkpoint.location == "state_dict")
        #expect(checkpoint.counterparts == ["averages.ema.decay"])
        let plain = try Checkpoint(path: fixture("assumptions/repvgg-strides.pth"))
        #expect(plain.counterparts == [])
    }

    /// A key may have dots itself.
    @Test func aDottedPathLeadsToADict() throws {
        let averaged = try Checkpoint(path: path, stateDictionary: "averages.ema.decay")
        #expect(averaged.location == "averages.ema.decay")
        #expect(averaged.counterparts == ["state_dict"])
        let trained = try Checkpoint(path: path)
        let name = "linear.bias"
        #expect(
            try #require(averaged[name]).doubles() != (try #require(trained[name]).doubles()))
        #expect(averaged["n_averaged"]?.elementCount == 1)
    }

    @Test(arguments: ["none", "averages", "averages.ema", "epoch", "state_dict.", ".", "optimizer"])
    func aPathThatLeadsToNoTensors(wanted: String) {
        let error = #expect(throws: CheckpointError.self) {
            try Checkpoint(path: path, stateDictionary: wanted)
        }
        #expect(
            error
                == .noStateDictionary(
                    path: path, wanted: wanted, found: ["state_dict", "averages.ema.decay"]))
        #expect(error?.description.contains("`\(wanted)`") == true)
        #expect(error?.description.contains("`averages.ema.decay`") == true)
    }

    @Test func aSafetensorsFileHasOneDict() {
        let path = fixture("checkpoints/repvgg-dbb.safetensors")
        #expect(
            throws: CheckpointError.noStateDictionary(path: path, wanted: "model", found: [])
        ) { try Checkpoint(path: path, stateDictionary: "model") }
    }
}
