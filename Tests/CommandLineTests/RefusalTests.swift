import Foundation
import TestSupport
import Testing

/// Memory that the system refuses ends with status 71, however deep within an error that is said.
@Suite struct RefusalTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    /// The program with as many kilobytes of addresses.
    private func run(_ kilobytes: Int, _ arguments: String) throws -> Program.Result {
        try Program.bash(
            "ulimit -v \(kilobytes); exec timeout 60 \"$PROGRAM\" \(arguments)",
            environment: [
                "CHECKPOINT": fixture("checkpoints/resnet_basic-orepa.pth.tar"), "BOOT": boot,
                "MODEL": try Models.resNet(), "FOLDER": folder.path,
            ])
    }

    /// The network that a conversion folded is planned for pictures that take more memory than there is.
    @Test func ofAPlan() throws {
        let result = try run(
            600_000, "convert \"$CHECKPOINT\" \"$FOLDER/model\" --input-size 4096 --threads 1")
        #expect(result.status == 71, "\(result.errors)")
        #expect(result.errors.contains("bytes of memory, the system refused them"))
        #expect(folder.names == [])
    }

    /// The header of a safetensors file, wherever one is read, takes more memory than there is.
    @Test func ofAHeader() throws {
        let count = 90_000_000
        var bytes = Data((0..<8).map { UInt8(truncatingIfNeeded: count >> (8 * $0)) })
        bytes += Data("{}".utf8) + Data(repeating: 0x20, count: count - 2)
        try bytes.write(to: URL(fileURLWithPath: folder.file("large")))
        for arguments in [
            "\"$BOOT\" --model \"$FOLDER/large\"", "inspect \"$FOLDER/large\"",
            "convert \"$FOLDER/large\" \"$FOLDER/model\"", "verify \"$FOLDER/large\"",
            "verify \"$CHECKPOINT\" --reference \"$FOLDER/large\"",
            "run \"$MODEL\" --input \"$FOLDER/large\" --output -",
            "run \"$FOLDER/large\" --input \"$MODEL\" --output -",
        ] {
            let result = try run(600_000, arguments)
            #expect(result.status == 71, "\(arguments): \(result.errors)")
            #expect(result.errors.contains("bytes of memory for the safetensors header"))
        }
    }
}
