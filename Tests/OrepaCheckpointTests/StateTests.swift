import OrepaCheckpoint
import OrepaFiles
import Testing

/// Finding the state dict, and each guard of its tensors.
@Suite struct StateTests {
    static let tensor = Pickle.tensor(Pickle.storage("0", count: 4), shape: [4], strides: [1])

    func checkpoint(_ root: [UInt8]) throws(CheckpointError) -> Checkpoint {
        try open(Zip.checkpoint(root).bytes)
    }

    func refuses(
        _ error: CheckpointError, _ root: [UInt8],
        _ location: SourceLocation = #_sourceLocation
    ) {
        #expect(throws: error, sourceLocation: location) { try checkpoint(root) }
    }

    @Test func locations() throws {
        let state = Pickle.plainState
        let other = Pickle.dictionary([("other", Self.tensor)])
        for location in ["state_dict", "model_state_dict", "model"] {
            let found = try checkpoint(Pickle.dictionary([("epoch", [0x88]), (location, state)]))
            #expect(found.location == location)
        }
        let all = Pickle.dictionary([
            ("x", Self.tensor), ("model", other), ("model_state_dict", state),
        ])
        #expect(try checkpoint(all).location == "model_state_dict")
        #expect(try checkpoint(all).tensors.map(\.name) == ["w"])
        // A dict without tensors is not taken.
        let empty = Pickle.dictionary([("state_dict", Pickle.dictionary([])), ("model", other)])
        #expect(try checkpoint(empty).location == "model")
    }

    @Test func noTensors() {
        let path = "test"
        refuses(.noTensors(path: path, found: "a list"), Pickle.list([]))
        refuses(.noTensors(path: path, found: "a tensor"), Self.tensor)
        refuses(.noTensors(path: path, found: "an empty dict"), Pickle.dictionary([]))
        refuses(
            .noStateDictionary(path: path, wanted: nil, found: ["net"]),
            Pickle.dictionary([("net", Pickle.plainState)]))
        refuses(
            .noTensors(path: path, found: "a dict with an integer"),
            Array("}".utf8) + Pickle.integer(3) + Array("Ns".utf8))
        let many = Pickle.dictionary((0..<9).map { ("\($0)", Array("N".utf8)) })
        refuses(
            .noTensors(
                path: path, found: "a dict with `0`, `1`, `2`, `3`, `4`, `5`, `6`, `7`, ..."), many)
    }

    @Test func entriesThatAreNoTensors() {
        for (value, found) in [
            (Array("N".utf8), "None"), (Pickle.text("x"), "a string"), ([0x88], "a boolean"),
            (Pickle.dictionary([]), "a dict"), (Pickle.storage("0", count: 4), "a storage"),
        ] {
            refuses(
                .notATensor(path: "test", name: "x", found: found),
                Pickle.dictionary([("w", Self.tensor), ("x", value)]))
        }
        refuses(
            .notATensor(path: "test", name: "an integer", found: "a key of that kind"),
            Array("}".utf8) + Pickle.integer(3) + Self.tensor + Array("s".utf8))
    }

    @Test func names() throws {
        refuses(
            .duplicateName(path: "test", name: "w"),
            Pickle.dictionary([("w", Self.tensor), ("w", Self.tensor)]))
        refuses(
            .nameCollision(path: "test", name: "w"),
            Pickle.dictionary([("w", Self.tensor), ("module.w", Self.tensor)]))
        let found = try checkpoint(
            Pickle.dictionary([
                ("module.a", Self.tensor), ("b", Self.tensor), ("module.module.c", Self.tensor),
                ("d.module.e", Self.tensor), ("modules", Self.tensor),
            ]))
        #expect(found.tensors.map(\.name) == ["a", "b", "module.c", "d.module.e", "modules"])
    }

    func dictionary(
        count: Int = 4, type: String = "FloatStorage", key: String = "0", offset: Int = 0,
        shape: [Int], strides: [Int]
    ) -> [UInt8] {
        Pickle.dictionary([
            (
                "w",
                Pickle.tensor(
                    Pickle.storage(key, type: type, count: count), offset: offset, shape: shape,
                    strides: strides)
            )
        ])
    }

    @Test func storages() throws {
        refuses(
            .missingStorage(path: "test", name: "w", storage: "../0"),
            dictionary(key: "../0", shape: [4], strides: [1]))
        for (count, bytes) in [(5, 20), (3, 12), (.max, .max)] {
            refuses(
                .storageSizeMismatch(
                    path: "test", name: "w", storage: "0", expected: bytes, found: 16),
                dictionary(count: count, shape: [1], strides: [1]))
        }
        refuses(
            .storageSizeMismatch(path: "test", name: "w", storage: "0", expected: 32, found: 16),
            dictionary(type: "DoubleStorage", shape: [1], strides: [1]))
        refuses(
            .unsupportedTensor(path: "test", name: "w", found: "torch.ComplexFloatStorage"),
            dictionary(count: 2, type: "ComplexFloatStorage", shape: [1], strides: [1]))
        let bytes = try checkpoint(
            dictionary(count: 16, type: "UntypedStorage", shape: [4], strides: [1]))
        #expect(bytes["w"]?.elementType == .uint8)
        #expect(try bytes["w"]?.doubles() == [0, 0, 128, 63])
    }

    @Test func layouts() throws {
        refuses(
            .rankMismatch(path: "test", name: "w", shape: [2, 2], strides: [1]),
            dictionary(shape: [2, 2], strides: [1]))
        for (shape, strides, offset) in [([-1], [1], 0), ([4], [-1], 3), ([4], [1], -1)] {
            refuses(
                .negativeLayout(
                    path: "test", name: "w", shape: shape, strides: strides, offset: offset),
                dictionary(offset: offset, shape: shape, strides: strides))
        }
        refuses(
            .sizeOverflow(path: "test", name: "w", shape: [1 << 32, 1 << 32]),
            dictionary(shape: [1 << 32, 1 << 32], strides: [0, 0]))
        refuses(
            .sizeOverflow(path: "test", name: "w", shape: [3]),
            dictionary(shape: [3], strides: [.max]))
        refuses(
            .sizeOverflow(path: "test", name: "w", shape: [1]),
            dictionary(offset: .max, shape: [1], strides: [1]))
        for (offset, shape, strides, needed) in [
            (0, [5], [1], 5), (1, [4], [1], 5), (0, [2, 2], [4, 1], 6), (4, [], [], 5),
            (.max - 1, [], [], .max), (5, [0], [1], 5),
        ] {
            refuses(
                .beyondStorage(path: "test", name: "w", expected: needed, found: 4),
                dictionary(offset: offset, shape: shape, strides: strides))
        }
        let cases: [(Int, [Int], [Int], [Double])] = [
            (0, [2, 2], [2, 1], [1, 2, 3, 4]), (0, [2, 2], [1, 2], [1, 3, 2, 4]),
            (1, [3], [1], [2, 3, 4]), (3, [], [], [4]), (4, [0], [1], []), (0, [2], [3], [1, 4]),
            (1, [2, 3], [1, 0], [2, 2, 2, 3, 3, 3]), (0, [1, 2], [.max, 1], [1, 2]),
            (0, [2, 1], [1, .max], [1, 2]), (0, [2, 2], [1, 1], [1, 2, 2, 3]),
            (0, [0, 1 << 40, 1 << 40], [1, 1, 1], []), (0, [1, 2, 1], [.max, 2, .max], [1, 3]),
        ]
        for (offset, shape, strides, values) in cases {
            let tensor = try checkpoint(
                dictionary(offset: offset, shape: shape, strides: strides))["w"]
            #expect(try tensor?.doubles() == values)
            #expect(tensor?.elementCount == values.count)
            #expect(tensor?.byteCount == values.count * 4)
            tensor?.releasePages()
        }
    }

    @Test func repeatedElements() throws {
        var limits = CheckpointLimits.default
        limits.repeatedElementCount = 1_000
        let size = Zip.checkpoint(dictionary(shape: [9_999], strides: [0])).bytes.count
        let limit = size + 1_000
        let most = Zip.checkpoint(dictionary(shape: [limit], strides: [0])).bytes
        let one = try open(most, limits: limits)
        #expect(try one["w"]?.doubles() == [Double](repeating: 1, count: limit))
        #expect(
            throws: CheckpointError.tooManyElements(
                path: "test", name: "w", limit: limit, found: limit + 1)
        ) {
            try open(
                Zip.checkpoint(dictionary(shape: [limit + 1], strides: [0])).bytes, limits: limits)
        }
        // Together, too.
        let many = Pickle.dictionary(
            (0..<9).map {
                ("\($0)", Pickle.tensor(Pickle.storage("0", count: 4), shape: [500], strides: [0]))
            })
        let bytes = Zip.checkpoint(many).bytes
        let name = (bytes.count + 1_000) / 500
        #expect(
            throws: CheckpointError.tooManyElements(
                path: "test", name: "\(name)", limit: bytes.count + 1_000, found: 500 * (name + 1))
        ) { try open(bytes, limits: limits) }
    }

    @Test func otherFiles() {
        let tar = [UInt8](repeating: 0x61, count: 257) + Array("ustar  ".utf8)
        for (bytes, found): ([UInt8], String) in [
            ([], "an empty file"),
            ([0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A, 0, 0], "an HDF5 file"),
            ([0x1F, 0x8B, 8, 0], "a gzip file"),
            (tar, "a tar archive, as the first versions of PyTorch wrote"),
            ([0x93] + Array("NUMPY".utf8), "a NumPy file"),
            (Array("PK\u{5}\u{6}".utf8) + [UInt8](repeating: 0, count: 18), "an empty zip archive"),
            (
                Array("version https://git-lfs.github.com".utf8),
                "a Git LFS pointer, not the file itself"
            ),
            (Array("<!DOCTYPE html>".utf8), "an HTML page"),
            (Array("hello".utf8), "an unknown format"),
        ] {
            let error = CheckpointError.unsupportedFormat(path: "test", found: found)
            #expect(throws: error) { try open(bytes) }
            let isConverted = ["an HDF5 file", "a NumPy file", "an unknown format"].contains(found)
            #expect(
                error.description
                    == "test: expected a checkpoint of torch.save or a safetensors file, found "
                    + found
                    + (isConverted
                        ? "; tools/checkpoint_to_safetensors.py converts other formats" : ""))
        }
    }

    @Test func safetensors() throws {
        func file(_ header: String, _ data: [UInt8]) -> [UInt8] {
            UInt64(header.utf8.count).little + Array(header.utf8) + data
        }
        let good = file(
            #"{"__metadata__":{"a":"b"},"module.w":{"dtype":"F16","shape":[2],"data_offsets":[0,4]}}"#,
            [0, 0x3C, 0, 0xC0])
        let checkpoint = try open(good)
        #expect(checkpoint.format == .safetensors)
        #expect(checkpoint.metadata == ["a": "b"])
        #expect(try checkpoint["w"]?.doubles() == [1, -2])
        #expect(
            throws: CheckpointError.noTensors(
                path: "test", found: "a safetensors file without any")
        ) { try open(file("{}", [])) }
        #expect(
            throws: CheckpointError.safetensors(
                .dataSizeMismatch(path: "test", expected: 4, found: 3))
        ) { try open(good.dropLast()) }
        // A length that looks like gzip's signature does not make it gzip.
        let header = "{" + String(repeating: " ", count: 0x8B1F - 2) + "}"
        #expect(
            throws: CheckpointError.noTensors(
                path: "test", found: "a safetensors file without any")
        ) { try open(file(header, [])) }
    }

    func open(_ bytes: ArraySlice<UInt8>) throws(CheckpointError) -> Checkpoint {
        try OrepaCheckpointTests.open(Array(bytes))
    }
    func open(
        _ bytes: [UInt8], limits: CheckpointLimits = .default
    ) throws(CheckpointError) -> Checkpoint {
        try OrepaCheckpointTests.open(bytes, limits: limits)
    }
}
