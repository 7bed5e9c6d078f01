/// A two-dimensional convolution (cross-correlation, as in PyTorch) with bias, and ReLU after it when
/// `relu` is set: `[N, inputChannels, H, W]` to `[N, outputChannels, H', W']`, where
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
    /// Whether negative outputs become 0 (NaN stays).
    public let relu: Bool

    public init(
        parameters: String, inputChannels: Int, outputChannels: Int, kernel: Int, stride: Int = 1,
        padding: Int, groups: Int = 1, relu: Bool
    ) {
        self.parameters = parameters
        self.inputChannels = inputChannels
        self.outputChannels = outputChannels
        self.kernel = kernel
        self.stride = stride
        self.padding = padding
        self.groups = groups
        self.relu = relu
    }

    /// `[outputChannels, inputChannels / groups, kernel, kernel]`.
    public var weightShape: [Int] { [outputChannels, inputChannels / groups, kernel, kernel] }
}

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
}

/// What a node of a ``Graph`` computes. This is all that a folded network needs.
public enum Operation: Sendable, Hashable {
    /// A convolution with bias, and ReLU where it says so.
    case convolution(Convolution)
    /// The largest value under a window.
    case maxPool(MaxPool)
    /// `max(0, a + b)` of two feature maps of one shape.
    case addReLU
    /// The mean over height and width: `[N, C, H, W]` to `[N, C, 1, 1]`.
    case globalAveragePool
    /// The matrix product that gives the logits.
    case linear(Linear)

    /// Whether it is a convolution or linear layer.
    public var hasWeights: Bool {
        switch self {
        case .convolution, .linear: true
        case .maxPool, .addReLU, .globalAveragePool: false
        }
    }

    /// How many inputs the operation takes.
    public var inputCount: Int {
        if case .addReLU = self { 2 } else { 1 }
    }
}
