import COrepaKernels
import OrepaFiles
import OrepaNetwork

/// A convolution or linear layer, and what is added to it before its activation.
struct ConvolutionStep: StepOperation {
    let kernel: ConvolutionKernel
    /// The weight and bias are the network's tensors `parameters.weight` and `parameters.bias`.
    let parameters: String
    let residual: Plan.Value?

    /// Chooses the kernels.
    ///
    /// - Parameter algorithms: By layer; those of other layers are chosen.
    /// - Throws: ``PlanError/algorithm(layer:_:)``, and ``PlanError/network(_:)`` where sums are too long.
    init(
        _ convolution: Convolution, residual: Plan.Value?, step: LoweredGraph.Step,
        layout: PlanLayout, settings: Plan.Step.Settings
    ) throws(PlanError) {
        let layer = layout.layer(step)
        if let chosen = settings.kernels[ByteName(layer)] {
            kernel = try chosen.rescheduled(
                layer: layer, pictureCount: layout.pictureCount,
                threadCount: settings.threadCount)
        } else {
            kernel = try ConvolutionKernel(
                convolution, layer: layer, algorithm: settings.algorithms[ByteName(layer)],
                input: layout.value(step.input).map, output: layout.value(step.node).map,
                residual: residual?.map, numerics: settings.numerics,
                instructionSet: settings.instructionSet, pictureCount: layout.pictureCount,
                threadCount: settings.threadCount)
        }
        parameters = convolution.parameters
        self.residual = residual
    }

    func weight(of network: Network) -> Tensor { network.tensors["\(parameters).weight"]! }
    func bias(of network: Network) -> Tensor { network.tensors["\(parameters).bias"]! }

    var algorithmName: String { kernel.layerAlgorithm.name }

    var window: StepDescription.Window? {
        let shape = kernel.plan.pointee.shape
        return StepDescription.Window(
            kernel: Int(shape.kernel), stride: Int(shape.stride), padding: Int(shape.padding),
            groups: Int(shape.groups), activation: shape.relu ? .relu : .identity)
    }

    var summand: Plan.Value? { residual }

    func executedMultiplyAdds(input: Plan.Value) -> Int { kernel.multiplyAccumulates }

    func run(_ call: StepCall) {
        kernel.run(
            weights: call.weights, input: call.input,
            residual: residual.map(call.memory.base(of:)),
            output: call.output, workers: call.workers, number: call.number,
            threads: call.threads, watch: call.watch)
    }
}
