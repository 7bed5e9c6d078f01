import Foundation
import TestSupport
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

    /// What a command of the shell writes to standard output.
    static func shell(_ command: String) throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = ["-c", command]
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let output = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return String(decoding: output, as: UTF8.self)
    }

    /// What a script of bash does, in which `$PROGRAM` is the program.
    static func bash(
        _ script: String, input: Data? = nil, environment: [String: String] = [:]
    ) throws -> Result {
        try run(
            ["-c", script], input: input,
            environment: environment.merging(["PROGRAM": path]) { $1 }, executable: "/bin/bash")
    }

    static func run(
        _ arguments: [String], input: Data? = nil, environment: [String: String] = [:],
        output: FileHandle? = nil, executable: String = path
    ) throws -> Result {
        let folder = try TemporaryFolder()
        let process = Process()
        process.executableURL = URL(fileURLWithPath: executable)
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
