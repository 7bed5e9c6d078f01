import OrepaCheckpoint
import Testing

/// Each guard around the pickles of torch's legacy format.
@Suite struct LegacyTests {
    func refuses(_ error: LegacyError, _ change: (inout Legacy) -> Void) {
        var legacy = Legacy()
        change(&legacy)
        #expect(throws: CheckpointError.legacy(path: "test", error)) { try open(legacy.bytes) }
    }

    @Test func plain() throws {
        let checkpoint = try open(Legacy().bytes)
        #expect(checkpoint.format == .legacy)
        #expect(try checkpoint["w"]?.doubles() == [1, 2, 3, 4])
    }

    @Test func magicNumber() {
        refuses(.wrongMagicNumber(found: "a string")) { $0.magic = Pickle.text("x") }
        refuses(.wrongMagicNumber(found: "an integer")) { $0.magic[2] = 0x6D }
    }

    @Test func version() {
        refuses(.unsupportedVersion(expected: 1001, found: "1002")) {
            $0.version = Pickle.integer(1002)
        }
        refuses(.unsupportedVersion(expected: 1001, found: "None")) { $0.version = Array("N".utf8) }
    }

    @Test func systemInformation() {
        refuses(.badSystemInformation(found: "a list")) { $0.system = Pickle.list([]) }
        refuses(.badSystemInformation(found: "a dict without it")) {
            $0.system = Pickle.dictionary([])
        }
    }

    @Test func storageKeys() throws {
        refuses(.badStorageKey(found: "a tuple")) { $0.keys = Pickle.tuple([]) }
        refuses(.badStorageKey(found: "None")) { $0.keys = Pickle.list([Array("N".utf8)]) }
        refuses(.unknownStorage(key: "7")) { $0.keys = Pickle.list([Pickle.text("7")]) }
        refuses(.duplicateStorage(key: "0")) {
            $0.keys = Pickle.list([Pickle.text("0"), Pickle.text("0")])
            $0.storages += $0.storages
        }
        // Keys were integers once.
        var legacy = Legacy()
        legacy.keys = Pickle.list([Pickle.integer(0)])
        #expect(try open(legacy.bytes).tensors.count == 1)
    }

    @Test func contradictingStorages() {
        refuses(.contradictingStorage(key: "0")) {
            $0.root = Pickle.dictionary([
                ("a", Pickle.tensor(Pickle.storage("0", count: 4), shape: [1], strides: [1])),
                ("b", Pickle.tensor(Pickle.storage("0", count: 2), shape: [1], strides: [1])),
            ])
        }
        refuses(.contradictingStorage(key: "0")) {
            let ints = Pickle.storage("0", type: "IntStorage", count: 4)
            $0.root = Pickle.dictionary([
                ("a", Pickle.tensor(Pickle.storage("0", count: 4), shape: [1], strides: [1])),
                ("b", Pickle.tensor(ints, shape: [1], strides: [1])),
            ])
        }
    }

    @Test func storageSizes() {
        refuses(.storageSizeMismatch(key: "0", expected: 4, found: 5)) {
            $0.storages = Int64(5).little + Legacy.floats([1, 2, 3, 4])
        }
        refuses(.storageSizeMismatch(key: "0", expected: 4, found: -4)) {
            $0.storages = Int64(-4).little + Legacy.floats([1, 2, 3, 4])
        }
        refuses(.truncatedStorage(key: "0", expected: 24, found: 7)) { $0.storages.removeLast(17) }
        refuses(.truncatedStorage(key: "0", expected: 24, found: 23)) { $0.storages.removeLast() }
        refuses(.truncatedStorage(key: "0", expected: .max, found: 8)) {
            let storage = Pickle.storage("0", count: .max)
            $0.root = Pickle.dictionary([
                ("a", Pickle.tensor(storage, shape: [1], strides: [1]))
            ])
            $0.storages = Int64.max.little
        }
        refuses(.truncatedStorage(key: "0", expected: .max, found: 8)) {
            let storage = Pickle.storage("0", type: "ByteStorage", count: .max)
            $0.root = Pickle.dictionary([
                ("a", Pickle.tensor(storage, shape: [1], strides: [1]))
            ])
            $0.storages = Int64.max.little
        }
    }

    @Test func unusedStoragesAreNotRead() throws {
        var legacy = Legacy()
        let unused = Pickle.tensor(Pickle.storage("1", count: 1), shape: [1], strides: [1])
        legacy.root = Pickle.dictionary([
            ("state_dict", Pickle.plainState), ("optimizer", Pickle.dictionary([("m", unused)])),
        ])
        legacy.keys = Pickle.list([Pickle.text("1"), Pickle.text("0")])
        legacy.storages = Int64(999).little + Legacy.floats([9]) + legacy.storages
        #expect(try open(legacy.bytes)["w"]?.doubles() == [1, 2, 3, 4])
    }

    @Test func trailingBytes() {
        refuses(.trailingBytes(count: 3)) { $0.storages += [0, 0, 0] }
    }

    @Test func missingStorage() {
        var legacy = Legacy()
        legacy.keys = Pickle.list([])
        legacy.storages = []
        #expect(
            throws: CheckpointError.missingStorage(path: "test", name: "w", storage: "0")
        ) { try open(legacy.bytes) }
    }

    /// Before PyTorch 0.4, a tensor's storage could be a part of another.
    @Test func partsOfStorages() throws {
        let part = Pickle.tuple([Pickle.text("v"), Pickle.integer(1), Pickle.integer(2)])
        func state(_ view: [UInt8], count: Int = 2) -> Legacy {
            var legacy = Legacy()
            legacy.root = Pickle.dictionary([
                (
                    "w",
                    Pickle.tensor(
                        Pickle.storage("0", count: 4, view: view), shape: [count], strides: [1])
                )
            ])
            return legacy
        }
        #expect(try open(state(part).bytes)["w"]?.doubles() == [2, 3])
        #expect(try open(state(Array("N".utf8), count: 4).bytes)["w"]?.doubles() == [1, 2, 3, 4])
        #expect(
            throws: CheckpointError.beyondStorage(path: "test", name: "w", expected: 3, found: 2)
        ) { try open(state(part, count: 3).bytes) }
        let beyond = Pickle.tuple([Pickle.text("v"), Pickle.integer(3), Pickle.integer(2)])
        let bytes = state(beyond).bytes
        let offset = try #require(bytes.firstIndex(of: UInt8(ascii: "Q")))
        #expect(
            throws: CheckpointError.pickle(
                path: "test",
                .unexpectedValue(expected: "a part of a storage", found: "a tuple", offset: offset))
        ) { try open(bytes) }
    }
}
