import OrepaFiles
import OrepaSafetensors
import OrepaSystem

extension ModelFile {
    /// Writes the model to `path` under a temporary name and renames it when it is complete, so that
    /// nobody ever sees half a file and nothing is left behind on failure.
    ///
    /// - Throws: ``ModelFileError/file(_:)`` when the file exists and `overwrite` is false, or when the
    ///   system refuses.
    public func write(to path: String, overwrite: Bool) throws(ModelFileError) {
        try write(to: RawPath(path), overwrite: overwrite)
    }

    /// The same for a path that need not be UTF-8.
    public func write(to path: RawPath, overwrite: Bool) throws(ModelFileError) {
        let writer: SafetensorsWriter
        do { writer = try self.writer() } catch { throw .safetensors(error) }
        do { try writer.write(to: path, overwrite: overwrite) } catch { throw .file(error) }
    }

    private func writer() throws(SafetensorsError) -> SafetensorsWriter {
        var named: [(name: String, tensor: Tensor)] = []
        // The graph of a network that was built is sound, so its shapes are known.
        for (name, _) in (try? network.graph.tensorShapes()) ?? [] {
            named.append((name, network.tensors[ByteName(name)]!))
        }
        // A multiple of 64 bytes each, they start at one.
        for name in packed.keys.sorted() { named.append((name.text, packed[name]!)) }
        let tensors = named.map { name, tensor in
            SafetensorsWriter.Tensor(name: name, elementType: .float32, shape: tensor.shape) {
                (sink) throws(FileError) in
                try tensor.withUnsafeBufferPointer { (values) throws(FileError) in
                    try sink.write(UnsafeRawBufferPointer(values))
                }
            }
        }
        return try SafetensorsWriter(
            tensors, metadata: ["format": "pt", ByteName(ModelFile.metadataKey): document])
    }
}
