import COrepaKernels
import OrepaNetwork

extension Plan.Step {
    /// Chooses the step's kernels and packs its weights.
    init(
        _ step: LoweredGraph.Step, layout: PlanLayout, network: Network, numerics: Numerics,
        instructionSet: InstructionSet, pool: WorkerPool
    ) {
        self.init(
            operation: Plan.Step.operation(
                step, layout: layout, network: network, numerics: numerics,
                instructionSet: instructionSet, pool: pool),
            input: layout.value(step.input), output: layout.value(step.node))
    }

    private static func operation(
        _ step: LoweredGraph.Step, layout: PlanLayout, network: Network, numerics: Numerics,
        instructionSet: InstructionSet, pool: WorkerPool
    ) -> Operation {
        let (input, output) = (layout.value(step.input).map, layout.value(step.node).map)
        switch step.operation {
        case .convolution(let convolution, let residual):
            let summand = residual.map(layout.value)
            return .convolution(
                ConvolutionKernel(
                    convolution, input: input, output: output, residual: summand?.map,
                    weight: network.tensors["\(convolution.parameters).weight"]!,
                    bias: network.tensors["\(convolution.parameters).bias"]!,
                    numerics: numerics, instructionSet: instructionSet, pool: pool),
                residual: summand)
        case .maxPool(let pool):
            return .maxPool(
                orepa_max_pool(
                    input: input, output: output, images: 1, kernel: Int32(pool.kernel),
                    stride: Int32(pool.stride), padding: Int32(pool.padding)))
        case .addReLU(let second):
            return .addReLU(
                orepa_addition(
                    a: input, b: layout.value(second).map, output: output, images: 1, relu: true),
                second: layout.value(second))
        case .globalAveragePool:
            return .globalAveragePool(orepa_average_pool(input: input, output: output, images: 1))
        }
    }
}
