import Foundation
import Testing

/// The built `orepa-infer`, run as its users run it.
enum Program {
    struct Result {
        let status: Int32
        let output: Data
        let errors: String
        var text: String { String(decoding: output, as: UTF8.self) }
        var lines: [String] { text.split(separator: "\n").map(String.init) }

        func json() throws -> Any { try JSONSerialization.jsonObject(with: output) }
    }

    /// Beside the program that runs the tests.
    static let path: String = {
        let tests = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        return tests.deletingLastPathComponent().appendingPathComponent("orepa-infer").path
    }()

    static func run(
        _ arguments: [String], input: Data? = nil, environment: [String: String] = [:],
        output: FileHandle? = nil
    ) throws -> Result {
        let folder = try TemporaryFolder()
        let process = Process()
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = arguments
        var variables = ProcessInfo.processInfo.environment
        variables["OREPA_MODEL"] = nil
        variables["COLUMNS"] = "100"
        process.environment = variables.merging(environment) { $1 }
        // Through files, so that no pipe can fill up.
        func file(_ name: String, _ contents: Data = Data()) throws -> FileHandle {
            let path = folder.file(name)
            try contents.write(to: URL(fileURLWithPath: path))
            return try #require(FileHandle(forUpdatingAtPath: path))
        }
        process.standardInput = try file("input", input ?? Data())
        process.standardOutput = try output ?? file("output")
        process.standardError = try file("errors")
        try process.run()
        process.waitUntilExit()
        return Result(
            status: process.terminationReason == .exit
                ? process.terminationStatus : 128 + process.terminationStatus,
            output: output == nil
                ? try Data(contentsOf: URL(fileURLWithPath: folder.file("output"))) : Data(),
            errors: try String(contentsOfFile: folder.file("errors"), encoding: .utf8))
    }
}

/// A folder that goes away with the value that made it.
final class TemporaryFolder {
    let path: String

    init() throws {
        path =
            FileManager.default.temporaryDirectory
            .appendingPathComponent("orepa-tests-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func file(_ name: String) -> String { path + "/" + name }

    var names: [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted()
    }

    func write(_ text: String, _ name: String) throws -> String {
        try text.write(toFile: file(name), atomically: false, encoding: .utf8)
        return file(name)
    }
}
