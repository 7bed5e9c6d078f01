import ArgumentParser
import Orepa
import OrepaFiles
import OrepaNetwork
import OrepaPlan
import OrepaSafetensors
import OrepaSystem
import OrepaThreads

struct RunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Run a model on raw tensors.",
        discussion: """
            Reads the tensor `input` [N, channels, H, W], Float32, normalised; any N, any H and W up to \
            \(Preprocessing.largestSide) that the network allows. Writes `logits` [N, classes], Float32. The probe is run only where H and W are the model's own.

            EXAMPLES
              orepa-infer run resnet.safetensors --input in.safetensors --output out.safetensors
            """)

    @Argument(help: "A model file.")
    var model: RawPath

    @Option(name: .shortAndLong, help: "A safetensors file with `input`, or - for standard input.")
    var input: RawPath

    @Option(name: .shortAndLong, help: "Where to write `logits`, or - for standard output.")
    var output: RawPath

    @OptionGroup var threading: ThreadOptions
    @OptionGroup var computing: NumericsOptions
    @OptionGroup var probing: ProbeOptions
    @OptionGroup var memory: MemoryOptions
    @OptionGroup var budgeting: BudgetOptions

    func run() throws {
        let source = try ModelSource(option: model).model
        let file = try readInput()
        let shape = try inputShape(file, channels: source.network.graph.inputChannels)
        memory.warn(of: source)
        let classCount = source.network.graph.classCount
        do {
            try budgeting.budget.checkAnswers(count: shape.count, valueCount: classCount)
        } catch { throw Failure(error, planning: "\(input): tensor `input`") }
        let model = try model(source, shape)
        let values = tensor(file)
        try requireMemory(logits: shape.count, classCount)
        var logits = [Float](repeating: 0, count: shape.count * classCount)
        do {
            try values.withUnsafeBufferPointer { values in
                try logits.withUnsafeMutableBufferPointer { logits in
                    try run(values, count: shape.count, model, logits)
                }
            }
        } catch let error as OrepaError { throw Failure(error) }
        Progress.wipe()
        try write(logits, shape: [shape.count, classCount])
    }

    /// The model for pictures of the input's size.
    private func model(
        _ source: ModelFile, _ shape: (count: Int, height: Int, width: Int)
    ) throws(Failure) -> Model {
        var options = Model.Options()
        options.inputSize = (shape.height, shape.width)
        options.numerics = computing.numerics
        options.memory = memory.policy(pictures: shape.count, of: source)
        options.trustsPackedWeights = memory.trustPacked
        options.budget = budgeting.budget
        options.threads = .own(count: threading.count)
        options.checksProbe = probing.isWanted(pictures: shape.count)
        do throws(OrepaError) { return try Model(source, options: options) } catch {
            guard error.code == .invalidArgument else { throw Failure(error) }
            throw Failure(.badData, "\(input): tensor `input`: \(error)")
        }
    }

    /// Runs some pictures at a time, so that there is something to tell on the way.
    private func run(
        _ values: UnsafeBufferPointer<Float>, count: Int, _ model: Model,
        _ logits: UnsafeMutableBufferPointer<Float>
    ) throws(OrepaError) {
        let (size, classCount) = (model.inputShape.elementCount, model.classCount)
        for index in stride(from: 0, to: count, by: model.picturesTogether) {
            Progress.show("\(index) of \(count)")
            let end = min(index + model.picturesTogether, count)
            try model.run(
                tensor: UnsafeBufferPointer(rebasing: values[index * size..<end * size]),
                count: end - index,
                logits: UnsafeMutableBufferPointer(
                    rebasing: logits[index * classCount..<end * classCount]))
        }
    }

    private func readInput() throws(Failure) -> SafetensorsFile {
        let file: FileBytes
        do throws(FileError) { file = try InputFile.bytes(input) } catch {
            throw Failure(error)
        }
        if let format = ForeignFormat(of: file) {
            throw Failure(
                .badData, "\(file.path): expected a safetensors file, found \(format.name)")
        }
        do throws(SafetensorsError) { return try SafetensorsFile(file) } catch {
            throw Failure(error)
        }
    }

    private func inputShape(
        _ file: SafetensorsFile, channels: Int
    ) throws(Failure) -> (count: Int, height: Int, width: Int) {
        let expected = "[N, \(channels), H, W], Float32"
        guard let entry = file["input"] else {
            throw Failure(
                .badData,
                "\(input): expected a tensor `input` \(expected), found "
                    + (file.entries.isEmpty
                        ? "no tensor"
                        : file.entries.prefix(10).map { "`\($0.name)`" }.joined(separator: ", ")
                            + (file.entries.count > 10 ? ", ..." : ""))
            )
        }
        guard entry.elementType == .float32, entry.shape.count == 4, entry.shape[1] == channels
        else {
            throw Failure(
                .badData,
                "\(input): tensor `input`: expected \(expected), found \(entry.shape), "
                    + entry.elementType.rawValue)
        }
        return (entry.shape[0], entry.shape[2], entry.shape[3])
    }

    /// The logits, and as they are written, once more.
    private func requireMemory(logits count: Int, _ classCount: Int) throws(Failure) {
        do throws(MemoryRefusal) {
            try SystemMemory.check(count: count, size: classCount * 2 * MemoryLayout<Float>.size)
        } catch {
            throw Failure(
                .refused,
                "\(input): logits of \(count) pictures and \(classCount) classes: the system refused "
                    + "their memory")
        }
    }

    private func tensor(_ file: SafetensorsFile) -> Tensor {
        let entry = file["input"]!
        return Tensor(borrowing: entry, of: file) ?? Tensor(copying: entry, of: file)
    }

    private func write(_ logits: [Float], shape: [Int]) throws(Failure) {
        do {
            let writer = try SafetensorsWriter([
                .init(name: "logits", shape: shape, values: logits)
            ])
            if output.isStandardStream {
                try StandardOutput.shared.writeBytes(
                    writer.header + logits.withUnsafeBytes { Array($0) })
            } else {
                try OutputFile.refuse(output, sameAs: input)
                try writer.write(to: output, overwrite: true)
            }
        } catch let failure as Failure {
            throw failure
        } catch {
            throw Failure(.cannotCreate, "\(error)")
        }
    }
}
