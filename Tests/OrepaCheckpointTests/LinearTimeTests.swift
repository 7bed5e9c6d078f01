import OrepaCheckpoint
import OrepaFiles
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

    private func join(_ parts: [UInt8]...) -> [UInt8] { Array(parts.joined()) }

    /// The text's characters, each a byte.
    private func raw(_ text: String) -> [UInt8] { text.unicodeScalars.map { UInt8($0.value) } }

    @Test(arguments: [
        "calls above a deep stack", "names above a deep stack", "pairs above a deep stack",
        "states of many elements", "dicts of many pairs", "long keys of many storages",
        "one key in many storages", "memo", "marks", "decimal integers", "texts of combining marks",
        "globals of combining marks", "keys of combining marks", "one name of many tensors",
    ])
    func pickles(kind: String) {
        let marks = "a" + String(repeating: "\u{345}\u{316}", count: 1000)
        let tensor = Pickle.tensor(Pickle.storage("0", count: 4), shape: [4], strides: [1])
        let dictionary = Pickle.global("collections", "OrderedDict")
        func pickle(_ count: Int) -> [UInt8] {
            let deep = repeated(raw("N"), count)
            let key = String(repeating: "k", count: min(count / 10, 4000))
            switch kind {
            case "calls above a deep stack":
                return join(
                    Pickle.global("torch", "Size"), raw("q\0"), deep,
                    repeated(raw("h\0)R0"), count))
            case "names above a deep stack":
                let name = join(Pickle.text("torch"), Pickle.text("Size"), raw("\u{93}0"))
                return join(deep, repeated(name, count / 10))
            case "pairs above a deep stack":
                let pairs = join(raw("(NNd0}(NNu0("), dictionary, raw("o0"))
                return join(deep, repeated(pairs, count / 10))
            case "states of many elements":
                return join(raw("("), deep, raw("tq\0"), tensor, repeated(raw("h\0b"), count))
            case "dicts of many pairs":
                return join(
                    raw("("), repeated(raw("NN\u{86}"), count), raw("tq\0"), dictionary,
                    raw("q\u{1}"), repeated(raw("h\u{1}h\0\u{85}R0"), count))
            case "long keys of many storages":
                return repeated(join(Pickle.storage(key, count: 1), raw("0")), count / 40)
            case "one key in many storages":
                let use = raw("(X\u{7}\0\0\0storagectorch\nFloatStorage\nh\0NK\u{1}tQ0")
                return join(Pickle.text(key), raw("q\0"), repeated(use, count / 10))
            case "memo": return join(deep, repeated(raw("\u{94}N"), count))
            case "marks": return join(repeated(raw("("), 900), repeated(raw("(NNNl0"), count))
            case "decimal integers":
                let integer = "L" + String(repeating: "9", count: 1000) + "L\n0"
                return repeated(raw(integer), count / 100)
            case "texts of combining marks":
                return repeated(join(Pickle.text(marks), raw("0")), count / 100)
            case "globals of combining marks":
                return join(raw("c"), repeated(Array(marks.utf8), count / 100), raw("\na\n"))
            case "one name of many tensors":
                let name = String(repeating: "n", count: count)
                return join(
                    Pickle.text(name), raw("q\u{0}0"), tensor, raw("q\u{1}0}"),
                    repeated(raw("h\u{0}h\u{1}s"), count))
            default:
                var pairs = [("w", tensor)]
                for index in 0..<count / 100 { pairs.append((marks + "\(index)", raw("K\u{1}"))) }
                return Pickle.dictionary(pairs)
            }
        }
        let growth = growth(doubling: 10_000) {
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
            var pairs: [(String, [UInt8])] = []
            for index in 0..<count {
                let storage = Pickle.storage("\(index)", count: 1)
                let tensor = Pickle.tensor(storage, shape: [1], strides: [1])
                pairs.append(("w\(index)", format == "scalars" ? Pickle.integer(index) : tensor))
            }
            if format == "scalars" {
                let storage = Pickle.storage("0", count: 4)
                pairs.append(("w", Pickle.tensor(storage, shape: [4], strides: [1])))
            }
            let root = Pickle.dictionary(pairs)
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
