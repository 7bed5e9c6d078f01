import OrepaCheckpoint
import OrepaFiles
import OrepaSafetensors
import OrepaTraining
import TestSupport
import Testing

/// Names and shapes that somebody made to do harm are refused, in linear time.
@Suite(.serialized) struct HostileNetworkTests {
    private typealias Entry = (name: String, shape: [Int], byteCount: Int)

    private func checkpoint(_ entries: [Entry]) throws -> Checkpoint {
        let tensors = entries.map { entry in
            SafetensorsWriter.Tensor(
                name: entry.name, elementType: .float32, shape: entry.shape
            ) { (_) throws(FileError) in }
        }
        let writer = try SafetensorsWriter(tensors)
        let data = [UInt8](repeating: 0, count: writer.byteCounts.reduce(0, +))
        return try Checkpoint(FileBytes(writer.header + data, path: "test"))
    }

    private func floats(_ name: String, _ shape: [Int]) -> Entry {
        (name, shape, 4 * shape.reduce(1, *))
    }

    /// A chain of folded 3x3 blocks of one channel.
    private func chain(_ count: Int) -> [Entry] {
        ["stage0"].appending((0..<count - 1).map { "stage1.\($0)" }).flatMap { prefix in
            [
                floats("\(prefix).rbr_reparam.weight", [1, prefix == "stage0" ? 3 : 1, 3, 3]),
                floats("\(prefix).rbr_reparam.bias", [1]),
            ]
        } + [floats("linear.weight", [1, 1]), floats("linear.bias", [1])]
    }

    @Test func shapesOfAnySizeAreRefused() throws {
        let file = try Checkpoint(path: fixture("hostile-checkpoints/large-shape.safetensors"))
        #expect(throws: TrainingError.self) { try TrainingNetwork(file) }
        for kind in [
            "weight_orepa_origin", "rbr_dense.weight_rbr_origin", "dbb_origin.conv.weight",
        ] {
            for shape in [
                [1 << 62, 0], [1 << 60, 0, 3, 3], [0, 1 << 60, 3, 3], [0, 0, 1 << 40, 1 << 40],
            ] {
                let found = try checkpoint([("stage0.\(kind)", shape, 0)])
                #expect(throws: TrainingError.self) { try TrainingNetwork(found) }
            }
        }
    }

    @Test func manyBlocksAreRecognisedInLinearTime() throws {
        let growth = try growth(doubling: 300) {
            try checkpoint(chain($0))
        } run: {
            let network = try TrainingNetwork($0)
            for block in network.blocks { #expect(network.block(named: block.name) != nil) }
        }
        #expect(growth < 3)
    }

    @Test(arguments: ["dots", "combining marks", "misspelt keys"])
    func oddNamesAreRefusedInLinearTime(kind: String) throws {
        let growth = try growth(doubling: 1000) { count in
            var entries = chain(3)
            switch kind {
            case "dots":
                entries += (0..<20).map {
                    floats("stage1.\($0 + 2)" + String(repeating: ".", count: count + $0), [1])
                }
            case "combining marks":
                entries += (0..<20).map {
                    floats(
                        "stage1.0." + String(repeating: "\u{345}\u{316}", count: count / 2)
                            + "\($0)", [1])
                }
            default: entries += (0..<count).map { floats("stage9\($0).conv.weighs", [1]) }
            }
            return try checkpoint(entries)
        } run: { checkpoint in
            #expect(throws: TrainingError.self) { try TrainingNetwork(checkpoint) }
        }
        #expect(growth < 3)
    }

    @Test func networksHaveAtMost10000Blocks() throws {
        let found = try checkpoint(chain(10_001))
        #expect(throws: TrainingError.tooManyBlocks(path: "test", limit: 10_000, found: 10_001)) {
            try TrainingNetwork(found)
        }
    }

    @Test func errorsAreForPrinting() throws {
        let found = try checkpoint(chain(2) + [floats("\u{1B}[2J\u{9B}\n.x", [1])])
        do {
            _ = try TrainingNetwork(found)
            Issue.record("not refused")
        } catch {
            #expect(error.description.contains("`\\u{1B}[2J\\u{9B}\\n.x`"), "\(error)")
        }
    }
}

extension Array {
    fileprivate func appending(_ more: [Element]) -> [Element] { self + more }
}
