import COrepaKernels
import OrepaFiles
import OrepaNetwork

extension Plan.Step {
    /// Chooses the step's kernels.
    ///
    /// - Parameter algorithms: By layer; those of other layers are chosen.
    /// - Throws: ``PlanError/algorithm(layer:_:)``.
    init(
        _ step: LoweredGraph.Step, layout: PlanLayout, numerics: Numerics,
        algorithms: [ByteName: LayerAlgorithm], instructionSet: InstructionSet, threadCount: Int
    ) throws(PlanError) {
        self.init(
            name: layout.name(step), layer: layout.layer(step),
            multiplyAccumulates: layout.multiplyAccumulates(step),
            operation: try Plan.Step.operation(
                step, layout: layout, numerics: numerics, algorithms: algorithms,
                instructionSet: instructionSet, threadCount: threadCount),
            input: layout.value(step.input), output: layout.value(step.node))
    }

    private static func operation(
        _ step: LoweredGraph.Step, layout: PlanLayout, numerics: Numerics,
        algorithms: [ByteName: LayerAlgorithm], instructionSet: InstructionSet, threadCount: Int
    ) throws(PlanError) -> Operation {
        let (input, output) = (layout.value(step.input).map, layout.value(step.node).map)
        let pictures = Int32(layout.pictureCount)
        switch step.operation {
        case .convolution(let convolution, let residual):
            let summand = residual.map(layout.value)
            let layer = layout.layer(step)
            return .convolution(
                try ConvolutionKernel(
                    convolution, layer: layer, algorithm: algorithms[ByteName(layer)], input: input,
                    output: output, residual: summand?.map,
                    numerics: numerics, instructionSet: instructionSet,
                    pictureCount: layout.pictureCount, threadCount: threadCount),
                parameters: convolution.parameters, residual: summand)
        case .maxPool(let pool):
            return .maxPool(
                orepa_max_pool(
                    input: input, output: output, images: pictures, kernel: Int32(pool.kernel),
                    stride: Int32(pool.stride), padding: Int32(pool.padding)))
        case .addReLU(let second):
            return .addReLU(
                orepa_addition(
                    a: input, b: layout.value(second).map, output: output, images: pictures,
                    relu: true),
                second: layout.value(second))
        case .globalAveragePool:
            return .globalAveragePool(
                orepa_average_pool(input: input, output: output, images: pictures))
        }
    }

    /// The convolution's, or nil.
    var kernel: ConvolutionKernel? {
        guard case .convolution(let kernel, _, _) = operation else { return nil }
        return kernel
    }

    /// Of one picture: what ``PlanBlueprint/multiplyAdds`` counts.
    var executedMultiplyAdds: Int {
        switch operation {
        case .convolution(let kernel, _, _): kernel.multiplyAccumulates
        case .maxPool(let pool):
            .saturatingProduct(
                16, withUnsafePointer(to: pool) { Int(orepa_max_pool_operations($0)) })
        case .addReLU, .globalAveragePool: Int(input.map.image)
        }
    }

    /// Elements of the packed weights, a multiple of 16; 0 without any.
    var packedCount: Int { kernel?.packedCount.roundedUp(to: 16) ?? 0 }
}
