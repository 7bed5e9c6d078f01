import Foundation
import OrepaFiles
import OrepaSafetensors
import OrepaSystem
import TestSupport
import Testing

@Suite struct WriterTests {
    @Test func layout() throws {
        let writer = try SafetensorsWriter(
            [
                .init(name: "a", shape: [3], values: [1, 2, 3] as [Float]),
                .init(name: "b", shape: [4, 4], values: [Float](repeating: 5, count: 16)),
                .init(name: "\"c\"\u{1}é", shape: [], values: [7] as [Double]),
                .init(name: "d", shape: [0, 9], values: [] as [Float]),
                .init(name: "e", shape: [2, 8], values: [Double](repeating: -1, count: 16)),
            ], metadata: ["z": "1\n", "format": "pt"])
        let json =
            #"{"__metadata__":{"format":"pt","z":"1\n"},"#
            + #""b":{"dtype":"F32","shape":[4,4],"data_offsets":[0,64]},"#
            + #""d":{"dtype":"F32","shape":[0,9],"data_offsets":[64,64]},"#
            + #""e":{"dtype":"F64","shape":[2,8],"data_offsets":[64,192]},"#
            + #""a":{"dtype":"F32","shape":[3],"data_offsets":[192,204]},"#
            + #""\"c\"\u0001é":{"dtype":"F64","shape":[],"data_offsets":[204,212]}}"#
        let padding = String(repeating: " ", count: 63 - (8 + json.utf8.count + 63) % 64)
        #expect(String(decoding: writer.header.dropFirst(8), as: UTF8.self) == json + padding)
        #expect(writer.header.count % 64 == 0)
        #expect(writer.byteCount == writer.header.count + 212)

        try withTemporaryFolder { folder in
            let path = "\(folder)/out.safetensors"
            try writer.write(to: path, overwrite: false)
            let file = try SafetensorsFile(FileBytes(mapping: path))
            #expect(file.file.count == writer.byteCount)
            #expect(file.metadata == ["z": "1\n", "format": "pt"])
            #expect(file.entries.map(\.name) == ["b", "d", "e", "a", "\"c\"\u{1}é"])
            let a = try #require(file["a"])
            #expect(Array(file.bytes(of: a)) == [0, 0, 128, 63, 0, 0, 0, 64, 0, 0, 64, 64])

            // Tensors copied from another file, one by one.
            let copy = try SafetensorsWriter(file.entries.map { .init($0, of: file) })
            try copy.write(to: path + ".copy", overwrite: false)
            let copied = try SafetensorsFile(FileBytes(mapping: path + ".copy"))
            for (entry, original) in zip(copied.entries, file.entries) {
                #expect(entry.name == original.name)
                #expect(copied.bytes(of: entry).elementsEqual(file.bytes(of: original)))
            }
        }
    }

    @Test func nothing() throws {
        let writer = try SafetensorsWriter([])
        #expect(writer.header.count == 64)
        #expect(writer.header.dropFirst(8).elementsEqual("{}".utf8.map { $0 } + padding(54)))
    }

    func padding(_ count: Int) -> [UInt8] { [UInt8](repeating: 0x20, count: count) }

    @Test func refusals() {
        let one = SafetensorsWriter.Tensor(name: "w", shape: [1], values: [1] as [Float])
        let path = "a new safetensors file"
        #expect(throws: SafetensorsError.duplicateKey(path: path, key: "w")) {
            try SafetensorsWriter([one, one])
        }
        #expect(throws: SafetensorsError.reservedName(tensor: "__metadata__")) {
            try SafetensorsWriter([.init(name: "__metadata__", shape: [], values: [1] as [Float])])
        }
        for shape in [[-1], [1 << 61, 4], [.max]] {
            #expect(
                throws: SafetensorsError.shapeOverflow(path: path, tensor: "w", shape: shape)
            ) { try SafetensorsWriter([.init(name: "w", shape: shape, values: [] as [Float])]) }
        }
        let half = 1 << 60
        #expect(throws: SafetensorsError.shapeOverflow(path: path, tensor: "b", shape: [half])) {
            try SafetensorsWriter(
                ["a", "b"].map { .init(name: $0, shape: [half], values: [] as [Float]) })
        }
    }

    @Test func wrongByteCount() throws {
        try withTemporaryFolder { folder in
            let path = "\(folder)/out.safetensors"
            let writer = try SafetensorsWriter([
                .init(name: "w", shape: [2], values: [1, 2, 3] as [Float])
            ])
            #expect(
                throws: FileError.notWritable(
                    path: path, reason: "tensor `w`: expected 8 bytes, found 12")
            ) { try writer.write(to: path, overwrite: false) }
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == [])
        }
    }
}

@Suite struct AtomicFileTests {
    func names(_ folder: String) -> [String]? {
        try? FileManager.default.contentsOfDirectory(atPath: folder).sorted()
    }

    @Test func overwriting() throws {
        try withTemporaryFolder { folder in
            let path = "\(folder)/a"
            try AtomicFile.write([1, 2], to: path, overwrite: false)
            #expect(throws: FileError.exists(path: path)) {
                try AtomicFile.write([3], to: path, overwrite: false)
            }
            #expect(FileManager.default.contents(atPath: path) == Data([1, 2]))
            // A view of the old file stays what it was.
            let old = try FileBytes(mapping: path)
            try AtomicFile.write([4], to: path, overwrite: true)
            #expect(FileManager.default.contents(atPath: path) == Data([4]))
            #expect(Array(old.bytes) == [1, 2])
            #expect(names(folder) == ["a"])
        }
    }

    func put(_ bytes: [UInt8], at path: String) {
        let isMade = FileManager.default.createFile(atPath: path, contents: Data(bytes))
        #expect(isMade)
    }

    /// The file appears while the contents are being written: it wins.
    @Test func race() throws {
        try withTemporaryFolder { folder in
            let path = "\(folder)/a"
            #expect(throws: FileError.exists(path: path)) {
                try AtomicFile.write(to: path, overwrite: false) { (sink) throws(FileError) in
                    try sink.write(elements: [1, 2, 3] as [UInt8])
                    #expect(sink.count == 3)
                    put([9], at: path)
                }
            }
            #expect(FileManager.default.contents(atPath: path) == Data([9]))
            #expect(names(folder) == ["a"])
        }
    }

    @Test func failureLeavesNothing() throws {
        try withTemporaryFolder { folder in
            let path = "\(folder)/a"
            put([9], at: path)
            #expect(throws: FileError.notFound(path: "x")) {
                try AtomicFile.write(to: path, overwrite: true) { (sink) throws(FileError) in
                    try sink.write(elements: [1] as [UInt8])
                    throw FileError.notFound(path: "x")
                }
            }
            #expect(FileManager.default.contents(atPath: path) == Data([9]))
            #expect(names(folder) == ["a"])
        }
    }

    @Test func unwritable() throws {
        try withTemporaryFolder { folder in
            let missing = "\(folder)/none/a"
            #expect(
                throws: FileError.notWritable(path: missing, reason: "No such file or directory")
            ) { try AtomicFile.write([1], to: missing, overwrite: false) }
            #expect(throws: FileError.exists(path: folder)) {
                try AtomicFile.write([1], to: folder, overwrite: false)
            }
            #expect(throws: FileError.notRegular(path: folder)) {
                try AtomicFile.write([1], to: folder, overwrite: true)
            }
            #expect(throws: FileError.notRegular(path: "/dev/null")) {
                try AtomicFile.write([1], to: "/dev/null", overwrite: true)
            }
            #expect(names(folder) == [])
        }
    }

    @Test func permissions() throws {
        try withTemporaryFolder { folder in
            let path = "\(folder)/a"
            try AtomicFile.write([1], to: path, overwrite: false)
            let mask = umask(0)
            _ = umask(mask)
            let attributes = try FileManager.default.attributesOfItem(atPath: path)
            let found = attributes[.posixPermissions] as? Int
            #expect(found == 0o666 & ~Int(mask))
        }
    }
}

@Suite struct TemporaryFileTests {
    private func names(_ folder: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
    }

    /// In memory, where there are files without a name, and as it is elsewhere.
    @Test(arguments: [true, false], [true, false])
    func nameAtTheEnd(mayBeUnnamed: Bool, overwrite: Bool) throws {
        let folder = "/dev/shm/orepa-\(UInt64.random(in: .min ... .max))"
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let path = folder + "/a"
        for turn: UInt8 in 0..<3 {
            let file = try TemporaryFile(for: RawPath(path), mayBeUnnamed: mayBeUnnamed)
            let before = try names(folder).filter { $0 != "a" }
            #expect(before.count == (mayBeUnnamed ? 0 : 1))
            #expect(before.allSatisfy { $0.hasPrefix(".orepa-") && $0.hasSuffix(".tmp") })
            #expect(write(file.descriptor, [turn], 1) == 1)
            if turn == 1 {
                file.remove()
            } else if turn == 2, !overwrite {
                #expect(throws: FileError.exists(path: path)) {
                    try file.move(overwrite: overwrite)
                }
                file.remove()
            } else {
                try file.move(overwrite: overwrite)
            }
            #expect(try names(folder) == ["a"])
            let expected: UInt8 = turn == 2 && overwrite ? 2 : 0
            #expect(FileManager.default.contents(atPath: path) == Data([expected]))
        }
    }

    @Test func signalsAreHeldUpWhileThereIsAName() throws {
        try withTemporaryFolder { folder in
            var signal = sigset_t()
            sigemptyset(&signal)
            sigaddset(&signal, SIGUSR2)
            var former = sigset_t()
            pthread_sigmask(SIG_UNBLOCK, &signal, &former)
            defer { pthread_sigmask(SIG_SETMASK, &former, nil) }
            let file = try TemporaryFile(for: RawPath(folder + "/a"), mayBeUnnamed: false)
            #expect(!file.isToEnd)
            #expect(pthread_kill(pthread_self(), SIGUSR2) == 0)
            #expect(file.isToEnd)
            var number: Int32 = 0
            #expect(sigwait(&signal, &number) == 0)
            #expect(!file.isToEnd)
            file.remove()
            #expect(try names(folder) == [])
        }
    }
}

@Suite struct FileBytesTests {
    @Test func refusals() throws {
        try withTemporaryFolder { folder in
            #expect(throws: FileError.notFound(path: "\(folder)/a")) {
                try FileBytes(mapping: "\(folder)/a")
            }
            #expect(throws: FileError.folder(path: folder, found: "a folder")) {
                try FileBytes(mapping: folder)
            }
            let empty = #expect(throws: FileError.notFound(path: "")) {
                try FileBytes(mapping: "")
            }
            #expect(empty?.description == "expected the path of a file, found an empty one")
            try AtomicFile.write([], to: "\(folder)/empty", overwrite: false)
            #expect(try FileBytes(mapping: "\(folder)/empty").count == 0)
        }
    }

    @Test func releasedPagesComeBack() throws {
        try withTemporaryFolder { folder in
            let path = "\(folder)/a"
            let bytes = (0..<100_000).map { UInt8(truncatingIfNeeded: $0) }
            try AtomicFile.write(bytes, to: path, overwrite: false)
            let file = try FileBytes(mapping: path)
            #expect(file.bytes.elementsEqual(bytes))
            file.releasePages(in: 0..<100_000)
            file.releasePages(in: 5..<5)
            file.releasePages(in: 4_097..<9_000)
            #expect(file.bytes.elementsEqual(bytes))
        }
    }
}
