/// The largest value under a window of `kernel` by `kernel`; the padding never wins.
public struct MaxPool: Sendable, Hashable {
    /// Height and width of the window.
    public let kernel: Int
    /// Rows and columns from one window to the next.
    public let stride: Int
    /// Rows and columns beyond each edge that a window may reach, at most half of it.
    public let padding: Int

    public init(kernel: Int, stride: Int, padding: Int) {
        self.kernel = kernel
        self.stride = stride
        self.padding = padding
    }
}

extension MaxPool: OperationDefinition {
    func outputChannels(_ inputs: OperationInputs, node: String) throws(NetworkError) -> Int {
        try check("kernel", kernel, node: node)
        try check("stride", stride, node: node)
        try check("padding", padding, atLeast: 0, node: node)
        guard padding * 2 <= kernel else {
            throw .invalid(node: node, what: "padding", found: padding)
        }
        return inputs.channels[0]
    }

    func outputShape(_ inputs: [Shape], node: String) throws(NetworkError) -> Shape {
        try windowed(
            inputs[0], kernel: kernel, stride: stride, padding: padding,
            channels: inputs[0].channels, node: node)
    }

    private static let documentName = "max_pool"

    func write(to document: inout ModelDocument.GraphNode) {
        document.operation = MaxPool.documentName
        document.kernel = kernel
        document.stride = stride
        document.padding = padding
    }

    static var documentReaders: [OperationReader] {
        [
            OperationReader(name: documentName) { node, path throws(ModelFileError) in
                .maxPool(
                    MaxPool(
                        kernel: try node.value(node.kernel, "kernel", path),
                        stride: try node.value(node.stride, "stride", path),
                        padding: try node.value(node.padding, "padding", path)))
            }
        ]
    }
}
