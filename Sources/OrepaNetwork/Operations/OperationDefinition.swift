/// All that a graph has to know of an operation: one type for each, in a file of its own.
protocol OperationDefinition {
    /// How many inputs the operation takes.
    var inputCount: Int { get }

    /// The tensors that it reads, if any.
    var weights: OperationWeights? { get }

    /// Checks its numbers against those of its inputs.
    ///
    /// - Returns: Channels of its output.
    /// - Throws: ``NetworkError`` naming `node`.
    func outputChannels(_ inputs: OperationInputs, node: String) throws(NetworkError) -> Int

    /// The shape of its output for one picture; the channels are checked already.
    ///
    /// - Throws: ``NetworkError/inputTooSmall(node:input:)``, ``NetworkError/sumOfShapes(node:first:second:)``,
    ///   ``NetworkError/tooLarge(node:)``.
    func outputShape(_ inputs: [Shape], node: String) throws(NetworkError) -> Shape

    /// Multiplications with addition of one picture, of what has weights; else 0.
    func multiplyAccumulates(output: Shape) -> Int

    /// Says in `document` what it is.
    func write(to document: inout ModelDocument.GraphNode)

    /// By the names that documents have for it, what reads one of that name.
    static var documentReaders: [OperationReader] { get }
}

extension OperationDefinition {
    var inputCount: Int { 1 }
    var weights: OperationWeights? { nil }
    func multiplyAccumulates(output: Shape) -> Int { 0 }
}

/// What an operation reads when it is checked.
struct OperationInputs {
    /// Channels of each input.
    let channels: [Int]
    /// Whether it reads a global average pool.
    let isPooled: Bool
}

/// The tensors `<parameters>.weight [output, ...]` and `<parameters>.bias [output]`.
struct OperationWeights {
    let parameters: String
    /// Of the weight.
    let shape: [Int]
}

/// Reads operations of one name from documents.
struct OperationReader: Sendable {
    let name: String
    /// - Throws: ``ModelFileError/malformed(path:field:expected:found:)`` naming the missing field.
    let read:
        @Sendable (_ document: ModelDocument.GraphNode, _ path: String) throws(ModelFileError) ->
            Operation
}

// MARK: Checks

extension OperationDefinition {
    func check(
        _ what: String, _ value: Int, atLeast least: Int = 1, node: String
    ) throws(NetworkError) {
        guard least...Graph.largestDimension ~= value else {
            throw .invalid(node: node, what: what, found: value)
        }
    }

    func check(_ inputs: OperationInputs, areChannels expected: Int, node: String)
        throws(NetworkError)
    {
        guard inputs.channels[0] == expected else {
            throw .channels(node: node, expected: expected, found: inputs.channels[0])
        }
    }

    func check(weightOf shape: [Int], node: String) throws(NetworkError) {
        guard Graph.elementCount(shape, limit: Graph.largestTensor) != nil else {
            throw .tooLarge(node: node)
        }
    }

    /// The shape of what windows give that lie `stride` apart on an input with `padding` on every side.
    func windowed(
        _ input: Shape, kernel: Int, stride: Int, padding: Int, channels: Int, node: String
    ) throws(NetworkError) -> Shape {
        let height = input.height + 2 * padding - kernel
        let width = input.width + 2 * padding - kernel
        guard height >= 0, width >= 0 else { throw .inputTooSmall(node: node, input: input) }
        return Shape(channels: channels, height: height / stride + 1, width: width / stride + 1)
    }
}
