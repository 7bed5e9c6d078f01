import OrepaCheckpoint
import Testing

/// Each guard of the zip reader, and of the records of torch's archives.
@Suite struct ZipTests {
    /// Changes a good checkpoint and expects the archive to be refused.
    func refuses(_ error: ZipError, _ change: (inout Zip) -> Void) {
        var zip = Zip.checkpoint()
        change(&zip)
        #expect(throws: CheckpointError.archive(path: "test", error)) { try open(zip.bytes) }
    }

    @Test func plain() throws {
        let checkpoint = try open(Zip.checkpoint().bytes)
        #expect(checkpoint.format == .zip)
        #expect(checkpoint.location == nil)
        #expect(try checkpoint["w"]?.doubles() == [1, 2, 3, 4])
        #expect(checkpoint["v"] == nil)
    }

    @Test func comment() throws {
        var zip = Zip.checkpoint()
        zip.comment = Array("PK\u{5}\u{6} not the end".utf8)
        #expect(try open(zip.bytes).tensors.count == 1)
    }

    @Test func noEndRecord() {
        let bytes = Zip.checkpoint().bytes.dropLast()
        #expect(
            throws: CheckpointError.archive(path: "test", .noEndRecord(size: bytes.count))
        ) { try open(Array(bytes)) }
    }

    @Test func severalDisks() {
        refuses(.severalDisks(found: 3)) { $0.disk = 3 }
    }

    @Test func directoryElsewhere() {
        let zip = Zip.checkpoint()
        let end = zip.bytes.count - 22
        let size = zip.members.reduce(0) { $0 + 46 + $1.name.utf8.count }
        refuses(
            .badDirectory(offset: UInt64(end - size) + 1, size: UInt64(size), expectedEnd: end)
        ) { $0.directoryOffset = UInt32(end - size) + 1 }
        refuses(.badDirectory(offset: UInt64(end - size), size: 5, expectedEnd: end)) {
            $0.directorySize = 5
        }
    }

    @Test func memberCount() {
        let zip = Zip.checkpoint()
        let size = zip.members.reduce(0) { $0 + 46 + $1.name.utf8.count }
        let end = zip.bytes.count - 22
        refuses(.tooManyMembers(limit: size / 47, found: 900)) { $0.entryCount = 900 }
        // One fewer than there are leaves bytes behind.
        refuses(.badDirectoryEntry(offset: end - 46 - 9)) { $0.entryCount = 3 }
    }

    @Test func directorySignature() {
        let start = Zip.checkpoint().members.reduce(0) {
            $0 + 30 + $1.name.utf8.count + $1.data.count
        }
        refuses(.badDirectoryEntry(offset: start)) { $0["a/data.pkl"].signature = 7 }
    }

    @Test func memberNames() {
        let start = Zip.checkpoint().members.reduce(0) {
            $0 + 30 + $1.name.utf8.count + $1.data.count
        }
        refuses(.badMemberName(offset: start + 46)) {
            $0["a/data.pkl"].rawName = [0xFF, 0xFE]
        }
        refuses(.duplicateMember(name: "a/data/0")) {
            $0.members.append(Zip.Member("a/data/0", [1, 2, 3, 4]))
        }
    }

    @Test func encrypted() {
        refuses(.encryptedMember(name: "a/data/0")) { $0["a/data/0"].flags = 1 }
    }

    @Test func compressed() {
        refuses(.compressedMember(name: "a/data/0", method: 8)) { $0["a/data/0"].method = 8 }
    }

    @Test func storedSizes() {
        refuses(.sizeMismatch(name: "a/data/0", expected: 16, found: 12)) {
            $0["a/data/0"].compressedSize = 12
        }
    }

    @Test func localHeader() {
        let offset = Zip.checkpoint().members.prefix(2).reduce(0) {
            $0 + 30 + $1.name.utf8.count + $1.data.count
        }
        refuses(.badLocalHeader(name: "a/data/0", offset: offset)) {
            $0["a/data/0"].localSignature = 0
        }
        refuses(.localHeaderDiffers(name: "a/data/0", field: "name")) {
            $0["a/data/0"].localName = "a/data/1"
        }
        refuses(.localHeaderDiffers(name: "a/data/0", field: "method")) {
            $0["a/data/0"].localMethod = 8
        }
        refuses(.localHeaderDiffers(name: "a/data/0", field: "flags")) {
            $0["a/data/0"].localFlags = 2
        }
        refuses(.localHeaderDiffers(name: "a/data/0", field: "checksum")) {
            $0["a/data/0"].localChecksum = 5
        }
        refuses(.localHeaderDiffers(name: "a/data/0", field: "size")) {
            $0["a/data/0"].localSize = 15
        }
    }

    @Test func deferredSizes() throws {
        var zip = Zip.checkpoint()
        zip["a/data/0"].flags = 8
        zip["a/data/0"].localChecksum = 0
        zip["a/data/0"].localSize = 0
        #expect(try open(zip.bytes)["w"]?.doubles() == [1, 2, 3, 4])
        // Zeros without the flag are a contradiction.
        refuses(.localHeaderDiffers(name: "a/data/0", field: "size")) {
            $0["a/data/0"].localSize = 0
        }
    }

    @Test func beyondEnd() {
        let zip = Zip.checkpoint()
        let start = zip.members.reduce(0) { $0 + 30 + $1.name.utf8.count + $1.data.count }
        refuses(.memberBeyondEnd(name: "a/version", expected: 500, found: 2)) {
            $0["a/version"].size = 500
            $0["a/version"].compressedSize = 500
        }
        refuses(.memberBeyondEnd(name: "a/version", expected: 70_000, found: start)) {
            $0["a/version"].offset = 70_000
        }
    }

    @Test func overlapping() {
        // The storage swallows the member behind it.
        let zip = Zip.checkpoint()
        let offset = zip.members.prefix(3).reduce(0) {
            $0 + 30 + $1.name.utf8.count + $1.data.count
        }
        refuses(.overlappingMembers(name: "a/version", expected: offset + 4, found: offset)) {
            $0["a/data/0"].size = 20
            $0["a/data/0"].compressedSize = 20
        }
    }

    // MARK: - zip64

    /// The zip64 end record and its locator.
    func zip64(
        count: UInt64 = 4, size: UInt64, offset: UInt64, recordOffset: UInt64, disk: UInt32 = 0
    ) -> [UInt8] {
        [0x50, 0x4B, 6, 6] + UInt64(44).little + UInt32(0).little + disk.little + disk.little
            + count.little + count.little + size.little + offset.little + [0x50, 0x4B, 6, 7]
            + UInt32(0).little + recordOffset.little + UInt32(1).little
    }

    @Test func zip64Records() throws {
        var zip = Zip.checkpoint()
        zip.entryCount = .max
        zip.directorySize = .max
        zip.directoryOffset = .max
        zip.beforeEnd = { offset, size in
            zip64(size: UInt64(size), offset: UInt64(offset), recordOffset: UInt64(offset + size))
        }
        #expect(try open(zip.bytes)["w"]?.doubles() == [1, 2, 3, 4])
        zip.entryCount = 4
        #expect(try open(zip.bytes).tensors.count == 1)
    }

    @Test func zip64Contradictions() {
        let zip = Zip.checkpoint()
        let end = zip.bytes.count - 22
        refuses(.badZip64Record(offset: end)) {
            $0.entryCount = 3
            $0.beforeEnd = {
                zip64(size: UInt64($1), offset: UInt64($0), recordOffset: UInt64($0 + $1))
            }
        }
        refuses(.badZip64Record(offset: end + 56)) {
            $0.beforeEnd = { zip64(size: UInt64($1), offset: UInt64($0), recordOffset: 0) }
        }
        refuses(.badZip64Record(offset: end + 56)) {
            $0.beforeEnd = { zip64(size: UInt64($1), offset: UInt64($0), recordOffset: .max) }
        }
        refuses(.severalDisks(found: 9)) {
            $0.beforeEnd = {
                zip64(size: UInt64($1), offset: UInt64($0), recordOffset: UInt64($0 + $1), disk: 9)
            }
        }
        refuses(.badDirectory(offset: .max, size: 9, expectedEnd: end)) {
            $0.directorySize = .max
            $0.directoryOffset = .max
            $0.beforeEnd = { zip64(size: 9, offset: .max, recordOffset: UInt64($0 + $1)) }
        }
        let size = zip.members.reduce(0) { $0 + 46 + $1.name.utf8.count }
        refuses(.tooManyMembers(limit: size / 47, found: .max)) {
            $0.entryCount = .max
            $0.beforeEnd = {
                zip64(
                    count: .max, size: UInt64($1), offset: UInt64($0), recordOffset: UInt64($0 + $1)
                )
            }
        }
    }

    @Test func zip64Sizes() throws {
        var zip = Zip.checkpoint()
        zip["a/data/0"].localSize = 16
        zip["a/data/0"].size = .max
        zip["a/data/0"].compressedSize = .max
        zip["a/data/0"].extra = [1, 0, 16, 0] + UInt64(16).little + UInt64(16).little
        #expect(try open(zip.bytes)["w"]?.doubles() == [1, 2, 3, 4])

        zip["a/data/0"].extra = [1, 0, 16, 0] + UInt64.max.little + UInt64.max.little
        zip["a/data/0"].localSize = 0
        zip["a/data/0"].flags = 8
        let rest = 16 + 30 + 9 + 2
        #expect(
            throws: CheckpointError.archive(
                path: "test",
                .memberBeyondEnd(name: "a/data/0", expected: .max, found: rest))
        ) { try open(zip.bytes) }

        let start = zip.members.reduce(0) { $0 + 30 + $1.name.utf8.count + $1.data.count }
        let entry = start + zip.members.prefix(2).reduce(0) { $0 + 46 + $1.name.utf8.count }
        for extra: [UInt8] in [[], [1, 0, 8, 0] + UInt64(16).little, [1, 0, 16, 0, 1]] {
            zip["a/data/0"].extra = extra
            #expect(
                throws: CheckpointError.archive(path: "test", .badDirectoryEntry(offset: entry))
            ) { try open(zip.bytes) }
        }
    }

    // MARK: - Records of torch

    @Test func otherArchives() {
        let others: [([String], String)] = [
            (["a/constants.pkl", "a/data.pkl", "a/version"], "a TorchScript archive"),
            (["a/code/__torch__.py", "a/data.pkl"], "a TorchScript archive"),
            (["word/document.xml"], "a zip archive without data.pkl"),
            (["data.pkl"], "a zip archive without data.pkl"),
            (["a/b/data.pkl"], "a zip archive without data.pkl"),
        ]
        for (names, found) in others {
            #expect(throws: CheckpointError.unsupportedFormat(path: "test", found: found)) {
                try open(Zip(names.map { Zip.Member($0, [1]) }).bytes)
            }
        }
    }

    @Test func severalPickles() {
        var zip = Zip.checkpoint()
        zip.members.append(Zip.Member("b/data.pkl", [1]))
        #expect(
            throws: CheckpointError.badRecord(
                path: "test", record: "data.pkl", expected: "one", found: "2")
        ) { try open(zip.bytes) }
    }

    @Test func version() {
        var zip = Zip.checkpoint()
        zip.members.removeLast()
        #expect(throws: CheckpointError.missingRecord(path: "test", record: "a/version")) {
            try open(zip.bytes)
        }
        for (bytes, found) in [("11\n", "`11`"), ("0", "`0`"), ("x", "`x`")] {
            zip = Zip.checkpoint()
            zip["a/version"] = Zip.Member("a/version", Array(bytes.utf8))
            #expect(
                throws: CheckpointError.badRecord(
                    path: "test", record: "a/version", expected: "1 to 10", found: found)
            ) { try open(zip.bytes) }
        }
        zip["a/version"] = Zip.Member("a/version", [UInt8](repeating: 0x20, count: 65))
        #expect(
            throws: CheckpointError.badRecord(
                path: "test", record: "a/version", expected: "at most 64 bytes", found: "65")
        ) { try open(zip.bytes) }
        zip["a/version"] = Zip.Member("a/version", [0xFF])
        #expect(
            throws: CheckpointError.badRecord(
                path: "test", record: "a/version", expected: "UTF-8", found: "other bytes")
        ) { try open(zip.bytes) }
    }

    @Test func byteOrder() throws {
        var zip = Zip.checkpoint()
        zip["a/byteorder"] = Zip.Member("a/byteorder", Array("middle".utf8))
        #expect(
            throws: CheckpointError.badRecord(
                path: "test", record: "a/byteorder", expected: "`little` or `big`",
                found: "`middle`")
        ) { try open(zip.bytes) }
        zip["a/byteorder"] = Zip.Member("a/byteorder", Array("big".utf8))
        #expect(try open(zip.bytes)["w"]?.floats()[0].bitPattern == 0x0000_803F)
        zip.members.remove(at: 1)
        #expect(try open(zip.bytes)["w"]?.floats() == [1, 2, 3, 4])
    }

    @Test func checksums() throws {
        for name in ["a/data.pkl", "a/version", "a/byteorder"] {
            var zip = Zip.checkpoint()
            let right = zip[name].checksum
            zip[name].checksum = 0xABCD
            #expect(
                throws: CheckpointError.checksumMismatch(
                    path: "test", record: name, expected: 0xABCD, found: right)
            ) { try open(zip.bytes) }
        }
        // A storage's checksum is compared when it is read.
        var zip = Zip.checkpoint()
        let right = zip["a/data/0"].checksum
        zip["a/data/0"].checksum = 0xABCD
        let error = CheckpointError.checksumMismatch(
            path: "test", record: "a/data/0", expected: 0xABCD, found: right)
        let tensor = try #require(try open(zip.bytes)["w"])
        #expect(throws: error) { try tensor.doubles() }
        #expect(throws: error) { try tensor.floats() }
        #expect(throws: error) { try tensor.doubles() }
        #expect(error.description.contains("expected the checksum 0000abcd"))
    }

    @Test func unusedStoragesAreNotRead() throws {
        var zip = Zip.checkpoint()
        var broken = Zip.Member("a/data/1", [1, 2, 3])
        broken.checksum = 1
        zip.members.append(broken)
        #expect(try open(zip.bytes)["w"]?.doubles() == [1, 2, 3, 4])
    }

    @Test func bytesBehindThePickle() {
        var zip = Zip.checkpoint()
        let pickle = zip["a/data.pkl"].data
        zip["a/data.pkl"] = Zip.Member("a/data.pkl", pickle + [1, 2])
        #expect(
            throws: CheckpointError.pickle(
                path: "test", .trailingBytes(count: 2, offset: 30 + 10 + pickle.count))
        ) { try open(zip.bytes) }
    }
}
