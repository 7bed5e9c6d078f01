import COrepaKernels

/// The mean over height and width.
struct AveragePoolStep: StepOperation {
    let shape: orepa_average_pool

    init(step: LoweredGraph.Step, layout: PlanLayout) {
        shape = orepa_average_pool(
            input: layout.value(step.input).map, output: layout.value(step.node).map,
            images: Int32(layout.pictureCount))
    }

    var algorithmName: String { "average pool" }

    func executedMultiplyAdds(input: Plan.Value) -> Int { Int(input.map.image) }

    func run(_ call: StepCall) {
        let items = withUnsafePointer(to: shape) { orepa_average_pool_items($0) }
        call.threads.run(Int(items), KernelCall(shape, call), watch: call.watch) { call, item, _ in
            let call = call.assumingMemoryBound(to: KernelCall<orepa_average_pool>.self).pointee
            call.watch.withStop { stop in
                withUnsafePointer(to: call.shape) {
                    orepa_average_pool_run(
                        $0, call.isa, call.input, call.output, Int64(item), Int64(item) + 1, stop)
                }
            }
        }
    }
}
