import OrepaFiles

extension SafetensorsWriter.Tensor {
    /// A Float32 tensor with a copy-on-write reference to `values`, which are row-major.
    public init(name: String, shape: [Int], values: [Float]) {
        self.init(name: name, elementType: .float32, shape: shape) { (sink) throws(FileError) in
            try sink.write(elements: values)
        }
    }

    /// A Float64 tensor with a copy-on-write reference to `values`, which are row-major.
    public init(name: String, shape: [Int], values: [Double]) {
        self.init(name: name, elementType: .float64, shape: shape) { (sink) throws(FileError) in
            try sink.write(elements: values)
        }
    }

    /// The tensor `entry` of `source`, copied from there when it is written.
    public init(_ entry: SafetensorsFile.Entry, of source: SafetensorsFile) {
        self.init(name: entry.name, elementType: entry.elementType, shape: entry.shape) {
            (sink) throws(FileError) in
            try sink.write(source.bytes(of: entry))
        }
    }
}
