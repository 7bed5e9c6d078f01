import COrepaKernels
import OrepaNetwork

extension Plan.Step {
    /// Chooses the step's kernels; its weights are packed afterwards.
    init(
        _ step: LoweredGraph.Step, layout: PlanLayout, numerics: Numerics,
        instructionSet: InstructionSet, threadCount: Int
    ) {
        self.init(
            name: layout.name(step), multiplyAccumulates: layout.multiplyAccumulates(step),
            operation: Plan.Step.operation(
                step, layout: layout, numerics: numerics, instructionSet: instructionSet,
                threadCount: threadCount),
            input: layout.value(step.input), output: layout.value(step.node))
    }

    private static func operation(
        _ step: LoweredGraph.Step, layout: PlanLayout, numerics: Numerics,
        instructionSet: InstructionSet, threadCount: Int
    ) -> Operation {
        let (input, output) = (layout.value(step.input).map, layout.value(step.node).map)
        switch step.operation {
        case .convolution(let convolution, let residual):
            let summand = residual.map(layout.value)
            return .convolution(
                ConvolutionKernel(
                    convolution, input: input, output: output, residual: summand?.map,
                    numerics: numerics, instructionSet: instructionSet, threadCount: threadCount),
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

    /// Packs the weights of `steps` one after the other into one piece of memory.
    ///
    /// - Parameter lowered: what the steps were made of, in their order.
    /// - Returns: elements of that memory.
    static func pack(
        _ steps: [Plan.Step], of lowered: [LoweredGraph.Step], network: Network, pool: WorkerPool
    ) throws(PlanError) -> Int {
        var kernels: [(kernel: ConvolutionKernel, parameters: String)] = []
        for (step, lowered) in zip(steps, lowered) {
            if case .convolution(let kernel, _) = step.operation,
                case .convolution(let convolution, _) = lowered.operation
            {
                kernels.append((kernel, convolution.parameters))
            }
        }
        let memory = try AlignedMemory(
            count: kernels.reduce(0) { $0 + $1.kernel.packedCount.roundedUp(to: 16) })
        var offset = 0
        for (kernel, parameters) in kernels {
            kernel.pack(
                into: memory, at: offset, weight: network.tensors["\(parameters).weight"]!,
                bias: network.tensors["\(parameters).bias"]!, pool: pool)
            offset += kernel.packedCount.roundedUp(to: 16)
        }
        return offset
    }
}
