import OrepaCheckpoint
import OrepaSafetensors
import TestSupport
import Testing

/// Twice the input takes less than three times the time, whatever somebody has put into it.
@Suite(.serialized) struct LinearTimeTests {
    private func repeated(_ bytes: [UInt8], _ count: Int) -> [UInt8] {
        Array(repeatElement(bytes, count: count).joined())
    }

    private func legacy(_ root: [UInt8]) -> FileBytes {
        var legacy = Legacy()
        legacy.root = root
        return FileBytes(legacy.bytes, path: "test")
    }

    /// Time is what matters, not whether a checkpoint comes of it.
    private func read(_ file: FileBytes) {
        guard let checkpoint = try? Checkpoint(file) else { return }
        for tensor in checkpoint.tensors { _ = try? tensor.doubles() }
    }

    private static let text = UInt8(ascii: "X")

    @Test(arguments: [
        "calls above a deep stack", "names above a deep stack", "pairs above a deep stack",
        "states of many elements", "dicts of many pairs", "long keys of many storages",
        "one key in many storages", "memo", "marks", "decimal integers", "texts of combining marks",
        "globals of combining marks", "keys of combining marks",
    ])
    func pickles(kind: String) {
        let none: [UInt8] = [UInt8(ascii: "N")]
        let marks = "a" + String(repeating: "\u{345}\u{316}", count: 1000)
        func pickle(_ count: Int) -> [UInt8] {
            let deep = repeated(none, count)
            return switch kind {
            case "calls above a deep stack":
                Pickle.global("torch", "Size") + Array("q\0".utf8) + deep
                    + repeated(Array("h\0)R0".utf8), count)
            case "names above a deep stack":
                deep
                    + repeated(
                        Pickle.text("torch") + Pickle.text("Size") + [0x93, UInt8(ascii: "0")],
                        count / 10)
            case "pairs above a deep stack":
                deep + repeated(Array("(NNd0}(NNu0(ccollections\nOrderedDict\no0".utf8), count / 10)
            case "states of many elements":
                Array("(".utf8) + deep + Array("tq\0".utf8)
                    + Pickle.tensor(Pickle.storage("0", count: 4), shape: [4], strides: [1])
                    + repeated(Array("h\0b".utf8), count)
            case "dicts of many pairs":
                Array("(".utf8)
                    + repeated(Array("NN\u{86}".unicodeScalars.map { UInt8($0.value) }), count)
                    + Array("tq\0".utf8) + Pickle.global("collections", "OrderedDict")
                    + Array("q\u{1}".utf8)
                    + repeated(
                        Array("h\u{1}h\0\u{85}R0".unicodeScalars.map { UInt8($0.value) }), count)
            case "long keys of many storages":
                repeated(
                    Pickle.storage(String(repeating: "k", count: min(count / 4, 4000)), count: 1)
                        + [UInt8(ascii: "0")], count / 40)
            case "one key in many storages":
                Pickle.text(String(repeating: "k", count: min(count / 10, 4000)))
                    + Array("q\0".utf8)
                    + repeated(
                        Array("(X\u{7}\0\0\0storagectorch\nFloatStorage\nh\0NK\u{1}tQ0".utf8),
                        count / 10)
            case "memo": deep + repeated([0x94] + none, count)
            case "marks":
                repeated(Array("(".utf8), 900) + repeated(Array("(NNNl0".utf8), count)
            case "decimal integers":
                repeated(
                    Array("L".utf8) + repeated(Array("9".utf8), 1000) + Array("L\n0".utf8),
                    count / 100)
            case "texts of combining marks":
                repeated(Pickle.text(marks) + [UInt8(ascii: "0")], count / 100)
            case "globals of combining marks":
                Array("c".utf8) + Array(repeatElement(marks, count: count / 100).joined().utf8)
                    + Array("\na\n".utf8)
            default:
                Pickle.dictionary(
                    (0..<count / 100).map { (marks + "\($0)", [UInt8(ascii: "K"), 1]) })
            }
        }
        let growth = growth(doubling: 20_000) {
            legacy(pickle($0))
        } run: {
            read($0)
        }
        #expect(growth < 3)
    }

    /// Many views of one record: its checksum is calculated once.
    @Test func viewsOfOneRecord() {
        let growth = growth(doubling: 1000) { count in
            let tensors = (0..<count).map { index in
                (
                    "w\(index)",
                    Pickle.tensor(
                        Pickle.storage(
                            "0", count: 64 * count,
                            view: Pickle.tuple([
                                Pickle.text("v"), Pickle.integer(index), Pickle.integer(1),
                            ])), shape: [1], strides: [1])
                )
            }
            let storage = [UInt8](repeating: 0, count: 4 * 64 * count)
            return FileBytes(
                Zip.checkpoint(Pickle.dictionary(tensors), storage: storage).bytes, path: "test")
        } run: {
            guard let checkpoint = try? Checkpoint($0) else {
                Issue.record("not read")
                return
            }
            for tensor in checkpoint.tensors { #expect((try? tensor.floats()) == [0]) }
        }
        #expect(growth < 3)
    }

    @Test(arguments: ["zip", "legacy", "scalars"])
    func manyStorages(format: String) {
        let growth = growth(doubling: 500) { count -> FileBytes in
            let tensors = (0..<count).map { index in
                (
                    "w\(index)",
                    format == "scalars"
                        ? Pickle.integer(index)
                        : Pickle.tensor(
                            Pickle.storage("\(index)", count: 1), shape: [1], strides: [1])
                )
            }
            var root = Pickle.dictionary(tensors)
            if format == "scalars" {
                root = Pickle.dictionary(
                    tensors + [
                        (
                            "w",
                            Pickle.tensor(Pickle.storage("0", count: 4), shape: [4], strides: [1])
                        )
                    ])
            }
            if format == "zip" {
                var zip = Zip.checkpoint(root)
                zip.members += (1..<count).map { Zip.Member("a/data/\($0)", Legacy.floats([0])) }
                zip["a/data/0"] = Zip.Member("a/data/0", Legacy.floats([0]))
                return FileBytes(zip.bytes, path: "test")
            }
            var legacy = Legacy()
            legacy.root = root
            if format == "legacy" {
                legacy.keys = Pickle.list((0..<count).map { Pickle.text("\($0)") })
                legacy.storages = (0..<count).flatMap { _ in Int64(1).little + Legacy.floats([0]) }
            }
            return FileBytes(legacy.bytes, path: "test")
        } run: { file in
            #expect(throws: Never.self) {
                for tensor in try Checkpoint(file).tensors { _ = try tensor.doubles() }
            }
        }
        #expect(growth < 3)
    }
}
