import COrepaKernels
import OrepaNetwork

/// The sum of two maps that is no part of a convolution before it.
struct AdditionStep: StepOperation {
    let shape: orepa_addition
    let second: Plan.Value

    init(
        _ activation: Activation, second: Plan.Value, step: LoweredGraph.Step, layout: PlanLayout
    ) {
        shape = orepa_addition(
            a: layout.value(step.input).map, b: second.map, output: layout.value(step.node).map,
            images: Int32(layout.pictureCount), relu: activation == .relu)
        self.second = second
    }

    var algorithmName: String { "addition" }
    var summand: Plan.Value? { second }

    func executedMultiplyAdds(input: Plan.Value) -> Int { Int(input.map.image) }

    func run(_ call: StepCall) {
        let items = withUnsafePointer(to: shape) { orepa_addition_items($0) }
        let kernelCall = KernelCall(shape, call, second: call.memory.base(of: second))
        call.threads.run(Int(items), kernelCall, watch: call.watch) { call, item, _ in
            let call = call.assumingMemoryBound(to: KernelCall<orepa_addition>.self).pointee
            withUnsafePointer(to: call.shape) {
                orepa_addition_run(
                    $0, call.isa, call.input, call.second, call.output, Int64(item),
                    Int64(item) + 1)
            }
        }
    }
}
