/// A two-dimensional convolution (cross-correlation, as in PyTorch) with bias, and an activation after it:
/// `[N, inputChannels, H, W]` to `[N, outputChannels, H', W']`, where
/// `H' = (H + 2 * padding - kernel) / stride + 1`, rounded down.
public struct Convolution: Sendable, Hashable {
    /// The tensors are `<parameters>.weight [outputChannels, inputChannels / groups, kernel, kernel]` and
    /// `<parameters>.bias [outputChannels]`.
    public let parameters: String
    /// Channels of the input, I.
    public let inputChannels: Int
    /// Channels of the output, O.
    public let outputChannels: Int
    /// Height and width of the kernel.
    public let kernel: Int
    /// Rows and columns from one window to the next.
    public let stride: Int
    /// Rows and columns of zeros on each side.
    public let padding: Int
    /// Parts that channels are cut into; an output sees the inputs of its own part only.
    public let groups: Int
    /// What is done to each output.
    public let activation: Activation

    public init(
        parameters: String, inputChannels: Int, outputChannels: Int, kernel: Int, stride: Int = 1,
        padding: Int, groups: Int = 1, activation: Activation
    ) {
        self.parameters = parameters
        self.inputChannels = inputChannels
        self.outputChannels = outputChannels
        self.kernel = kernel
        self.stride = stride
        self.padding = padding
        self.groups = groups
        self.activation = activation
    }

    /// `[outputChannels, inputChannels / groups, kernel, kernel]`.
    public var weightShape: [Int] { [outputChannels, inputChannels / groups, kernel, kernel] }

    /// The same with another activation.
    package func with(_ activation: Activation) -> Convolution {
        Convolution(
            parameters: parameters, inputChannels: inputChannels, outputChannels: outputChannels,
            kernel: kernel, stride: stride, padding: padding, groups: groups,
            activation: activation)
    }
}

extension Convolution: OperationDefinition {
    var weights: OperationWeights? {
        OperationWeights(parameters: parameters, shape: weightShape)
    }

    func outputChannels(_ inputs: OperationInputs, node: String) throws(NetworkError) -> Int {
        try check("input channels", inputChannels, node: node)
        try check("output channels", outputChannels, node: node)
        try check("kernel", kernel, node: node)
        try check("stride", stride, node: node)
        try check("padding", padding, atLeast: 0, node: node)
        try check("groups", groups, node: node)
        guard inputChannels % groups == 0, outputChannels % groups == 0 else {
            throw .invalid(node: node, what: "groups", found: groups)
        }
        try check(inputs, areChannels: inputChannels, node: node)
        try check(weightOf: weightShape, node: node)
        let products = Array(weightShape.dropFirst())
        guard Graph.elementCount(products, limit: Graph.longestSum) != nil else {
            throw .sumTooLong(node: node)
        }
        return outputChannels
    }

    func outputShape(_ inputs: [Shape], node: String) throws(NetworkError) -> Shape {
        let shape = try windowed(
            inputs[0], kernel: kernel, stride: stride, padding: padding, channels: outputChannels,
            node: node)
        try checkSize(ofInput: inputs[0], node: node)
        return shape
    }

    /// Throws ``NetworkError/tooLarge(node:)`` where the input is past ``Graph/largestFeatureMap`` as it lies in memory,
    /// with its border of zeros.
    package func checkSize(ofInput input: Shape, node: String? = nil) throws(NetworkError) {
        let padded = Shape(
            channels: input.channels, height: input.height + 2 * padding,
            width: input.width + 2 * padding)
        try Graph.checkSize(padded, of: node ?? parameters)
    }

    func multiplyAccumulates(output: Shape) -> Int {
        weightShape.reduce(1, *) * output.height * output.width
    }

    private static let documentName = "convolution"

    func write(to document: inout ModelDocument.GraphNode) {
        document.operation = Convolution.documentName
        document.parameters = parameters
        document.inputChannels = inputChannels
        document.outputChannels = outputChannels
        document.kernel = kernel
        document.stride = stride
        document.padding = padding
        document.groups = groups
        document.relu = activation == .relu
    }

    static var documentReaders: [OperationReader] {
        [
            OperationReader(name: documentName) { node, path throws(ModelFileError) in
                .convolution(
                    Convolution(
                        parameters: try node.value(node.parameters, "parameters", path),
                        inputChannels: try node.value(node.inputChannels, "input_channels", path),
                        outputChannels: try node.value(
                            node.outputChannels, "output_channels", path),
                        kernel: try node.value(node.kernel, "kernel", path),
                        stride: try node.value(node.stride, "stride", path),
                        padding: try node.value(node.padding, "padding", path),
                        groups: try node.value(node.groups, "groups", path),
                        activation: try node.value(node.relu, "relu", path) ? .relu : .identity))
            }
        ]
    }
}
