import OrepaFiles
import OrepaSafetensors
import OrepaSystem

/// The named tensors of a training checkpoint, whose elements stay in the file until they are read.
///
/// Opening takes time and memory proportional to the file's directory and pickle, not to its size. Nothing in the
/// file is executed, and of what is beside the state dict only the pickle is read.
public struct Checkpoint: Sendable {
    /// The formats that can be read.
    public enum Format: String, Sendable {
        /// What `torch.save` writes since PyTorch 1.6.
        case zip = "torch zip"
        /// What `torch.save` wrote before.
        case legacy = "torch legacy"
        case safetensors
    }

    /// The path as given, for messages.
    public var path: String { file.path }
    public let format: Format
    public let file: FileBytes
    /// The key under which the state dict was found, or nil when it is the whole file.
    public let location: String?
    /// Dotted paths of other dicts in the file that have tensors under the same names, such as averaged weights.
    public let counterparts: [String]
    /// The tensors in the order of the state dict. A leading `module.` of a name is left out.
    public let tensors: [CheckpointTensor]
    /// The metadata of a safetensors file.
    public let metadata: [ByteName: String]
    /// The string that the checkpoint has under `arch`, such as the name of a network.
    public let arch: String?
    /// The integer that the checkpoint has under `epoch`.
    public let epoch: Int?
    private let indices: [ByteName: Int]

    /// The tensor called `name`, or nil.
    public subscript(name: String) -> CheckpointTensor? {
        indices[ByteName(name)].map { tensors[$0] }
    }

    /// Opens the checkpoint at `path`, which stays mapped into memory.
    ///
    /// - Parameter stateDictionary: Dotted path of the state dict to take, such as `model.ema`. By default it is
    ///   looked for under `state_dict`, `model_state_dict` and `model`, then at the top.
    public init(
        path: String, stateDictionary: String? = nil, limits: CheckpointLimits = .default
    ) throws(CheckpointError) {
        try self.init(path: RawPath(path), stateDictionary: stateDictionary, limits: limits)
    }

    /// The same for a path that need not be UTF-8.
    public init(
        path: RawPath, stateDictionary: String? = nil, limits: CheckpointLimits = .default
    ) throws(CheckpointError) {
        let file: FileBytes
        do throws(FileError) {
            file = try FileBytes(mapping: path)
        } catch {
            throw .file(error)
        }
        try self.init(file, stateDictionary: stateDictionary, limits: limits)
    }

    /// Reads the checkpoint in `file`.
    public init(
        _ file: FileBytes, stateDictionary: String? = nil, limits: CheckpointLimits = .default
    ) throws(CheckpointError) {
        self.file = file
        switch FileKind(file) {
        case .other(let found): throw .unsupportedFormat(path: file.path, found: found)
        case .safetensors:
            let contents: SafetensorsFile
            do throws(SafetensorsError) {
                contents = try SafetensorsFile(file)
            } catch {
                throw .safetensors(error)
            }
            guard !contents.entries.isEmpty else {
                throw .noTensors(path: file.path, found: "a safetensors file without any")
            }
            format = .safetensors
            metadata = contents.metadata
            if let stateDictionary {
                throw .noStateDictionary(path: file.path, wanted: stateDictionary, found: [])
            }
            location = nil
            counterparts = []
            arch = nil
            epoch = nil
            var builder = TensorBuilder(file, limits: limits)
            for entry in contents.entries { try builder.add(entry) }
            (tensors, indices) = (builder.tensors, builder.indices)
        case .zip:
            let archive = try TorchArchive(file, limits: limits)
            let state = try StateDictionary(
                root: archive.root, heap: archive.heap, path: file.path, wanted: stateDictionary)
            format = .zip
            metadata = [:]
            (location, arch, epoch) = (state.location, state.arch, state.epoch)
            counterparts = state.counterparts
            var builder = TensorBuilder(file, limits: limits)
            try builder.add(state, archive.heap, isBigEndian: archive.isBigEndian) {
                (key) throws(CheckpointError) in
                try archive.record(ofStorage: archive.heap.storageKeys[key]).map {
                    ($0.range, CheckpointRecord($0))
                }
            }
            (tensors, indices) = (builder.tensors, builder.indices)
        case .legacy:
            let legacy = try LegacyFile(file, limits: limits)
            let state = try StateDictionary(
                root: legacy.root, heap: legacy.heap, path: file.path, wanted: stateDictionary)
            format = .legacy
            metadata = [:]
            (location, arch, epoch) = (state.location, state.arch, state.epoch)
            counterparts = state.counterparts
            var builder = TensorBuilder(file, limits: limits)
            try builder.add(state, legacy.heap, isBigEndian: false) {
                (key) throws(CheckpointError) in
                try legacy.elements(ofStorage: key).map { ($0, nil) }
            }
            (tensors, indices) = (builder.tensors, builder.indices)
        }
        file.releasePages(in: 0..<file.count)
    }
}
