import Foundation
import OrepaCheckpoint
import OrepaFiles
import TestSupport
import Testing

/// Truncated and damaged files of every format: an error or a checkpoint, never a crash.
@Suite struct DamageTests {
    static let files: [String] = {
        let odd = try! FileManager.default.contentsOfDirectory(
            atPath: fixture("checkpoint-formats"))
        let published = try! FileManager.default.contentsOfDirectory(
            atPath: fixture("checkpoints"))
        return odd.filter { !$0.hasSuffix(".json") }.map { "checkpoint-formats/\($0)" }.sorted()
            + published.filter { !$0.contains(".golden.") }.map { "checkpoints/\($0)" }.sorted()
    }()

    static func read(_ name: String) -> [UInt8] {
        [UInt8](FileManager.default.contents(atPath: fixture(name))!)
    }

    /// Opens and reads all, whatever comes of it.
    func exercise(_ bytes: [UInt8]) -> Bool {
        guard let checkpoint = try? open(bytes) else { return false }
        var isRead = true
        for tensor in checkpoint.tensors where tensor.elementCount < 100_000 {
            if (try? tensor.doubles()) == nil { isRead = false }
        }
        return isRead
    }

    @Test(arguments: files)
    func truncated(name: String) {
        let bytes = Self.read(name)
        let step = max(1, bytes.count / 150)
        for count in stride(from: 0, to: bytes.count, by: step) {
            #expect(!exercise(Array(bytes.prefix(count))), "\(count) bytes")
        }
        for count in max(0, bytes.count - 40)..<bytes.count {
            #expect(!exercise(Array(bytes.prefix(count))), "\(count) bytes")
        }
        #expect(!exercise(bytes + [0]))
    }

    @Test(arguments: files)
    func flipped(name: String) {
        var generator = SeededRandom(0x5EED)
        let original = Self.read(name)
        for round in 0..<(original.count < 20_000 ? 400 : 40) {
            var bytes = original
            // Damage concentrates where the structure is: at the start and at the end.
            let span = min(bytes.count, 6_000)
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                let index = Int.random(in: 0..<span, using: &generator)
                let place = round % 2 == 0 ? index : bytes.count - 1 - index
                bytes[place] = UInt8.random(in: 0...255, using: &generator)
            }
            _ = exercise(bytes)
        }
    }

    /// Pickles made of random instructions, biased to valid ones.
    @Test func randomPickles() {
        var generator = SeededRandom(7)
        let opcodes =
            Array("(.012FIJKLMNQRSTUVXabcdegh}ijl]opqrst)uGBC".utf8)
            + [0x80, 0x81, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8A, 0x8B, 0x8C, 0x8F, 0x90, 0x91, 0x93]
            + [0x94, 0x95, 0x96]
        for _ in 0..<20_000 {
            var legacy = Legacy()
            legacy.root = []
            for _ in 0..<Int.random(in: 1...30, using: &generator) {
                switch Int.random(in: 0..<8, using: &generator) {
                case 0: legacy.root += Pickle.global("collections", "OrderedDict")
                case 1: legacy.root += Pickle.global("torch._utils", "_rebuild_tensor_v2")
                case 2: legacy.root += Pickle.storage("0", count: 4)
                case 3: legacy.root += Pickle.integer(Int.random(in: -2...6, using: &generator))
                default:
                    legacy.root.append(opcodes.randomElement(using: &generator)!)
                    legacy.root.append(UInt8.random(in: 0...4, using: &generator))
                }
            }
            _ = exercise(legacy.bytes)
        }
    }
}
