import ArgumentParser
import CProcess
import Glibc
import Orepa
import OrepaFiles
import OrepaSystem

@main
struct OrepaInfer: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "orepa-infer",
        abstract: "Classify pictures with OREPA and RepVGG networks, folded to plain convolutions.",
        usage: """
            orepa-infer IMAGE...
            orepa-infer <subcommand>
            """,
        discussion: """
            EXAMPLES
              orepa-infer boot.jpg
              orepa-infer --model resnet.safetensors --format jsonl photos/ > answers.jsonl
              orepa-infer convert checkpoint.pth.tar resnet.safetensors
              orepa-infer inspect resnet.safetensors

            EXIT STATUS
              0   all well
              1   some images failed; the rest were answered
              64  wrong usage
              65  a checkpoint, model, list or labels file that cannot be read or does not verify
              66  such a file is not there, or a folder holds no picture
              69  OpenBLAS or OpenSSL, which convert and verify need, is not there
              71  the system refused memory, threads or descriptors
              73  cannot write
              130 interrupted; what was done is printed
              141 nobody reads standard output any more
            """,
        version: """
            orepa-infer \(toolVersion)
            \(ImageDecoder.libraries); pictures as Pillow \(ImageDecoder.referencePillowVersion)
            """,
        subcommands: [
            ClassifyCommand.self, ConvertCommand.self, VerifyCommand.self, InspectCommand.self,
            RunCommand.self, PreprocessCommand.self, BenchmarkCommand.self,
        ],
        defaultSubcommand: ClassifyCommand.self)

    static func main() {
        orepa_occupy_closed_streams()
        orepa_refuse_large_files()
        MemoryMargin.require()
        do {
            try run(ProgramArguments.all)
            try StandardOutput.shared.flush()
        } catch let failure as Failure {
            failure.exit()
        } catch {
            end(with: error)
        }
    }

    private static func run(_ arguments: [RawPath]) throws {
        if arguments.isEmpty { throw Failure(.usage, usageHint) }
        let others = configuration.subcommands.filter { $0 != ClassifyCommand.self }
            .compactMap { $0.configuration.commandName }
        let split = PictureArguments(arguments, otherCommands: Set(others + ["help"]))
        var command = try parseAsRoot(
            split?.forParser ?? arguments.map { ArgumentText.encoded($0.bytes) })
        if let split, let classify = command as? ClassifyCommand {
            try classify.run(pictures: split.pictures)
        } else {
            try command.run()
        }
    }

    /// Ends the program with what the parser has to say: help, or what is wrong with the arguments.
    private static func end(with error: any Error) -> Never {
        let code = exitCode(for: error)
        let lines = fullMessage(for: error).split(
            separator: "\n", omittingEmptySubsequences: false)
        if code == .success {
            do throws(Failure) {
                for line in lines { try StandardOutput.shared.writeLine(String(line)) }
                try StandardOutput.shared.flush()
            } catch { error.exit() }
        } else {
            for line in lines {
                StandardError.write(ArgumentText.bytes(String(line)).escapedForPrinting())
            }
        }
        Glibc.exit(code.rawValue)
    }
}

private let usageHint = "expected an image or a subcommand; see orepa-infer --help"

/// Version of the program, as `--version` prints it and model files record it.
let toolVersion = libraryVersion
