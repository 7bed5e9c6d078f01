import OrepaFiles
import OrepaNetwork

extension Plan {
    /// One operation, where it reads and where it writes.
    struct Step: Sendable {
        /// Name of the graph's node whose value it makes.
        let name: String
        /// Name of the node whose arithmetic it does: another than ``name`` where an addition was absorbed.
        let layer: String
        let multiplyAccumulates: Int
        let operation: any StepOperation
        let input: Value
        let output: Value
    }
}

extension Plan.Step {
    /// What kernels are chosen by, beside a layer's shape.
    struct Settings {
        let numerics: Numerics
        /// How to compute layers, by their names; those of others are chosen.
        var algorithms: [ByteName: LayerAlgorithm] = [:]
        /// Kernels that were chosen before, by the names of their layers: they are only cut anew.
        var kernels: [ByteName: ConvolutionKernel] = [:]
        let instructionSet: InstructionSet
        /// How many threads are expected to share the work; a hint for cutting it.
        let threadCount: Int
    }

    /// Chooses the step's kernels.
    ///
    /// - Throws: ``PlanError/algorithm(layer:_:)``.
    init(
        _ step: LoweredGraph.Step, layout: PlanLayout, settings: Settings
    ) throws(PlanError) {
        self.init(
            name: layout.name(step), layer: layout.layer(step),
            multiplyAccumulates: layout.multiplyAccumulates(step),
            operation: try Plan.Step.operation(step, layout: layout, settings: settings),
            input: layout.value(step.input), output: layout.value(step.node))
    }

    private static func operation(
        _ step: LoweredGraph.Step, layout: PlanLayout, settings: Settings
    ) throws(PlanError) -> any StepOperation {
        switch step.operation {
        case .convolution(let convolution, let residual):
            try ConvolutionStep(
                convolution, residual: residual.map(layout.value), step: step, layout: layout,
                settings: settings)
        case .maxPool(let pool): MaxPoolStep(pool, step: step, layout: layout)
        case .add(let activation, let second):
            AdditionStep(activation, second: layout.value(second), step: step, layout: layout)
        case .globalAveragePool: AveragePoolStep(step: step, layout: layout)
        }
    }

    /// What reads weights, or nil.
    var convolution: ConvolutionStep? { operation as? ConvolutionStep }

    /// The convolution's, or nil.
    var kernel: ConvolutionKernel? { convolution?.kernel }

    /// Of one picture: what ``PlanBlueprint/multiplyAdds`` counts.
    var executedMultiplyAdds: Int { operation.executedMultiplyAdds(input: input) }

    /// Elements of the packed weights, a multiple of 16; 0 without any.
    var packedCount: Int { kernel?.packedCount.roundedUp(to: 16) ?? 0 }
}
