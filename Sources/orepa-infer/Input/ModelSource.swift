import CEmbeddedData
import Glibc
import OrepaFiles
import OrepaNetwork
import OrepaSafetensors
import OrepaSystem

/// Which model answers: `--model`, else `$OREPA_MODEL`, else the one built into the program.
struct ModelSource {
    /// What the user sees it called: a path, or the built-in model's name.
    let name: String
    let model: ModelFile

    static let builtInName = "fashion-mnist-repvgg (built in)"

    init(option: RawPath?) throws(Failure) {
        let fromEnvironment = getenv("OREPA_MODEL").map { RawPath(cString: $0) }
        if let path = option ?? fromEnvironment.flatMap({ $0.bytes.isEmpty ? nil : $0 }) {
            name = path.description
            do { model = try ModelFile(path: path) } catch { throw Failure(error) }
        } else {
            name = ModelSource.builtInName
            let file = FileBytes(
                permanent: orepa_default_model().buffer, path: ModelSource.builtInName)
            do { model = try ModelFile(file) } catch { throw Failure(error) }
        }
    }

    /// - Throws: Where the network takes what no picture is.
    func checkTakesPictures() throws(Failure) {
        guard !model.description.preprocessing.takesPictures else { return }
        throw Failure(
            .badData,
            "\(name): takes pictures of \(model.network.graph.inputChannels) channels: expected 1 (grey) or 3, "
                + "which JPEG and PNG files are made into; `orepa-infer run` takes tensors of any number"
        )
    }

    /// The labels of `--labels`, else the model's own.
    func labels(option: RawPath?) throws(Failure) -> [String]? {
        guard let option else { return model.description.labels }
        return try LabelsFile.read(option, expected: model.network.graph.classCount)
    }
}

extension orepa_embedded {
    var buffer: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: bytes, count: size) }
}

extension Failure {
    init(_ error: ModelFileError) {
        if case .file(let error) = error {
            self.init(error)
        } else {
            self.init(error.isRefusal ? .refused : .badData, "\(error)")
        }
    }

    init(_ error: SafetensorsError) {
        self.init(error.isRefusal ? .refused : .badData, "\(error)")
    }

    init(_ error: FileError) {
        let status: Status =
            switch error {
            case .notFound: .noInput
            case .folder, .notRegular, .notReadable: .badData
            case .outOfMemory, .interrupted: .refused
            case .notWritable, .exists: .cannotCreate
            }
        self.init(status, "\(error)")
    }
}
