extension Graph {
    /// The shape of every node's output for one picture of `height` by `width`.
    ///
    /// - Throws: ``NetworkError/inputTooSmall(node:input:)`` where a window is larger than its padded
    ///   input, ``NetworkError/sumOfShapes(node:first:second:)`` where two summands differ,
    ///   ``NetworkError/tooLarge(node:)`` past ``largestFeatureMap``.
    public func shapes(height: Int, width: Int) throws(NetworkError) -> [Shape] {
        guard height > 0, width > 0 else {
            throw .inputTooSmall(
                node: Graph.inputName,
                input: Shape(channels: inputChannels, height: height, width: width))
        }
        let input = Shape(channels: inputChannels, height: height, width: width)
        try Graph.checkSize(input, of: Graph.inputName)
        var shapes: [Shape] = []
        for (node, inputs) in zip(nodes, inputIndices) {
            let inputs = inputs.map { $0 < 0 ? input : shapes[$0] }
            let shape = try node.operation.definition.outputShape(inputs, node: node.name)
            try Graph.checkSize(shape, of: node.name)
            shapes.append(shape)
        }
        return shapes
    }

    /// Multiplications with addition of one picture of `height` by `width`, of convolutions and linear
    /// layers, in node order; 0 for the others.
    public func multiplyAccumulates(height: Int, width: Int) throws(NetworkError) -> [Int] {
        let shapes = try shapes(height: height, width: width)
        return zip(nodes, shapes).map { $0.operation.definition.multiplyAccumulates(output: $1) }
    }

    /// Throws ``NetworkError/tooLarge(node:)`` past ``largestFeatureMap``.
    static func checkSize(_ shape: Shape, of node: String) throws(NetworkError) {
        let dimensions = [shape.channels, shape.height, shape.width]
        guard elementCount(dimensions, limit: largestFeatureMap) != nil else {
            throw .tooLarge(node: node)
        }
    }
}
