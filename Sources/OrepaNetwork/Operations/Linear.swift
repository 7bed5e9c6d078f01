/// A matrix product with bias: `[N, inputFeatures]` to `[N, outputFeatures]`.
public struct Linear: Sendable, Hashable {
    /// The tensors are `<parameters>.weight [outputFeatures, inputFeatures]` and `<parameters>.bias`.
    public let parameters: String
    /// Values that each output sees.
    public let inputFeatures: Int
    /// Number of outputs.
    public let outputFeatures: Int

    public init(parameters: String, inputFeatures: Int, outputFeatures: Int) {
        self.parameters = parameters
        self.inputFeatures = inputFeatures
        self.outputFeatures = outputFeatures
    }

    /// The same as a convolution of one pixel.
    package var convolution: Convolution {
        Convolution(
            parameters: parameters, inputChannels: inputFeatures, outputChannels: outputFeatures,
            kernel: 1, padding: 0, activation: .identity)
    }
}

extension Linear: OperationDefinition {
    var weights: OperationWeights? {
        OperationWeights(parameters: parameters, shape: [outputFeatures, inputFeatures])
    }

    func outputChannels(_ inputs: OperationInputs, node: String) throws(NetworkError) -> Int {
        try check("input features", inputFeatures, node: node)
        try check("output features", outputFeatures, node: node)
        guard inputs.isPooled else { throw .linearNotPooled(name: node) }
        try check(inputs, areChannels: inputFeatures, node: node)
        try check(weightOf: [outputFeatures, inputFeatures], node: node)
        return outputFeatures
    }

    func outputShape(_ inputs: [Shape], node: String) throws(NetworkError) -> Shape {
        Shape(channels: outputFeatures, height: 1, width: 1)
    }

    func multiplyAccumulates(output: Shape) -> Int { inputFeatures * outputFeatures }

    private static let documentName = "linear"

    func write(to document: inout ModelDocument.GraphNode) {
        document.operation = Linear.documentName
        document.parameters = parameters
        document.inputChannels = inputFeatures
        document.outputChannels = outputFeatures
    }

    static var documentReaders: [OperationReader] {
        [
            OperationReader(name: documentName) { node, path throws(ModelFileError) in
                .linear(
                    Linear(
                        parameters: try node.value(node.parameters, "parameters", path),
                        inputFeatures: try node.value(node.inputChannels, "input_channels", path),
                        outputFeatures: try node.value(
                            node.outputChannels, "output_channels", path)))
            }
        ]
    }
}
