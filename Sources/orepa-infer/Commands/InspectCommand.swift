import ArgumentParser
import OrepaCheckpoint
import OrepaFiles
import OrepaNetwork
import OrepaSystem
import OrepaTraining

struct InspectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract:
            "Describe a checkpoint or a model: layers, shapes, parameters, multiply-adds, origin.",
        discussion: """
            EXAMPLES
              orepa-infer inspect checkpoint.pth.tar
              orepa-infer inspect resnet.safetensors --format json
            """)

    @Argument(help: "A training checkpoint or a model file.")
    var file: RawPath

    @Option(
        help: "Height and width to count multiply-adds for; a model's own by default, else 224.")
    var inputSize: Int?

    @OptionGroup var networkOptions: NetworkArguments

    @Option(help: "How to print.")
    var format = ReportFormat.table

    func validate() throws {
        if let inputSize, !(1...Preprocessing.largestSide ~= inputSize) {
            throw ValidationError(
                "--input-size: expected 1 to \(Preprocessing.largestSide), found \(inputSize)")
        }
    }

    func run() throws {
        let report = try inspection()
        switch format {
        case .table: try StandardOutput.shared.writeText(report.table)
        case .json: try StandardOutput.shared.writeLine(report.json.text(.spaced))
        }
    }

    private func inspection() throws(Failure) -> Inspection {
        let bytes: FileBytes
        do { bytes = try FileBytes(mapping: file) } catch { throw Failure(error) }
        if ModelFile.isClaimed(by: bytes) {
            guard networkOptions.given.isEmpty else {
                throw Failure(
                    .usage,
                    "\(networkOptions.given.joined(separator: ", ")): expected a checkpoint, found a model "
                        + "file, which records what it was made with: \(file)")
            }
            let model: ModelFile
            do { model = try ModelFile(bytes) } catch { throw Failure(error) }
            return try Inspection(model, path: "\(file)", inputSize: inputSize)
        }
        let checkpoint: Checkpoint
        do {
            checkpoint = try Checkpoint(bytes, stateDictionary: networkOptions.stateDict)
        } catch { throw Failure(error) }
        let network: TrainingNetwork
        do {
            network = try TrainingNetwork(
                checkpoint, options: networkOptions.options(recordedIn: nil))
        } catch { throw Failure(.badData, "\(error)") }
        let warnings = networkOptions.warnings(about: checkpoint, isFolded: network.isFolded)
        AssumptionReport.warn(warnings)
        return try Inspection(
            checkpoint, network, inputSize: inputSize ?? 224,
            given: networkOptions.given + (inputSize == nil ? [] : ["--input-size"]),
            warnings: warnings)
    }
}

extension Failure {
    init(_ error: CheckpointError) {
        if case .file(let error) = error {
            self.init(error)
        } else {
            self.init(error.isRefusal ? .refused : .badData, "\(error)")
        }
    }
}
