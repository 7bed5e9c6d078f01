import OrepaNetwork

/// The size of the random picture on which networks are compared.
enum VerificationInput {
    /// Default height and width, where that is enough.
    static let smallestDefaultSize = 64
    /// No default is larger.
    static let largestDefaultSize = 4096

    /// The size to use for `graph`: the one that `options` ask for, or the default.
    ///
    /// - Throws: ``ConversionError/inputSize(path:node:expected:found:)`` when some weight of a kernel
    ///   would only ever meet padding, so that an error in it would not be seen;
    ///   ``ConversionError/verificationCost(path:size:limit:found:)`` and
    ///   ``ConversionError/verificationMap(path:node:size:limit:)`` when the comparison would take too long or too
    ///   much memory.
    static func size(
        for graph: Graph, options: VerificationOptions, path: String
    ) throws(ConversionError) -> Int {
        if let size = options.inputSize {
            guard let node = firstUntestedNode(of: graph, size: size) else {
                try VerificationBudget.asked.check(graph, size: size, path: path)
                return size
            }
            // Looked for where that does not take long.
            let expected =
                graph.nodes.count > 1000
                ? nil
                : (max(size, 1)...max(size, largestDefaultSize)).first {
                    firstUntestedNode(of: graph, size: $0) == nil
                }
            throw .inputSize(path: path, node: node, expected: expected, found: size)
        }
        var size = smallestDefaultSize
        while let node = firstUntestedNode(of: graph, size: size) {
            guard size < largestDefaultSize else {
                throw .inputSize(path: path, node: node, expected: nil, found: size)
            }
            size *= 2
        }
        try VerificationBudget.default.check(graph, size: size, path: path)
        return size
    }

    /// The first convolution of whose kernel a row (so a column too) meets only padding in a picture of
    /// `size` by `size`, or the first node that does not take such a picture; nil when there is none.
    private static func firstUntestedNode(of graph: Graph, size: Int) -> String? {
        let shapes: [Shape]
        do { shapes = try graph.shapes(height: size, width: size) } catch {
            return switch error {
            case .inputTooSmall(let node, _), .tooLarge(let node): node
            default: graph.nodes[0].name
            }
        }
        for (index, inputs) in graph.inputIndices.enumerated() {
            let node = graph.nodes[index]
            guard case .convolution(let convolution) = node.operation else { continue }
            let height = inputs[0] < 0 ? size : shapes[inputs[0]].height
            let isTested = (0..<convolution.kernel).allSatisfy { tap in
                // The first row of the output whose window has this tap in the picture.
                let before = max(convolution.padding - tap, 0)
                let row = (before + convolution.stride - 1) / convolution.stride
                return row < shapes[index].height
                    && row * convolution.stride + tap - convolution.padding < height
            }
            if !isTested { return node.name }
        }
        return nil
    }
}
