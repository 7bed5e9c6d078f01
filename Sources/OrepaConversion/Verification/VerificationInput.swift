import OrepaNetwork

/// The random picture on which networks are compared.
enum VerificationInput {
    /// Default height and width, where that is enough.
    static let smallestDefaultSize = 64
    /// No default is larger.
    static let largestDefaultSize = 4096

    /// `[channels, size, size]`, row-major: approximately normal, mean 0 and variance 1, as a normalised
    /// picture, and the same from the same seed everywhere.
    static func values(channels: Int, size: Int, seed: UInt64) -> [Float] {
        var generator = SplitMix64(state: seed)
        return (0..<channels * size * size).map { _ in generator.nextNormal() }
    }

    /// The size to use for `graph`: the one that `options` ask for, or the default.
    ///
    /// - Throws: ``ConversionError/inputSize(path:node:expected:found:)`` when some weight of a kernel
    ///   would only ever meet padding, so that an error in it would not be seen.
    static func size(
        for graph: Graph, options: VerificationOptions, path: String
    ) throws(ConversionError) -> Int {
        if let size = options.inputSize {
            guard let node = firstUntestedNode(of: graph, size: size) else { return size }
            let expected = (max(size, 1)...max(size, largestDefaultSize)).first {
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
                (0..<shapes[index].height).contains { row in
                    0..<height ~= row * convolution.stride + tap - convolution.padding
                }
            }
            if !isTested { return node.name }
        }
        return nil
    }
}

/// SplitMix64 (Steele, Lea and Flood, 2014).
private struct SplitMix64 {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// The sum of twelve numbers evenly spread over -1/2 to 1/2, which has variance 1. Exact arithmetic.
    mutating func nextNormal() -> Float {
        var sum: Int64 = 0
        for _ in 0..<12 { sum += Int64(next() >> 48) - 0x8000 }
        return Float(sum) * 0x1p-16
    }
}
