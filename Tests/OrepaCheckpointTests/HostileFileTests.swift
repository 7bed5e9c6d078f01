import Foundation
import OrepaCheckpoint
import OrepaFiles
import TestSupport
import Testing

/// Files that somebody made to do harm are read or refused.
@Suite struct HostileFileTests {
    /// Each ended the program by a signal once.
    @Test func filesOfAFuzzer() throws {
        let folder = fixture("hostile-checkpoints")
        let names = try FileManager.default.contentsOfDirectory(atPath: folder)
        #expect(names.count >= 12)
        for name in names {
            let bytes = [UInt8](
                try #require(FileManager.default.contents(atPath: "\(folder)/\(name)")))
            guard let checkpoint = try? open(bytes) else { continue }
            for tensor in checkpoint.tensors { _ = try? tensor.doubles() }
        }
    }

    /// An instruction that makes a global and calls it.
    @Test func globalsThatAreCalledAtOnce() {
        #expect(throws: CheckpointError.legacy(path: "test", .wrongMagicNumber(found: "a dict"))) {
            try open(
                Array(
                    "\u{80}\u{2}(icollections\nOrderedDict\n.".unicodeScalars.map {
                        UInt8($0.value)
                    }))
        }
    }

    @Test func everyWayToCallSeesTheStackAsItIs() throws {
        let ways: [[UInt8]] = [
            Array("(icollections\nOrderedDict\n".utf8),
            Array("(ccollections\nOrderedDict\no".utf8),
            Array("ccollections\nOrderedDict\n)R".utf8),
            Array("ccollections\nOrderedDict\n)".utf8) + [0x81],
            Pickle.text("collections") + Pickle.text("OrderedDict") + [0x93] + Array(")R".utf8),
            Array("(d".utf8), Array("}(u".utf8),
        ]
        for way in ways {
            var legacy = Legacy()
            legacy.root = Pickle.dictionary([("state_dict", Pickle.plainState), ("a", way)])
            #expect(try open(legacy.bytes).tensors.map(\.name) == ["w"])
        }
    }

    @Test func sizesBeyondEveryInteger() {
        func refuses(_ error: CheckpointError, _ tensor: [UInt8]) {
            #expect(throws: error) {
                try open(Zip.checkpoint(Pickle.dictionary([("w", tensor)])).bytes)
            }
        }
        let storage = Pickle.storage("0", count: 4)
        refuses(
            .sizeOverflow(path: "test", name: "w", shape: [1 << 62, 4]),
            Pickle.tensor(storage, shape: [1 << 62, 4], strides: [0, 0]))
        refuses(
            .sizeOverflow(path: "test", name: "w", shape: [2, 2]),
            Pickle.tensor(storage, shape: [2, 2], strides: [.max, .max]))
        refuses(
            .beyondStorage(path: "test", name: "w", expected: .max, found: 4),
            Pickle.tensor(storage, offset: .max - 1, shape: [1], strides: [1]))
        refuses(
            .storageSizeMismatch(path: "test", name: "w", storage: "0", expected: .max, found: 16),
            Pickle.tensor(Pickle.storage("0", count: .max), shape: [1], strides: [1]))
        let repeated = Pickle.tensor(storage, shape: [1 << 40], strides: [0])
        #expect {
            try open(Zip.checkpoint(Pickle.dictionary([("w", repeated)])).bytes)
        } throws: {
            guard case CheckpointError.tooManyElements(_, "w", _, 1 << 40) = $0 else {
                return false
            }
            return true
        }
    }

    @Test func shapesHaveAtMost64Dimensions() throws {
        func state(_ rank: Int) -> [UInt8] {
            let ones = [Int](repeating: 1, count: rank)
            return Pickle.dictionary([
                ("w", Pickle.tensor(Pickle.storage("0", count: 4), shape: ones, strides: ones))
            ])
        }
        #expect(try open(Zip.checkpoint(state(64)).bytes)["w"]?.shape.count == 64)
        #expect {
            try open(Zip.checkpoint(state(65)).bytes)
        } throws: {
            guard case CheckpointError.pickle(_, .tooManyDimensions(64, 65, _)) = $0 else {
                return false
            }
            return true
        }
    }

    @Test func namesHaveAtMost4096Bytes() throws {
        func state(_ count: Int) -> [UInt8] {
            Pickle.dictionary([
                (
                    String(repeating: "n", count: count),
                    Pickle.tensor(Pickle.storage("0", count: 4), shape: [4], strides: [1])
                )
            ])
        }
        #expect(try open(Zip.checkpoint(state(4096)).bytes).tensors[0].name.utf8.count == 4096)
        #expect(
            throws: CheckpointError.nameTooLong(
                path: "test", name: String(repeating: "n", count: 200) + "...", limit: 4096,
                found: 4097)
        ) { try open(Zip.checkpoint(state(4097)).bytes) }
    }

    @Test func canonicallyEqualNamesAreTwo() throws {
        let tensor = Pickle.tensor(Pickle.storage("0", count: 4), shape: [4], strides: [1])
        let names = ["caf\u{E9}", "cafe\u{301}"]
        let checkpoint = try open(
            Zip.checkpoint(Pickle.dictionary(names.map { ($0, tensor) })).bytes)
        #expect(checkpoint.tensors.map { Array($0.name.utf8) } == names.map { Array($0.utf8) })
        #expect(Array(try #require(checkpoint[names[1]]).name.utf8) == Array(names[1].utf8))
    }

    @Test func errorsAreForPrinting() {
        let pickle = Pickle.dictionary([("\u{1B}]0;title\u{7}\n\u{9B}1m", Array("N".utf8))])
        do {
            _ = try open(
                Zip.checkpoint(
                    Pickle.dictionary([("state_dict", Pickle.plainState)]) + Array("0".utf8)
                        + pickle
                ).bytes)
            Issue.record("not refused")
        } catch {
            #expect(
                !error.description.unicodeScalars.contains {
                    $0.value < 0x20 || 0x7F..<0xA0 ~= $0.value
                })
        }
        #expect(
            CheckpointError.notATensor(path: "a\u{1B}", name: "b\n", found: "c\u{202E}").description
                == "a\\u{1B}: `b\\n`: expected a tensor, found c\\u{202E}")
    }

    /// Pickles of random instructions: every way to combine what the interpreter knows.
    @Test func randomInstructions() {
        var random = SeededRandom(7)
        let pieces: [[UInt8]] =
            [
                Pickle.text("storage"), Pickle.text("0"), Pickle.text("cpu"), Pickle.text("w"),
                Pickle.integer(4), Pickle.integer(-1), Pickle.integer(.max),
                Pickle.global("torch", "FloatStorage"), Pickle.global("collections", "OrderedDict"),
                Pickle.global("collections", "defaultdict"), Pickle.global("torch", "Size"),
                Pickle.global("torch._utils", "_rebuild_tensor_v2"),
                Pickle.global("torch._utils", "_rebuild_tensor_v3"),
                Pickle.global("torch._utils", "_rebuild_parameter"),
                Pickle.global("torch._tensor", "_rebuild_from_type_v2"),
                Pickle.global("torch", "Tensor"), Pickle.global("torch", "float32"),
                Pickle.storage("0", count: 4),
                Pickle.tuple([Pickle.integer(2), Pickle.integer(2)]),
                Pickle.tensor(Pickle.storage("0", count: 4), shape: [4], strides: [1]),
                Array("(icollections\nOrderedDict\n".utf8),
                Array("L99999999999999999999999L\n".utf8), Array("I01\n".utf8),
                Array("S'a'\n".utf8),
            ]
            + Array("(012N)]}tldaesubRQo".utf8).map { [$0] }
            + [[0x81], [0x85], [0x86], [0x87], [0x88], [0x8F], [0x90], [0x91], [0x93], [0x94]]
            + (0..<4).flatMap { index in
                ["h", "q"].map { Array($0.utf8) + [UInt8(index)] }
            }
        var read = 0
        for _ in 0..<20_000 {
            var pickle: [UInt8] = []
            for _ in 0..<Int.random(in: 1...24, using: &random) {
                pickle += pieces.randomElement(using: &random)!
            }
            // Half of them end as a state dict does.
            var legacy = Legacy()
            legacy.root = Bool.random(using: &random) ? pickle : Pickle.plainState + pickle
            guard let checkpoint = try? open(legacy.bytes) else { continue }
            read += 1
            for tensor in checkpoint.tensors { _ = try? tensor.doubles() }
        }
        #expect(read > 20)
    }
}
