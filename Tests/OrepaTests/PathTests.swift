import Foundation
import Orepa
import TestSupport
import Testing

/// Paths are what the system takes: bytes.
@Suite struct PathTests {
    private static let modelPath = repositoryFile("models/fashion-mnist-repvgg/model.safetensors")

    @Test func filesWhoseNamesAreNotUTF8AreRead() throws {
        try withTemporaryFolder { folder in
            func copy(_ path: String, to name: [UInt8]) throws -> RawPath {
                let target = RawPath(bytes: Array("\(folder)/".utf8) + name)
                let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
                let descriptor = (target.bytes.map { CChar(bitPattern: $0) } + [0])
                    .withUnsafeBufferPointer { open($0.baseAddress!, O_WRONLY | O_CREAT, 0o600) }
                try FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
                    .write(contentsOf: bytes)
                return target
            }
            let sample = try sampleImages()[0]
            let picture = try copy(sample, to: Array("b\u{e4}r".utf8) + [0xE9, 0x2E])
            let path = try copy(PathTests.modelPath, to: [0xFF, 0x6D])
            for memory in [PlanMemory.fast, .mapped] {
                var options = Model.Options()
                options.memory = memory
                let model = try Model(path: path, options: options)
                #expect(model.path == "\(folder)/\\xFFm")
                #expect(try model.run(.file(picture)) == model.run(.file(sample)))
            }
        }
    }

    @Test func messagesSpellBytes() throws {
        for (bytes, text): ([UInt8], String) in [
            ([0x61, 0xC3, 0xA4], "aä"), ([0x5C, 0x61], "\\a"), ([0xC3, 0x5C], "\\xC3\\\\"),
            ([0x61, 0x00, 0x62], "a"), ([0x0A, 0x80], "\n\\x80"), ([], ""),
        ] {
            #expect(RawPath(bytes: bytes).description == text)
        }
        let error = #expect(throws: OrepaError.self) {
            try Model(path: RawPath(bytes: [0x2F, 0xE9, 0x2F, 0x61]))
        }
        #expect(error?.code == .notFound)
        #expect(error?.message == "/\\xE9/a: no such file")
    }
}
