import COrepaKernels
import OrepaNetwork

/// The largest value under a window.
struct MaxPoolStep: StepOperation {
    let shape: orepa_max_pool

    init(_ pool: MaxPool, step: LoweredGraph.Step, layout: PlanLayout) {
        shape = orepa_max_pool(
            input: layout.value(step.input).map, output: layout.value(step.node).map,
            images: Int32(layout.pictureCount), kernel: Int32(pool.kernel),
            stride: Int32(pool.stride), padding: Int32(pool.padding))
    }

    var algorithmName: String { "max pool" }

    var window: StepDescription.Window? {
        StepDescription.Window(
            kernel: Int(shape.kernel), stride: Int(shape.stride), padding: Int(shape.padding),
            groups: Int(shape.input.channels), activation: .identity)
    }

    func executedMultiplyAdds(input: Plan.Value) -> Int {
        .saturatingProduct(
            16, withUnsafePointer(to: shape) { Int(orepa_max_pool_operations($0)) })
    }

    func run(_ call: StepCall) {
        let items = withUnsafePointer(to: shape) { orepa_max_pool_items($0) }
        call.threads.run(Int(items), KernelCall(shape, call), watch: call.watch) { call, item, _ in
            let call = call.assumingMemoryBound(to: KernelCall<orepa_max_pool>.self).pointee
            call.watch.withStop { stop in
                withUnsafePointer(to: call.shape) {
                    orepa_max_pool_run(
                        $0, call.isa, call.input, call.output, Int64(item), Int64(item) + 1, stop)
                }
            }
        }
    }
}
