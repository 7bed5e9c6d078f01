import ArgumentParser
import COpenBLAS
import Orepa

@main
struct OrepaInfer: AsyncParsableCommand {
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
              0  all well
              1  some images failed; the rest were answered
              64 wrong usage
              65 a checkpoint, model or labels file that cannot be read or does not verify
              66 such a file is not there
              73 cannot write
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

    static func main() async {
        // The executor has its own threads; OpenBLAS's would compete with them for the same processors.
        openblas_set_num_threads(1)
        do {
            let arguments = Array(CommandLine.arguments.dropFirst())
            if arguments.isEmpty { throw Failure(.usage, usageHint) }
            var command = try parseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
            try StandardOutput.shared.flush()
        } catch let failure as Failure {
            failure.exit()
        } catch {
            exit(withError: error)
        }
    }
}

private let usageHint = "expected an image or a subcommand; see orepa-infer --help"

/// Version of the program, as `--version` prints it and model files record it.
let toolVersion = libraryVersion
