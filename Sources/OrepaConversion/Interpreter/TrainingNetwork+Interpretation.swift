import OrepaCheckpoint
import OrepaFiles
import OrepaNetwork
import OrepaTraining

extension TrainingNetwork {
    /// Runs the training-time network in evaluation mode on one picture, in Float64: every branch of every
    /// block on the feature map, nothing folded.
    ///
    /// Feature maps live as long as something reads them, weights one tensor at a time.
    ///
    /// - Parameters:
    ///   - input: `[C, H, W]`, of a size that ``graph`` takes.
    ///   - visit: Called for each convolution and the linear layer, in the order of the graph, with what
    ///     it is given and what it makes of it, before a ReLU.
    /// - Returns: the logits.
    package func interpret(
        _ input: FeatureMap,
        visit: (_ node: Node, _ input: FeatureMap, _ output: FeatureMap) throws(ConversionError) ->
            Void = { _, _, _ in }
    ) throws(ConversionError) -> [Double] {
        var lastReader: [ByteName: ByteName] = [:]
        for node in graph.nodes {
            for name in node.inputs { lastReader[ByteName(name)] = ByteName(node.name) }
        }
        var maps = [ByteName(Graph.inputName): input]
        var logits: [Double] = []
        for node in graph.nodes {
            let inputs = node.inputs.map { maps[$0]! }
            for name in node.inputs where lastReader[name] == ByteName(node.name) {
                maps[name] = nil
            }
            switch node.operation {
            case .convolution(let convolution):
                let output = try interpret(node, inputs[0])
                try visit(node, inputs[0], output)
                maps[node.name] = output.activated(by: convolution.activation)
            case .maxPool(let pool): maps[node.name] = inputs[0].maxPooled(pool)
            case .add(let activation):
                maps[node.name] = (inputs[0] + inputs[1]).activated(by: activation)
            case .globalAveragePool: maps[node.name] = inputs[0].globallyAveraged()
            case .linear:
                let output = try interpret(node, inputs[0])
                try visit(node, inputs[0], output)
                logits = output.values
            }
        }
        return logits
    }

    /// Runs one block, or the linear layer, on a feature map, without a ReLU.
    ///
    /// - Precondition: `node` is a convolution or the linear layer of ``graph``.
    package func interpret(
        _ node: Node, _ input: FeatureMap
    ) throws(ConversionError) -> FeatureMap {
        do {
            if let block = block(named: node.name) {
                return try BlockInterpreter(block).output(of: input)
            }
            let weight = try Filter(linearWeight, shape: linearWeight.shape + [1, 1])
            return try input.convolved(with: weight)
                .scaled(by: repeatElement(1, count: weight.outputs), plus: linearBias.doubles())
        } catch { throw .checkpoint(error) }
    }
}
