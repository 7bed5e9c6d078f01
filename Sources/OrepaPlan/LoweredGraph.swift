import OrepaNetwork

/// A graph as the kernels take it: additions are part of the convolution before them where that is possible.
struct LoweredGraph {
    struct Step {
        enum Operation {
            /// `residual` is added before the activation.
            case convolution(Convolution, residual: Int?)
            case maxPool(MaxPool)
            case add(Activation, second: Int)
            case globalAveragePool
        }

        /// Index of the graph's node whose value this step makes.
        let node: Int
        /// Index of the node whose arithmetic it is: another than ``node`` where an addition was absorbed.
        let arithmeticNode: Int
        let operation: Operation
        /// Index of the node that it reads; -1 is the network's input.
        let input: Int
    }

    let steps: [Step]

    init(_ graph: Graph) {
        let inputs = graph.inputIndices
        // Memory: checked for each node of the graph.
        var useCount = [Int](repeating: 0, count: graph.nodes.count)
        for input in inputs.joined() where input >= 0 { useCount[input] += 1 }

        // The later summand of an addition absorbs it when it is a convolution that nothing else reads: by
        // then the other summand is there.
        var absorber: [Int: Int] = [:]
        for (index, node) in graph.nodes.enumerated() {
            guard case .add = node.operation else { continue }
            let later = max(inputs[index][0], inputs[index][1])
            if later >= 0, useCount[later] == 1, inputs[index][0] != inputs[index][1],
                case .convolution(let convolution) = graph.nodes[later].operation,
                convolution.activation == .identity
            {
                absorber[later] = index
            }
        }
        let absorbed = Set(absorber.values)

        var steps: [Step] = []
        for (index, node) in graph.nodes.enumerated() where !absorbed.contains(index) {
            let operation: Step.Operation
            switch node.operation {
            case .convolution(let convolution):
                if let sum = absorber[index], case .add(let activation) = graph.nodes[sum].operation
                {
                    let residual = inputs[sum][0] == index ? inputs[sum][1] : inputs[sum][0]
                    steps.append(
                        Step(
                            node: sum, arithmeticNode: index,
                            operation: .convolution(
                                convolution.with(activation), residual: residual),
                            input: inputs[index][0]))
                    continue
                }
                operation = .convolution(convolution, residual: nil)
            case .maxPool(let pool): operation = .maxPool(pool)
            case .add(let activation):
                operation = .add(activation, second: inputs[index][1])
            case .globalAveragePool: operation = .globalAveragePool
            case .linear(let linear):
                operation = .convolution(linear.convolution, residual: nil)
            }
            steps.append(
                Step(
                    node: index, arithmeticNode: index, operation: operation,
                    input: inputs[index][0]))
        }
        self.steps = steps
    }
}

extension LoweredGraph.Step {
    /// Indices of all nodes that the step reads.
    var reads: [Int] {
        switch operation {
        case .convolution(_, let residual): [input] + (residual.map { [$0] } ?? [])
        case .add(_, let second): [input, second]
        case .maxPool, .globalAveragePool: [input]
        }
    }
}
