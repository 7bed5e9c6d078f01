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
            let shape = try Graph.shape(of: node, inputs: inputs)
            try Graph.checkSize(shape, of: node.name)
            if case .convolution(let convolution) = node.operation {
                try Graph.checkSize(of: convolution, input: inputs[0], node: node.name)
            }
            shapes.append(shape)
        }
        return shapes
    }

    /// Multiplications with addition of one picture of `height` by `width`, of convolutions and linear
    /// layers, in node order; 0 for the others.
    public func multiplyAccumulates(height: Int, width: Int) throws(NetworkError) -> [Int] {
        let shapes = try shapes(height: height, width: width)
        return zip(nodes, shapes).map { node, shape in
            switch node.operation {
            case .convolution(let convolution):
                convolution.weightShape.reduce(1, *) * shape.height * shape.width
            case .linear(let linear): linear.inputFeatures * linear.outputFeatures
            case .maxPool, .addReLU, .globalAveragePool: 0
            }
        }
    }

    private static func shape(of node: Node, inputs: [Shape]) throws(NetworkError) -> Shape {
        func windowed(
            kernel: Int, stride: Int, padding: Int, channels: Int
        ) throws(NetworkError) -> Shape {
            let height = inputs[0].height + 2 * padding - kernel
            let width = inputs[0].width + 2 * padding - kernel
            guard height >= 0, width >= 0 else {
                throw .inputTooSmall(node: node.name, input: inputs[0])
            }
            return Shape(channels: channels, height: height / stride + 1, width: width / stride + 1)
        }
        switch node.operation {
        case .convolution(let convolution):
            return try windowed(
                kernel: convolution.kernel, stride: convolution.stride,
                padding: convolution.padding,
                channels: convolution.outputChannels)
        case .maxPool(let pool):
            return try windowed(
                kernel: pool.kernel, stride: pool.stride, padding: pool.padding,
                channels: inputs[0].channels)
        case .addReLU:
            guard inputs[0] == inputs[1] else {
                throw .sumOfShapes(node: node.name, first: inputs[0], second: inputs[1])
            }
            return inputs[0]
        case .globalAveragePool:
            return Shape(channels: inputs[0].channels, height: 1, width: 1)
        case .linear(let linear):
            return Shape(channels: linear.outputFeatures, height: 1, width: 1)
        }
    }

    /// Throws ``NetworkError/tooLarge(node:)`` where the convolution's input is past ``largestFeatureMap`` as it lies in
    /// memory, with its border of zeros.
    package static func checkSize(
        of convolution: Convolution, input: Shape, node: String? = nil
    ) throws(NetworkError) {
        try checkSize(input.padded(by: convolution.padding), of: node ?? convolution.parameters)
    }

    /// Throws ``NetworkError/tooLarge(node:)`` past ``largestFeatureMap``.
    private static func checkSize(_ shape: Shape, of node: String) throws(NetworkError) {
        let dimensions = [shape.channels, shape.height, shape.width]
        guard elementCount(dimensions, limit: largestFeatureMap) != nil else {
            throw .tooLarge(node: node)
        }
    }
}

extension Shape {
    /// With `padding` rows and columns more on each side.
    fileprivate func padded(by padding: Int) -> Shape {
        Shape(channels: channels, height: height + 2 * padding, width: width + 2 * padding)
    }
}
