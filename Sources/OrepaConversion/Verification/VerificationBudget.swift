import OrepaFiles
import OrepaNetwork

/// What comparing a network on one picture may take. Networks that anybody trains stay far below; a file of a few
/// kilobytes, whose tensors repeat one number, can ask for a kernel as large as the largest picture.
struct VerificationBudget {
    /// Steps of the unfused network's convolutions: multiplications with addition in Float64, and 16 for each value
    /// that is laid out for them.
    let cost: Int
    /// Elements of a feature map, its channels rounded up to the 16 that kernels take at a time.
    let mapElements: Int

    /// For the size that is chosen here. RepVGG-B3 takes 3e9 steps; a processor of 2020 does 2e10 a second.
    static let `default` = VerificationBudget(cost: 50_000_000_000, mapElements: 1 << 24)
    /// For a size that somebody has asked for, who then waits for it.
    static let asked = VerificationBudget(
        cost: 20_000_000_000_000, mapElements: Graph.largestFeatureMap)

    func check(_ graph: Graph, size: Int, path: String) throws(ConversionError) {
        let shapes: [Shape]
        do { shapes = try graph.shapes(height: size, width: size) } catch {
            throw .network(path: path, error)
        }
        var steps = CheckedSize(0)
        for (node, shape) in zip(graph.nodes, shapes) {
            let channels = (shape.channels + 15) / 16 * 16
            guard
                CheckedSize.product(of: [channels, shape.height, shape.width])
                    .atMost(mapElements) != nil
            else {
                throw .verificationMap(
                    path: path, node: node.name, size: size, limit: mapElements)
            }
            guard case .convolution(let convolution) = node.operation else { continue }
            let columns = CheckedSize.product(of: [
                convolution.inputChannels / convolution.groups, convolution.kernel,
                convolution.kernel, shape.height, shape.width,
            ])
            steps = steps + columns * (convolution.outputChannels + 16 * convolution.groups)
        }
        guard steps.atMost(cost) != nil else {
            throw .verificationCost(path: path, size: size, limit: cost, found: steps.value)
        }
    }
}
